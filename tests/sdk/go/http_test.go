package walk

// The SDK's HTTP interface behind net/http, as a front end calls it, with tokens in cookies and in headers.

import (
	"net/http"
	"net/url"
	"testing"

	"gatehouse/tests/sdk/browser"

	"github.com/supertokens/supertokens-golang/recipe/session"
)

const callback = "http://127.0.0.1/auth/callback/local"

// inBothWays runs a test with tokens in cookies and with tokens in headers.
func inBothWays(t *testing.T, test func(t *testing.T, b *browser.Browser)) {
	for _, transfer := range []string{"cookie", "header"} {
		t.Run(transfer, func(t *testing.T) { test(t, browser.New(t, server.URL, transfer)) })
	}
}

func signedUpOverHTTP(t *testing.T, b *browser.Browser) (email, userID string) {
	t.Helper()
	email = freshEmail()
	reply := b.Post("/auth/signup", browser.FormFields("email", email, "password", password))
	equal(t, reply.Status, http.StatusOK)
	equal(t, reply.Body["status"], "OK")
	equal(t, b.SignedIn(), true)
	return email, reply.Body["user"].(map[string]interface{})["id"].(string)
}

func TestSignsUpInAndOutOverHTTP(t *testing.T) {
	inBothWays(t, func(t *testing.T, b *browser.Browser) {
		email, userID := signedUpOverHTTP(t, b)
		equal(t, b.Post("/protected", nil).Body["userId"], userID)
		taken := b.Copy().Post("/auth/signup", browser.FormFields("email", email, "password", password))
		equal(t, taken.Body["status"], "FIELD_ERROR")

		before := b.Copy()
		equal(t, b.Post("/auth/signout", nil).Body["status"], "OK")
		equal(t, b.SignedIn(), false)
		equal(t, b.Post("/protected", nil).Status, http.StatusUnauthorized)
		equal(t, before.Post("/auth/session/refresh", nil).Status, http.StatusUnauthorized)

		wrong := b.Post("/auth/signin", browser.FormFields("email", email, "password", "wrong horse 1"))
		equal(t, wrong.Body["status"], "WRONG_CREDENTIALS_ERROR")
		right := b.Post("/auth/signin", browser.FormFields("email", email, "password", password))
		equal(t, right.Body["status"], "OK")
		equal(t, b.Post("/protected", nil).Body["userId"], userID)
	})
}

func TestRefreshesAndRevokesTheSessionOfAStolenToken(t *testing.T) {
	inBothWays(t, func(t *testing.T, b *browser.Browser) {
		signedUpOverHTTP(t, b)
		handle := b.Post("/protected", nil).Body["handle"]
		thief := b.Copy()
		equal(t, b.Post("/auth/session/refresh", nil).Status, http.StatusOK)
		equal(t, b.Post("/protected", nil).Body["handle"], handle)
		theft := thief.Post("/auth/session/refresh", nil)
		equal(t, theft.Status, http.StatusUnauthorized)
		equal(t, theft.Body["message"], "token theft detected")
		information, err := session.GetSessionInformation(handle.(string))
		must(t, err)
		equal(t, information == nil, true)
		equal(t, b.Post("/auth/session/refresh", nil).Status, http.StatusUnauthorized)
	})
}

func TestAsksForTheAntiCsrfToken(t *testing.T) {
	b := browser.New(t, server.URL, "cookie")
	signedUpOverHTTP(t, b)
	equal(t, b.WithoutAntiCsrf().Post("/protected", nil).Status, http.StatusUnauthorized)
	equal(t, b.Post("/protected", nil).Status, http.StatusOK)
}

func TestSignsInWithAProvider(t *testing.T) {
	inBothWays(t, func(t *testing.T, b *browser.Browser) {
		name := unique("person")
		first := signInWithProvider(t, b, name)
		equal(t, first["status"], "OK")
		equal(t, first["createdNewUser"], true)
		user := first["user"].(map[string]interface{})
		equal(t, user["email"], name+"@oidc.example")
		equal(t, user["thirdParty"], map[string]interface{}{"id": "local", "userId": "oidc-" + name})
		equal(t, b.Post("/protected", nil).Body["userId"], user["id"])
		again := signInWithProvider(t, b, name)
		equal(t, again["createdNewUser"], false)
		equal(t, again["user"], first["user"])
	})
}

func TestResetsAForgottenPassword(t *testing.T) {
	b := browser.New(t, server.URL, "header")
	email, _ := signedUpOverHTTP(t, b)
	equal(t, b.Post("/auth/user/password/reset/token", browser.FormFields("email", email)).Body["status"], "OK")
	resetLinks.Lock()
	link, err := url.Parse(resetLinks.last)
	resetLinks.Unlock()
	must(t, err)
	form := browser.FormFields("password", "after reset 1")
	form["method"], form["token"] = "token", link.Query().Get("token")
	equal(t, b.Post("/auth/user/password/reset", form).Body["status"], "OK")
	equal(t, b.Post("/auth/user/password/reset", form).Body["status"], "RESET_PASSWORD_INVALID_TOKEN_ERROR")
	equal(t, signsIn(t, email, "after reset 1"), true)
}

// signInWithProvider goes the whole way: the provider's address from the SDK, a visit there, and back with the code.
func signInWithProvider(t *testing.T, b *browser.Browser, userName string) map[string]interface{} {
	t.Helper()
	query := url.Values{"thirdPartyId": {"local"}, "redirectURIOnProviderDashboard": {callback}}
	start := b.Get("/auth/authorisationurl?" + query.Encode()).Body
	equal(t, start["status"], "OK")
	address := start["urlWithQueryParams"].(string) + "&" + url.Values{"login_hint": {userName}}.Encode()
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	visit, err := client.Get(address)
	must(t, err)
	defer visit.Body.Close()
	equal(t, visit.StatusCode, http.StatusFound)
	target, err := visit.Location()
	must(t, err)
	return b.Post("/auth/signinup", map[string]interface{}{
		"thirdPartyId": "local",
		"redirectURIInfo": map[string]interface{}{
			"redirectURIOnProviderDashboard": callback,
			"redirectURIQueryParams":         map[string]string{"code": target.Query().Get("code")},
			"pkceCodeVerifier":               start["pkceCodeVerifier"],
		},
	}).Body
}

package walk

// The SDK's HTTP interface behind net/http, as a front end calls it, with tokens in cookies and in headers.

import (
	"net/http"
	"net/url"
	"testing"

	"gatehouse/tests/sdk/browser"
	"gatehouse/tests/sdk/browser/app"
)

const callback = "http://127.0.0.1/auth/callback/local"

func TestSignsUpInAndOutOverHTTP(t *testing.T) { app.SignsUpInAndOut(t) }

func TestRefreshesAndRevokesTheSessionOfAStolenToken(t *testing.T) {
	app.RefreshesAndRevokesTheSessionOfAStolenToken(t)
}

func TestAsksForTheAntiCsrfToken(t *testing.T) {
	b := app.Browser(t, "cookie")
	app.SignedUp(t, b)
	app.Equal(t, b.WithoutAntiCsrf().Post("/protected", nil).Status, http.StatusUnauthorized)
	app.Equal(t, b.Post("/protected", nil).Status, http.StatusOK)
}

func TestSignsInWithAProvider(t *testing.T) {
	app.InBothWays(t, func(t *testing.T, b *browser.Browser) {
		name := app.Unique("person")
		first := signInWithProvider(t, b, name)
		app.Equal(t, first["status"], "OK")
		app.Equal(t, first["createdNewUser"], true)
		user := first["user"].(map[string]interface{})
		app.Equal(t, user["email"], name+"@oidc.example")
		app.Equal(t, user["thirdParty"], map[string]interface{}{"id": "local", "userId": "oidc-" + name})
		app.Equal(t, b.Post("/protected", nil).Body["userId"], user["id"])
		again := signInWithProvider(t, b, name)
		app.Equal(t, again["createdNewUser"], false)
		app.Equal(t, again["user"], first["user"])
	})
}

func TestResetsAForgottenPassword(t *testing.T) {
	b := app.Browser(t, "header")
	email, _ := app.SignedUp(t, b)
	app.Equal(t, b.Post("/auth/user/password/reset/token", browser.FormFields("email", email)).Body["status"], "OK")
	resetLinks.Lock()
	link, err := url.Parse(resetLinks.last)
	resetLinks.Unlock()
	app.Must(t, err)
	form := browser.FormFields("password", "after reset 1")
	form["method"], form["token"] = "token", link.Query().Get("token")
	app.Equal(t, b.Post("/auth/user/password/reset", form).Body["status"], "OK")
	app.Equal(t, b.Post("/auth/user/password/reset", form).Body["status"], "RESET_PASSWORD_INVALID_TOKEN_ERROR")
	app.Equal(t, signsIn(t, email, "after reset 1"), true)
}

// signInWithProvider goes the whole way: the provider's address from the SDK, a visit there, and back with the code.
func signInWithProvider(t *testing.T, b *browser.Browser, userName string) map[string]interface{} {
	t.Helper()
	query := url.Values{"thirdPartyId": {"local"}, "redirectURIOnProviderDashboard": {callback}}
	start := b.Get("/auth/authorisationurl?" + query.Encode()).Body
	app.Equal(t, start["status"], "OK")
	address := start["urlWithQueryParams"].(string) + "&" + url.Values{"login_hint": {userName}}.Encode()
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	visit, err := client.Get(address)
	app.Must(t, err)
	defer visit.Body.Close()
	app.Equal(t, visit.StatusCode, http.StatusFound)
	target, err := visit.Location()
	app.Must(t, err)
	return b.Post("/auth/signinup", map[string]interface{}{
		"thirdPartyId": "local",
		"redirectURIInfo": map[string]interface{}{
			"redirectURIOnProviderDashboard": callback,
			"redirectURIQueryParams":         map[string]string{"code": target.Query().Get("code")},
			"pkceCodeVerifier":               start["pkceCodeVerifier"],
		},
	}).Body
}

// Package app is the small application of the Go walks: net/http, supertokens-golang in whatever version the
// walk names, and one protected page; and the steps that every version takes.
package app

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"testing"

	"gatehouse/tests/sdk/browser"

	"github.com/supertokens/supertokens-golang/recipe/session"
	"github.com/supertokens/supertokens-golang/recipe/session/sessmodels"
	"github.com/supertokens/supertokens-golang/supertokens"
)

const Password = "correct horse 1"

var server *httptest.Server

// Run serves the application with sessions and the given recipes, and runs the tests.
func Run(m *testing.M, recipes ...supertokens.Recipe) int {
	antiCsrf, telemetry, basePath := "VIA_TOKEN", false, "/auth"
	err := supertokens.Init(supertokens.TypeInput{
		Supertokens: &supertokens.ConnectionInfo{
			ConnectionURI: browser.Environment("GATEHOUSE_URL"),
			APIKey:        os.Getenv("GATEHOUSE_API_KEY"),
		},
		AppInfo: supertokens.AppInfo{
			AppName:       "Walk",
			APIDomain:     "http://127.0.0.1",
			WebsiteDomain: "http://127.0.0.1",
			APIBasePath:   &basePath,
		},
		Telemetry:  &telemetry,
		RecipeList: append(recipes, session.Init(&sessmodels.TypeInput{AntiCsrf: &antiCsrf})),
	})
	if err != nil {
		panic(err)
	}
	pages := http.NewServeMux()
	pages.HandleFunc("/protected", session.VerifySession(nil, protected))
	server = httptest.NewServer(supertokens.Middleware(pages))
	defer server.Close()
	return m.Run()
}

func protected(response http.ResponseWriter, request *http.Request) {
	current := session.GetSessionFromRequestContext(request.Context())
	response.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(response).Encode(map[string]interface{}{
		"handle":  current.GetHandle(),
		"userId":  current.GetUserID(),
		"payload": current.GetAccessTokenPayload(),
	})
}

// Browser is a visitor of the application; transfer is "cookie" or "header".
func Browser(t *testing.T, transfer string) *browser.Browser {
	return browser.New(t, server.URL, transfer)
}

// InBothWays runs a test with tokens in cookies and with tokens in headers.
func InBothWays(t *testing.T, test func(t *testing.T, b *browser.Browser)) {
	for _, transfer := range []string{"cookie", "header"} {
		t.Run(transfer, func(t *testing.T) { test(t, Browser(t, transfer)) })
	}
}

// Unique is a random name, so that a walk can be taken again in the same app.
func Unique(prefix string) string {
	random := make([]byte, 12)
	if _, err := rand.Read(random); err != nil {
		panic(err)
	}
	return prefix + "-" + hex.EncodeToString(random)
}

func FreshEmail() string { return Unique("walk") + "@walk.example" }

func Must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func Equal(t *testing.T, got, want interface{}) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("got %#v, want %#v", got, want)
	}
}

// SignedUp signs a new user up with Password.
func SignedUp(t *testing.T, b *browser.Browser) (email, userID string) {
	t.Helper()
	email = FreshEmail()
	reply := b.Post("/auth/signup", browser.FormFields("email", email, "password", Password))
	Equal(t, reply.Status, http.StatusOK)
	Equal(t, reply.Body["status"], "OK")
	Equal(t, b.SignedIn(), true)
	return email, reply.Body["user"].(map[string]interface{})["id"].(string)
}

// SignsUpInAndOut is a test.
func SignsUpInAndOut(t *testing.T) {
	InBothWays(t, func(t *testing.T, b *browser.Browser) {
		email, userID := SignedUp(t, b)
		Equal(t, b.Post("/protected", nil).Body["userId"], userID)
		taken := b.Copy().Post("/auth/signup", browser.FormFields("email", email, "password", Password))
		Equal(t, taken.Body["status"], "FIELD_ERROR")

		before := b.Copy()
		Equal(t, b.Post("/auth/signout", nil).Body["status"], "OK")
		Equal(t, b.SignedIn(), false)
		Equal(t, b.Post("/protected", nil).Status, http.StatusUnauthorized)
		Equal(t, before.Post("/auth/session/refresh", nil).Status, http.StatusUnauthorized)

		wrong := b.Post("/auth/signin", browser.FormFields("email", email, "password", "wrong horse 1"))
		Equal(t, wrong.Body["status"], "WRONG_CREDENTIALS_ERROR")
		right := b.Post("/auth/signin", browser.FormFields("email", email, "password", Password))
		Equal(t, right.Body["status"], "OK")
		Equal(t, b.Post("/protected", nil).Body["userId"], userID)
	})
}

// RefreshesAndRevokesTheSessionOfAStolenToken is a test.
func RefreshesAndRevokesTheSessionOfAStolenToken(t *testing.T) {
	InBothWays(t, func(t *testing.T, b *browser.Browser) {
		SignedUp(t, b)
		handle := b.Post("/protected", nil).Body["handle"]
		thief := b.Copy()
		Equal(t, b.Post("/auth/session/refresh", nil).Status, http.StatusOK)
		Equal(t, b.Post("/protected", nil).Body["handle"], handle)
		theft := thief.Post("/auth/session/refresh", nil)
		Equal(t, theft.Status, http.StatusUnauthorized)
		Equal(t, theft.Body["message"], "token theft detected")
		information, err := session.GetSessionInformation(handle.(string))
		Must(t, err)
		Equal(t, information == nil, true)
		Equal(t, b.Post("/auth/session/refresh", nil).Status, http.StatusUnauthorized)
	})
}

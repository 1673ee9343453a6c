package walk

// supertokens-golang 0.13 (CDI 3.0), behind net/http.

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

	"github.com/supertokens/supertokens-golang/recipe/emailpassword"
	"github.com/supertokens/supertokens-golang/recipe/session"
	"github.com/supertokens/supertokens-golang/recipe/session/sessmodels"
	"github.com/supertokens/supertokens-golang/supertokens"
)

const password = "correct horse 1"

var server *httptest.Server

func TestMain(m *testing.M) {
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
		Telemetry: &telemetry,
		RecipeList: []supertokens.Recipe{
			emailpassword.Init(nil),
			session.Init(&sessmodels.TypeInput{AntiCsrf: &antiCsrf}),
		},
	})
	if err != nil {
		panic(err)
	}
	pages := http.NewServeMux()
	pages.HandleFunc("/protected", session.VerifySession(nil, protected))
	server = httptest.NewServer(supertokens.Middleware(pages))
	status := m.Run()
	server.Close()
	os.Exit(status)
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

func inBothWays(t *testing.T, test func(t *testing.T, b *browser.Browser)) {
	for _, transfer := range []string{"cookie", "header"} {
		t.Run(transfer, func(t *testing.T) { test(t, browser.New(t, server.URL, transfer)) })
	}
}

func equal(t *testing.T, got, want interface{}) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("got %#v, want %#v", got, want)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func signedUp(t *testing.T, b *browser.Browser) (email, userID string) {
	t.Helper()
	random := make([]byte, 12)
	_, err := rand.Read(random)
	must(t, err)
	email = "old-" + hex.EncodeToString(random) + "@walk.example"
	reply := b.Post("/auth/signup", browser.FormFields("email", email, "password", password))
	equal(t, reply.Status, http.StatusOK)
	equal(t, reply.Body["status"], "OK")
	equal(t, b.SignedIn(), true)
	return email, reply.Body["user"].(map[string]interface{})["id"].(string)
}

func TestSignsUpInAndOut(t *testing.T) {
	inBothWays(t, func(t *testing.T, b *browser.Browser) {
		email, userID := signedUp(t, b)
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
		signedUp(t, b)
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

func TestChangesAndListsSessionsByFunction(t *testing.T) {
	inBothWays(t, func(t *testing.T, b *browser.Browser) {
		email, userID := signedUp(t, b)
		handle := b.Post("/protected", nil).Body["handle"].(string)
		user, err := emailpassword.GetUserByID(userID)
		must(t, err)
		equal(t, user.Email, email)
		handles, err := session.GetAllSessionHandlesForUser(userID, nil)
		must(t, err)
		equal(t, handles, []string{handle})
		updated, err := session.UpdateSessionDataInDatabase(handle, map[string]interface{}{"secret": "7"})
		must(t, err)
		equal(t, updated, true)
		information, err := session.GetSessionInformation(handle)
		must(t, err)
		equal(t, information.SessionDataInDatabase, map[string]interface{}{"secret": "7"})
		merged, err := session.MergeIntoAccessTokenPayload(handle, map[string]interface{}{"colour": "blue"})
		must(t, err)
		equal(t, merged, true)
		equal(t, b.Post("/auth/session/refresh", nil).Status, http.StatusOK)
		payload := b.Post("/protected", nil).Body["payload"].(map[string]interface{})
		equal(t, payload["colour"], "blue")
		revoked, err := session.RevokeSession(handle)
		must(t, err)
		equal(t, revoked, true)
		equal(t, b.Post("/auth/session/refresh", nil).Status, http.StatusUnauthorized)
	})
}

package walk

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"sync"
	"testing"

	"gatehouse/tests/sdk/browser"

	"github.com/supertokens/supertokens-golang/ingredients/emaildelivery"
	"github.com/supertokens/supertokens-golang/recipe/emailpassword"
	"github.com/supertokens/supertokens-golang/recipe/emailpassword/epmodels"
	"github.com/supertokens/supertokens-golang/recipe/session"
	"github.com/supertokens/supertokens-golang/recipe/session/sessmodels"
	"github.com/supertokens/supertokens-golang/recipe/thirdparty"
	"github.com/supertokens/supertokens-golang/recipe/thirdparty/tpmodels"
	"github.com/supertokens/supertokens-golang/recipe/userroles"
	"github.com/supertokens/supertokens-golang/supertokens"
)

const (
	tenant   = "public"
	password = "correct horse 1"
)

// server is a small application: net/http, supertokens-golang, and one protected page.
var server *httptest.Server

// resetLinks has the links of the password-reset emails that would have been sent.
var resetLinks struct {
	sync.Mutex
	last string
}

func TestMain(m *testing.M) {
	if err := initialise(browser.Environment("GATEHOUSE_URL"), browser.Environment("OIDC_URL")); err != nil {
		panic(err)
	}
	pages := http.NewServeMux()
	pages.HandleFunc("/protected", session.VerifySession(nil, protected))
	server = httptest.NewServer(supertokens.Middleware(pages))
	status := m.Run()
	server.Close()
	os.Exit(status)
}

func initialise(connectionURI, oidcURL string) error {
	antiCsrf, telemetry, basePath := "VIA_TOKEN", false, "/auth"
	return supertokens.Init(supertokens.TypeInput{
		Supertokens: &supertokens.ConnectionInfo{
			ConnectionURI: connectionURI,
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
			emailpassword.Init(&epmodels.TypeInput{
				EmailDelivery: &emaildelivery.TypeInput{Override: keepInsteadOfSending},
			}),
			thirdparty.Init(&tpmodels.TypeInput{
				SignInAndUpFeature: tpmodels.TypeInputSignInAndUp{
					Providers: []tpmodels.ProviderInput{{Config: oidcProvider(oidcURL)}},
				},
			}),
			session.Init(&sessmodels.TypeInput{AntiCsrf: &antiCsrf}),
			userroles.Init(nil),
		},
	})
}

func keepInsteadOfSending(original emaildelivery.EmailDeliveryInterface) emaildelivery.EmailDeliveryInterface {
	*original.SendEmail = func(input emaildelivery.EmailType, _ supertokens.UserContext) error {
		resetLinks.Lock()
		defer resetLinks.Unlock()
		resetLinks.last = input.PasswordReset.PasswordResetLink
		return nil
	}
	return original
}

func oidcProvider(oidcURL string) tpmodels.ProviderConfig {
	return tpmodels.ProviderConfig{
		ThirdPartyId:          "local",
		Name:                  "Local",
		OIDCDiscoveryEndpoint: oidcURL + "/.well-known/openid-configuration",
		Clients: []tpmodels.ProviderClientConfig{{
			ClientID:     "walk-client",
			ClientSecret: "walk-secret",
			Scope:        []string{"openid", "email"},
		}},
	}
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

// unique is a random name, so that a walk can be taken again in the same app.
func unique(prefix string) string {
	random := make([]byte, 12)
	if _, err := rand.Read(random); err != nil {
		panic(err)
	}
	return prefix + "-" + hex.EncodeToString(random)
}

func freshEmail() string { return unique("walk") + "@walk.example" }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func equal(t *testing.T, got, want interface{}) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("got %#v, want %#v", got, want)
	}
}

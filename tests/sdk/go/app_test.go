package walk

import (
	"os"
	"sync"
	"testing"

	"gatehouse/tests/sdk/browser"
	"gatehouse/tests/sdk/browser/app"

	"github.com/supertokens/supertokens-golang/ingredients/emaildelivery"
	"github.com/supertokens/supertokens-golang/recipe/emailpassword"
	"github.com/supertokens/supertokens-golang/recipe/emailpassword/epmodels"
	"github.com/supertokens/supertokens-golang/recipe/thirdparty"
	"github.com/supertokens/supertokens-golang/recipe/thirdparty/tpmodels"
	"github.com/supertokens/supertokens-golang/recipe/userroles"
	"github.com/supertokens/supertokens-golang/supertokens"
)

const tenant = "public"

// resetLinks has the links of the password-reset emails that would have been sent.
var resetLinks struct {
	sync.Mutex
	last string
}

func TestMain(m *testing.M) {
	os.Exit(app.Run(m,
		emailpassword.Init(&epmodels.TypeInput{
			EmailDelivery: &emaildelivery.TypeInput{Override: keepInsteadOfSending},
		}),
		thirdparty.Init(&tpmodels.TypeInput{
			SignInAndUpFeature: tpmodels.TypeInputSignInAndUp{
				Providers: []tpmodels.ProviderInput{{Config: oidcProvider(browser.Environment("OIDC_URL"))}},
			},
		}),
		userroles.Init(nil),
	))
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

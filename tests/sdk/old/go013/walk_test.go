package walk

// supertokens-golang 0.13 (CDI 3.0), behind net/http.

import (
	"net/http"
	"os"
	"testing"

	"gatehouse/tests/sdk/browser"
	"gatehouse/tests/sdk/browser/app"

	"github.com/supertokens/supertokens-golang/recipe/emailpassword"
	"github.com/supertokens/supertokens-golang/recipe/session"
)

func TestMain(m *testing.M) { os.Exit(app.Run(m, emailpassword.Init(nil))) }

func TestSignsUpInAndOut(t *testing.T) { app.SignsUpInAndOut(t) }

func TestRefreshesAndRevokesTheSessionOfAStolenToken(t *testing.T) {
	app.RefreshesAndRevokesTheSessionOfAStolenToken(t)
}

func TestChangesAndListsSessionsByFunction(t *testing.T) {
	app.InBothWays(t, func(t *testing.T, b *browser.Browser) {
		email, userID := app.SignedUp(t, b)
		handle := b.Post("/protected", nil).Body["handle"].(string)
		user, err := emailpassword.GetUserByID(userID)
		app.Must(t, err)
		app.Equal(t, user.Email, email)
		handles, err := session.GetAllSessionHandlesForUser(userID, nil)
		app.Must(t, err)
		app.Equal(t, handles, []string{handle})
		updated, err := session.UpdateSessionDataInDatabase(handle, map[string]interface{}{"secret": "7"})
		app.Must(t, err)
		app.Equal(t, updated, true)
		information, err := session.GetSessionInformation(handle)
		app.Must(t, err)
		app.Equal(t, information.SessionDataInDatabase, map[string]interface{}{"secret": "7"})
		merged, err := session.MergeIntoAccessTokenPayload(handle, map[string]interface{}{"colour": "blue"})
		app.Must(t, err)
		app.Equal(t, merged, true)
		app.Equal(t, b.Post("/auth/session/refresh", nil).Status, http.StatusOK)
		payload := b.Post("/protected", nil).Body["payload"].(map[string]interface{})
		app.Equal(t, payload["colour"], "blue")
		revoked, err := session.RevokeSession(handle)
		app.Must(t, err)
		app.Equal(t, revoked, true)
		app.Equal(t, b.Post("/auth/session/refresh", nil).Status, http.StatusUnauthorized)
	})
}

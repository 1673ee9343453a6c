package walk

// The SDK's functions, as a back end calls them without a request at hand.

import (
	"errors"
	"sort"
	"testing"

	"gatehouse/tests/sdk/browser/app"

	"github.com/supertokens/supertokens-golang/recipe/emailpassword"
	"github.com/supertokens/supertokens-golang/recipe/emailpassword/epmodels"
	"github.com/supertokens/supertokens-golang/recipe/session"
	"github.com/supertokens/supertokens-golang/recipe/session/claims"
	sesserrors "github.com/supertokens/supertokens-golang/recipe/session/errors"
	"github.com/supertokens/supertokens-golang/recipe/session/sessmodels"
	"github.com/supertokens/supertokens-golang/recipe/thirdparty"
	"github.com/supertokens/supertokens-golang/recipe/userroles"
	"github.com/supertokens/supertokens-golang/recipe/userroles/userrolesclaims"
	"github.com/supertokens/supertokens-golang/supertokens"
)

func signedUp(t *testing.T) epmodels.User {
	t.Helper()
	result, err := emailpassword.SignUp(tenant, app.FreshEmail(), app.Password)
	app.Must(t, err)
	if result.OK == nil {
		t.Fatal("the email of a new user is taken")
	}
	return result.OK.User
}

func newSession(t *testing.T, userID string, payload, data map[string]interface{}) sessmodels.SessionContainer {
	t.Helper()
	created, err := session.CreateNewSessionWithoutRequestResponse(tenant, userID, payload, data, nil)
	app.Must(t, err)
	return created
}

func verify(tokens sessmodels.SessionTokens, checkDatabase bool) (sessmodels.SessionContainer, error) {
	options := &sessmodels.VerifySessionOptions{CheckDatabase: &checkDatabase}
	return session.GetSessionWithoutRequestResponse(tokens.AccessToken, tokens.AntiCsrfToken, options)
}

func refresh(tokens sessmodels.SessionTokens) (sessmodels.SessionTokens, error) {
	refreshed, err := session.RefreshSessionWithoutRequestResponse(*tokens.RefreshToken, nil, tokens.AntiCsrfToken)
	if err != nil {
		return sessmodels.SessionTokens{}, err
	}
	return refreshed.GetAllSessionTokensDangerously(), nil
}

func signsIn(t *testing.T, email, secret string) bool {
	t.Helper()
	result, err := emailpassword.SignIn(tenant, email, secret)
	app.Must(t, err)
	return result.OK != nil
}

func TestSignsUpOncePerEmailAndInWithTheRightPasswordOnly(t *testing.T) {
	user := signedUp(t)
	app.Equal(t, user.TenantIds, []string{tenant})
	again, err := emailpassword.SignUp(tenant, user.Email, "another one 2")
	app.Must(t, err)
	app.Equal(t, again.EmailAlreadyExistsError != nil, true)
	app.Equal(t, signsIn(t, user.Email, "wrong horse 1"), false)
	app.Equal(t, signsIn(t, user.Email, app.Password), true)
}

func TestFindsAUser(t *testing.T) {
	user := signedUp(t)
	byID, err := emailpassword.GetUserByID(user.ID)
	app.Must(t, err)
	app.Equal(t, *byID, user)
	byEmail, err := emailpassword.GetUserByEmail(tenant, user.Email)
	app.Must(t, err)
	app.Equal(t, *byEmail, user)
	nobody, err := emailpassword.GetUserByID("not-a-user")
	app.Must(t, err)
	app.Equal(t, nobody == nil, true)
	count, err := supertokens.GetUserCount(nil, nil)
	app.Must(t, err)
	app.Equal(t, count >= 1, true)
	limit := 1
	page, err := supertokens.GetUsersNewestFirst(tenant, nil, &limit, nil, nil)
	app.Must(t, err)
	app.Equal(t, len(page.Users), 1)
}

func TestCreatesVerifiesChangesAndRevokesASession(t *testing.T) {
	user := signedUp(t)
	created := newSession(t, user.ID, map[string]interface{}{"colour": "green"}, map[string]interface{}{"secret": "7"})
	tokens := created.GetAllSessionTokensDangerously()

	verified, err := verify(tokens, false)
	app.Must(t, err)
	app.Equal(t, verified.GetUserID(), user.ID)
	app.Equal(t, verified.GetAccessTokenPayload()["colour"], "green")
	data, err := verified.GetSessionDataInDatabase()
	app.Must(t, err)
	app.Equal(t, data, map[string]interface{}{"secret": "7"})
	_, err = verify(tokens, true)
	app.Must(t, err)

	app.Must(t, verified.MergeIntoAccessTokenPayload(map[string]interface{}{"colour": "blue"}))
	changed, err := verify(verified.GetAllSessionTokensDangerously(), false)
	app.Must(t, err)
	app.Equal(t, changed.GetAccessTokenPayload()["colour"], "blue")
	app.Must(t, changed.UpdateSessionDataInDatabase(map[string]interface{}{"secret": "8"}))
	information, err := session.GetSessionInformation(created.GetHandle())
	app.Must(t, err)
	app.Equal(t, information.SessionDataInDatabase, map[string]interface{}{"secret": "8"})

	broken := tokens
	broken.AccessToken = broken.AccessToken[:len(broken.AccessToken)-8] + "AAAAAAAA"
	_, err = verify(broken, false)
	app.Equal(t, errors.As(err, &sesserrors.TryRefreshTokenError{}), true)

	handles, err := session.GetAllSessionHandlesForUser(user.ID, nil)
	app.Must(t, err)
	app.Equal(t, handles, []string{created.GetHandle()})
	for _, want := range []bool{true, false} {
		revoked, err := session.RevokeSession(created.GetHandle())
		app.Must(t, err)
		app.Equal(t, revoked, want)
	}
	gone, err := session.GetSessionInformation(created.GetHandle())
	app.Must(t, err)
	app.Equal(t, gone == nil, true)
	_, err = refresh(tokens)
	app.Equal(t, errors.As(err, &sesserrors.UnauthorizedError{}), true)
	_, err = verify(tokens, true)
	app.Equal(t, errors.As(err, &sesserrors.UnauthorizedError{}), true)
}

func TestRefreshesAgainWhileTheReplyMayHaveBeenLost(t *testing.T) {
	created := newSession(t, signedUp(t).ID, nil, nil)
	first := created.GetAllSessionTokensDangerously()
	lost, err := refresh(first)
	app.Must(t, err)
	app.Equal(t, *lost.RefreshToken == *first.RefreshToken, false)
	second, err := refresh(first)
	app.Must(t, err)
	_, err = verify(second, false)
	app.Must(t, err)
	third, err := refresh(second)
	app.Must(t, err)
	verified, err := verify(third, false)
	app.Must(t, err)
	app.Equal(t, verified.GetHandle(), created.GetHandle())
}

func TestDetectsAStolenRefreshToken(t *testing.T) {
	user := signedUp(t)
	created := newSession(t, user.ID, nil, nil)
	stolen := created.GetAllSessionTokensDangerously()
	current, err := refresh(stolen)
	app.Must(t, err)
	_, err = verify(current, false) // The first use of the new token makes the old one worthless.
	app.Must(t, err)
	_, err = refresh(stolen)
	var theft sesserrors.TokenTheftDetectedError
	app.Equal(t, errors.As(err, &theft), true)
	app.Equal(t, theft.Payload.SessionHandle, created.GetHandle())
	app.Equal(t, theft.Payload.UserID, user.ID)
}

func TestRevokesAllSessionsOfAUser(t *testing.T) {
	user := signedUp(t)
	want := []string{}
	for i := 0; i < 3; i++ {
		want = append(want, newSession(t, user.ID, nil, nil).GetHandle())
	}
	revoked, err := session.RevokeAllSessionsForUser(user.ID, nil)
	app.Must(t, err)
	sort.Strings(revoked)
	sort.Strings(want)
	app.Equal(t, revoked, want)
}

func TestGrantsRolesAndPutsThemIntoTheSession(t *testing.T) {
	user, role := signedUp(t), app.Unique("editor")
	created, err := userroles.CreateNewRoleOrAddPermissions(role, []string{"read", "write"})
	app.Must(t, err)
	app.Equal(t, created.OK.CreatedNewRole, true)
	extended, err := userroles.CreateNewRoleOrAddPermissions(role, []string{"delete"})
	app.Must(t, err)
	app.Equal(t, extended.OK.CreatedNewRole, false)
	app.Equal(t, permissions(t, role), []string{"delete", "read", "write"})
	for _, had := range []bool{false, true} {
		added, err := userroles.AddRoleToUser(tenant, user.ID, role)
		app.Must(t, err)
		app.Equal(t, added.OK.DidUserAlreadyHaveRole, had)
	}
	unknown, err := userroles.AddRoleToUser(tenant, user.ID, "no-such-role")
	app.Must(t, err)
	app.Equal(t, unknown.UnknownRoleError != nil, true)
	users, err := userroles.GetUsersThatHaveRole(tenant, role)
	app.Must(t, err)
	app.Equal(t, users.OK.Users, []string{user.ID})

	current := newSession(t, user.ID, nil, nil)
	has := func(name string) error {
		validator := userrolesclaims.UserRoleClaimValidators.Includes(name, nil, nil)
		return current.AssertClaims([]claims.SessionClaimValidator{validator})
	}
	app.Must(t, has(role))
	app.Equal(t, errors.As(has("owner"), &sesserrors.InvalidClaimError{}), true)

	_, err = userroles.RemovePermissionsFromRole(role, []string{"delete"})
	app.Must(t, err)
	app.Equal(t, permissions(t, role), []string{"read", "write"})
	removed, err := userroles.RemoveUserRole(tenant, user.ID, role)
	app.Must(t, err)
	app.Equal(t, removed.OK.DidUserHaveRole, true)
	left, err := userroles.GetRolesForUser(tenant, user.ID)
	app.Must(t, err)
	app.Equal(t, len(left.OK.Roles), 0)
	// This function of the SDK fails without a user context.
	deleted, err := userroles.DeleteRole(role, &map[string]interface{}{})
	app.Must(t, err)
	app.Equal(t, deleted.OK.DidRoleExist, true)
}

func permissions(t *testing.T, role string) []string {
	t.Helper()
	result, err := userroles.GetPermissionsForRole(role)
	app.Must(t, err)
	sort.Strings(result.OK.Permissions)
	return result.OK.Permissions
}

func TestChangesEmailAndPassword(t *testing.T) {
	user, other := signedUp(t), signedUp(t)
	newEmail, newPassword, weak := app.FreshEmail(), "brand new 99", "weak"
	update := func(email, secret *string) epmodels.UpdateEmailOrPasswordResponse {
		t.Helper()
		result, err := emailpassword.UpdateEmailOrPassword(user.ID, email, secret, nil, nil)
		app.Must(t, err)
		return result
	}
	app.Equal(t, update(&other.Email, nil).EmailAlreadyExistsError != nil, true)
	app.Equal(t, update(&newEmail, nil).OK != nil, true)
	app.Equal(t, update(nil, &newPassword).OK != nil, true)
	app.Equal(t, update(nil, &weak).PasswordPolicyViolatedError != nil, true)
	app.Equal(t, signsIn(t, user.Email, app.Password), false)
	app.Equal(t, signsIn(t, newEmail, app.Password), false)
	app.Equal(t, signsIn(t, newEmail, newPassword), true)
}

func TestAResetTokenWorksOnce(t *testing.T) {
	user := signedUp(t)
	created, err := emailpassword.CreateResetPasswordToken(tenant, user.ID)
	app.Must(t, err)
	unknown, err := emailpassword.CreateResetPasswordToken(tenant, "not-a-user")
	app.Must(t, err)
	app.Equal(t, unknown.UnknownUserIdError != nil, true)
	first, err := emailpassword.ResetPasswordUsingToken(tenant, created.OK.Token, "after reset 1")
	app.Must(t, err)
	app.Equal(t, *first.OK.UserId, user.ID)
	second, err := emailpassword.ResetPasswordUsingToken(tenant, created.OK.Token, "after reset 2")
	app.Must(t, err)
	app.Equal(t, second.ResetPasswordInvalidTokenError != nil, true)
	app.Equal(t, signsIn(t, user.Email, "after reset 1"), true)
}

func TestDeletesAUser(t *testing.T) {
	user := signedUp(t)
	app.Must(t, supertokens.DeleteUser(user.ID))
	gone, err := emailpassword.GetUserByID(user.ID)
	app.Must(t, err)
	app.Equal(t, gone == nil, true)
}

func TestCreatesAThirdPartyUserOnce(t *testing.T) {
	subject, email := app.Unique("subject"), app.FreshEmail()
	first, err := thirdparty.ManuallyCreateOrUpdateUser(tenant, "local", subject, email)
	app.Must(t, err)
	app.Equal(t, first.OK.CreatedNewUser, true)
	app.Equal(t, first.OK.User.ThirdParty.UserID, subject)
	second, err := thirdparty.ManuallyCreateOrUpdateUser(tenant, "local", subject, email)
	app.Must(t, err)
	app.Equal(t, second.OK.CreatedNewUser, false)
	app.Equal(t, second.OK.User, first.OK.User)
}

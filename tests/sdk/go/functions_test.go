package walk

// The SDK's functions, as a back end calls them without a request at hand.

import (
	"errors"
	"sort"
	"testing"

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
	result, err := emailpassword.SignUp(tenant, freshEmail(), password)
	must(t, err)
	if result.OK == nil {
		t.Fatal("the email of a new user is taken")
	}
	return result.OK.User
}

func newSession(t *testing.T, userID string, payload, data map[string]interface{}) sessmodels.SessionContainer {
	t.Helper()
	created, err := session.CreateNewSessionWithoutRequestResponse(tenant, userID, payload, data, nil)
	must(t, err)
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
	must(t, err)
	return result.OK != nil
}

func TestSignsUpOncePerEmailAndInWithTheRightPasswordOnly(t *testing.T) {
	user := signedUp(t)
	equal(t, user.TenantIds, []string{tenant})
	again, err := emailpassword.SignUp(tenant, user.Email, "another one 2")
	must(t, err)
	equal(t, again.EmailAlreadyExistsError != nil, true)
	equal(t, signsIn(t, user.Email, "wrong horse 1"), false)
	equal(t, signsIn(t, user.Email, password), true)
}

func TestFindsAUser(t *testing.T) {
	user := signedUp(t)
	byID, err := emailpassword.GetUserByID(user.ID)
	must(t, err)
	equal(t, *byID, user)
	byEmail, err := emailpassword.GetUserByEmail(tenant, user.Email)
	must(t, err)
	equal(t, *byEmail, user)
	nobody, err := emailpassword.GetUserByID("not-a-user")
	must(t, err)
	equal(t, nobody == nil, true)
	count, err := supertokens.GetUserCount(nil, nil)
	must(t, err)
	equal(t, count >= 1, true)
	limit := 1
	page, err := supertokens.GetUsersNewestFirst(tenant, nil, &limit, nil, nil)
	must(t, err)
	equal(t, len(page.Users), 1)
}

func TestCreatesVerifiesChangesAndRevokesASession(t *testing.T) {
	user := signedUp(t)
	created := newSession(t, user.ID, map[string]interface{}{"colour": "green"}, map[string]interface{}{"secret": "7"})
	tokens := created.GetAllSessionTokensDangerously()

	verified, err := verify(tokens, false)
	must(t, err)
	equal(t, verified.GetUserID(), user.ID)
	equal(t, verified.GetAccessTokenPayload()["colour"], "green")
	data, err := verified.GetSessionDataInDatabase()
	must(t, err)
	equal(t, data, map[string]interface{}{"secret": "7"})
	_, err = verify(tokens, true)
	must(t, err)

	must(t, verified.MergeIntoAccessTokenPayload(map[string]interface{}{"colour": "blue"}))
	changed, err := verify(verified.GetAllSessionTokensDangerously(), false)
	must(t, err)
	equal(t, changed.GetAccessTokenPayload()["colour"], "blue")
	must(t, changed.UpdateSessionDataInDatabase(map[string]interface{}{"secret": "8"}))
	information, err := session.GetSessionInformation(created.GetHandle())
	must(t, err)
	equal(t, information.SessionDataInDatabase, map[string]interface{}{"secret": "8"})

	broken := tokens
	broken.AccessToken = broken.AccessToken[:len(broken.AccessToken)-8] + "AAAAAAAA"
	_, err = verify(broken, false)
	equal(t, errors.As(err, &sesserrors.TryRefreshTokenError{}), true)

	handles, err := session.GetAllSessionHandlesForUser(user.ID, nil)
	must(t, err)
	equal(t, handles, []string{created.GetHandle()})
	for _, want := range []bool{true, false} {
		revoked, err := session.RevokeSession(created.GetHandle())
		must(t, err)
		equal(t, revoked, want)
	}
	gone, err := session.GetSessionInformation(created.GetHandle())
	must(t, err)
	equal(t, gone == nil, true)
	_, err = refresh(tokens)
	equal(t, errors.As(err, &sesserrors.UnauthorizedError{}), true)
	_, err = verify(tokens, true)
	equal(t, errors.As(err, &sesserrors.UnauthorizedError{}), true)
}

func TestRefreshesAgainWhileTheReplyMayHaveBeenLost(t *testing.T) {
	created := newSession(t, signedUp(t).ID, nil, nil)
	first := created.GetAllSessionTokensDangerously()
	lost, err := refresh(first)
	must(t, err)
	equal(t, *lost.RefreshToken == *first.RefreshToken, false)
	second, err := refresh(first)
	must(t, err)
	_, err = verify(second, false)
	must(t, err)
	third, err := refresh(second)
	must(t, err)
	verified, err := verify(third, false)
	must(t, err)
	equal(t, verified.GetHandle(), created.GetHandle())
}

func TestDetectsAStolenRefreshToken(t *testing.T) {
	user := signedUp(t)
	created := newSession(t, user.ID, nil, nil)
	stolen := created.GetAllSessionTokensDangerously()
	current, err := refresh(stolen)
	must(t, err)
	_, err = verify(current, false) // The first use of the new token makes the old one worthless.
	must(t, err)
	_, err = refresh(stolen)
	var theft sesserrors.TokenTheftDetectedError
	equal(t, errors.As(err, &theft), true)
	equal(t, theft.Payload.SessionHandle, created.GetHandle())
	equal(t, theft.Payload.UserID, user.ID)
}

func TestRevokesAllSessionsOfAUser(t *testing.T) {
	user := signedUp(t)
	want := []string{}
	for i := 0; i < 3; i++ {
		want = append(want, newSession(t, user.ID, nil, nil).GetHandle())
	}
	revoked, err := session.RevokeAllSessionsForUser(user.ID, nil)
	must(t, err)
	sort.Strings(revoked)
	sort.Strings(want)
	equal(t, revoked, want)
}

func TestGrantsRolesAndPutsThemIntoTheSession(t *testing.T) {
	user, role := signedUp(t), unique("editor")
	created, err := userroles.CreateNewRoleOrAddPermissions(role, []string{"read", "write"})
	must(t, err)
	equal(t, created.OK.CreatedNewRole, true)
	extended, err := userroles.CreateNewRoleOrAddPermissions(role, []string{"delete"})
	must(t, err)
	equal(t, extended.OK.CreatedNewRole, false)
	equal(t, permissions(t, role), []string{"delete", "read", "write"})
	for _, had := range []bool{false, true} {
		added, err := userroles.AddRoleToUser(tenant, user.ID, role)
		must(t, err)
		equal(t, added.OK.DidUserAlreadyHaveRole, had)
	}
	unknown, err := userroles.AddRoleToUser(tenant, user.ID, "no-such-role")
	must(t, err)
	equal(t, unknown.UnknownRoleError != nil, true)
	users, err := userroles.GetUsersThatHaveRole(tenant, role)
	must(t, err)
	equal(t, users.OK.Users, []string{user.ID})

	current := newSession(t, user.ID, nil, nil)
	has := func(name string) error {
		validator := userrolesclaims.UserRoleClaimValidators.Includes(name, nil, nil)
		return current.AssertClaims([]claims.SessionClaimValidator{validator})
	}
	must(t, has(role))
	equal(t, errors.As(has("owner"), &sesserrors.InvalidClaimError{}), true)

	_, err = userroles.RemovePermissionsFromRole(role, []string{"delete"})
	must(t, err)
	equal(t, permissions(t, role), []string{"read", "write"})
	removed, err := userroles.RemoveUserRole(tenant, user.ID, role)
	must(t, err)
	equal(t, removed.OK.DidUserHaveRole, true)
	left, err := userroles.GetRolesForUser(tenant, user.ID)
	must(t, err)
	equal(t, len(left.OK.Roles), 0)
	// This function of the SDK fails without a user context.
	deleted, err := userroles.DeleteRole(role, &map[string]interface{}{})
	must(t, err)
	equal(t, deleted.OK.DidRoleExist, true)
}

func permissions(t *testing.T, role string) []string {
	t.Helper()
	result, err := userroles.GetPermissionsForRole(role)
	must(t, err)
	sort.Strings(result.OK.Permissions)
	return result.OK.Permissions
}

func TestChangesEmailAndPassword(t *testing.T) {
	user, other := signedUp(t), signedUp(t)
	newEmail, newPassword, weak := freshEmail(), "brand new 99", "weak"
	update := func(email, secret *string) epmodels.UpdateEmailOrPasswordResponse {
		t.Helper()
		result, err := emailpassword.UpdateEmailOrPassword(user.ID, email, secret, nil, nil)
		must(t, err)
		return result
	}
	equal(t, update(&other.Email, nil).EmailAlreadyExistsError != nil, true)
	equal(t, update(&newEmail, nil).OK != nil, true)
	equal(t, update(nil, &newPassword).OK != nil, true)
	equal(t, update(nil, &weak).PasswordPolicyViolatedError != nil, true)
	equal(t, signsIn(t, user.Email, password), false)
	equal(t, signsIn(t, newEmail, password), false)
	equal(t, signsIn(t, newEmail, newPassword), true)
}

func TestAResetTokenWorksOnce(t *testing.T) {
	user := signedUp(t)
	created, err := emailpassword.CreateResetPasswordToken(tenant, user.ID)
	must(t, err)
	unknown, err := emailpassword.CreateResetPasswordToken(tenant, "not-a-user")
	must(t, err)
	equal(t, unknown.UnknownUserIdError != nil, true)
	first, err := emailpassword.ResetPasswordUsingToken(tenant, created.OK.Token, "after reset 1")
	must(t, err)
	equal(t, *first.OK.UserId, user.ID)
	second, err := emailpassword.ResetPasswordUsingToken(tenant, created.OK.Token, "after reset 2")
	must(t, err)
	equal(t, second.ResetPasswordInvalidTokenError != nil, true)
	equal(t, signsIn(t, user.Email, "after reset 1"), true)
}

func TestDeletesAUser(t *testing.T) {
	user := signedUp(t)
	must(t, supertokens.DeleteUser(user.ID))
	gone, err := emailpassword.GetUserByID(user.ID)
	must(t, err)
	equal(t, gone == nil, true)
}

func TestCreatesAThirdPartyUserOnce(t *testing.T) {
	subject, email := unique("subject"), freshEmail()
	first, err := thirdparty.ManuallyCreateOrUpdateUser(tenant, "local", subject, email)
	must(t, err)
	equal(t, first.OK.CreatedNewUser, true)
	equal(t, first.OK.User.ThirdParty.UserID, subject)
	second, err := thirdparty.ManuallyCreateOrUpdateUser(tenant, "local", subject, email)
	must(t, err)
	equal(t, second.OK.CreatedNewUser, false)
	equal(t, second.OK.User, first.OK.User)
}

"use strict";
// The SDK's functions, as a back end calls them without a request at hand.

const assert = require("node:assert/strict");
const { before, test } = require("node:test");
const { randomUUID } = require("node:crypto");
const supertokens = require("supertokens-node");
const EmailPassword = require("supertokens-node/recipe/emailpassword");
const Session = require("supertokens-node/recipe/session");
const ThirdParty = require("supertokens-node/recipe/thirdparty");
const UserMetadata = require("supertokens-node/recipe/usermetadata");
const UserRoles = require("supertokens-node/recipe/userroles");
const { initialise } = require("./app");
const { environment } = require("./browser");

const TENANT = "public";
const PASSWORD = "correct horse 1";

before(() => initialise(environment("GATEHOUSE_URL"), environment("OIDC_URL")));

const freshEmail = () => `functions-${randomUUID()}@walk.example`;

async function signedUp() {
    const email = freshEmail();
    const result = await EmailPassword.signUp(TENANT, email, PASSWORD);
    assert.equal(result.status, "OK");
    return { email, user: result.user, recipeUserId: result.recipeUserId };
}

const verify = (tokens, options) =>
    Session.getSessionWithoutRequestResponse(tokens.accessToken, tokens.antiCsrfToken, options);
const refresh = (tokens) =>
    Session.refreshSessionWithoutRequestResponse(tokens.refreshToken, false, tokens.antiCsrfToken);

test("signs up once per email and signs in with the right password only", async () => {
    const { email, user, recipeUserId } = await signedUp();
    assert.deepEqual(user.emails, [email]);
    assert.deepEqual(user.tenantIds, [TENANT]);
    assert.equal(user.isPrimaryUser, false);
    assert.equal(recipeUserId.getAsString(), user.id);

    assert.equal((await EmailPassword.signUp(TENANT, email, "another one 2")).status, "EMAIL_ALREADY_EXISTS_ERROR");
    assert.equal((await EmailPassword.signIn(TENANT, email, "wrong horse 1")).status, "WRONG_CREDENTIALS_ERROR");
    assert.equal(
        (await EmailPassword.signIn(TENANT, freshEmail(), PASSWORD)).status,
        "WRONG_CREDENTIALS_ERROR"
    );
    const signedIn = await EmailPassword.signIn(TENANT, email.toUpperCase(), PASSWORD);
    assert.equal(signedIn.status, "OK");
    assert.equal(signedIn.user.id, user.id);
});

test("finds a user by id, by email and in the list", async () => {
    const { email, user } = await signedUp();
    assert.deepEqual((await supertokens.getUser(user.id)).toJson(), user.toJson());
    assert.equal(await supertokens.getUser("not-a-user"), undefined);
    const byEmail = await supertokens.listUsersByAccountInfo(TENANT, { email });
    assert.deepEqual(byEmail.map((found) => found.id), [user.id]);
    const newest = await supertokens.getUsersNewestFirst({ tenantId: TENANT, limit: 1 });
    assert.equal(newest.users.length, 1);
    assert.ok((await supertokens.getUserCount()) >= 1);
});

test("creates, verifies, changes and revokes a session", async () => {
    const { user, recipeUserId } = await signedUp();
    const session = await Session.createNewSessionWithoutRequestResponse(
        TENANT, recipeUserId, { colour: "green" }, { secret: 7 }
    );
    const tokens = session.getAllSessionTokensDangerously();
    assert.ok(tokens.accessToken && tokens.refreshToken && tokens.antiCsrfToken && tokens.frontToken);

    const verified = await verify(tokens);
    assert.equal(verified.getUserId(), user.id);
    assert.equal(verified.getTenantId(), TENANT);
    assert.equal(verified.getAccessTokenPayload().colour, "green");
    assert.deepEqual(await verified.getSessionDataFromDatabase(), { secret: 7 });

    // A second look with the database asked as well.
    assert.equal((await verify(tokens, { checkDatabase: true })).getHandle(), session.getHandle());

    await verified.mergeIntoAccessTokenPayload({ colour: "blue", size: 3 });
    const changed = await verify(verified.getAllSessionTokensDangerously());
    assert.equal(changed.getAccessTokenPayload().colour, "blue");
    assert.equal(changed.getAccessTokenPayload().size, 3);
    await changed.updateSessionDataInDatabase({ secret: 8 });
    const information = await Session.getSessionInformation(session.getHandle());
    assert.deepEqual(information.sessionDataInDatabase, { secret: 8 });
    assert.equal(information.userId, user.id);

    await assert.rejects(
        Session.getSessionWithoutRequestResponse(tokens.accessToken, "not the token"),
        { type: "TRY_REFRESH_TOKEN" }
    );
    const broken = tokens.accessToken.slice(0, -8) + "AAAAAAAA";
    await assert.rejects(Session.getSessionWithoutRequestResponse(broken, tokens.antiCsrfToken), {
        type: "TRY_REFRESH_TOKEN",
    });

    assert.deepEqual(await Session.getAllSessionHandlesForUser(user.id), [session.getHandle()]);
    assert.equal(await Session.revokeSession(session.getHandle()), true);
    assert.equal(await Session.revokeSession(session.getHandle()), false);
    assert.equal(await Session.getSessionInformation(session.getHandle()), undefined);
    await assert.rejects(refresh(tokens), { type: "UNAUTHORISED" });
    await assert.rejects(verify(tokens, { checkDatabase: true }), { type: "UNAUTHORISED" });
});

test("refreshes a session, and again while the reply may have been lost", async () => {
    const { recipeUserId } = await signedUp();
    const session = await Session.createNewSessionWithoutRequestResponse(TENANT, recipeUserId);
    const first = session.getAllSessionTokensDangerously();
    const lost = (await refresh(first)).getAllSessionTokensDangerously();
    assert.notEqual(lost.refreshToken, first.refreshToken);
    const second = (await refresh(first)).getAllSessionTokensDangerously();
    assert.equal((await verify(second)).getHandle(), session.getHandle());
    const third = (await refresh(second)).getAllSessionTokensDangerously();
    assert.equal((await verify(third)).getHandle(), session.getHandle());
});

test("detects a stolen refresh token", async () => {
    const { user, recipeUserId } = await signedUp();
    const session = await Session.createNewSessionWithoutRequestResponse(TENANT, recipeUserId);
    const stolen = session.getAllSessionTokensDangerously();
    const current = (await refresh(stolen)).getAllSessionTokensDangerously();
    await verify(current); // The first use of the new token makes the old one worthless.
    await assert.rejects(refresh(stolen), (error) => {
        assert.equal(error.type, "TOKEN_THEFT_DETECTED");
        assert.equal(error.payload.sessionHandle, session.getHandle());
        assert.equal(error.payload.userId, user.id);
        assert.equal(error.payload.recipeUserId.getAsString(), user.id);
        return true;
    });
});

test("revokes all sessions of a user", async () => {
    const { user, recipeUserId } = await signedUp();
    const handles = [];
    for (let i = 0; i < 3; i++) {
        const session = await Session.createNewSessionWithoutRequestResponse(TENANT, recipeUserId);
        handles.push(session.getHandle());
    }
    assert.deepEqual((await Session.revokeAllSessionsForUser(user.id)).sort(), handles.sort());
    assert.deepEqual(await Session.getAllSessionHandlesForUser(user.id), []);
});

test("grants roles, and puts them into the session", async () => {
    const { user, recipeUserId } = await signedUp();
    const role = `editor-${randomUUID()}`;
    assert.deepEqual(await UserRoles.createNewRoleOrAddPermissions(role, ["read", "write"]), {
        status: "OK",
        createdNewRole: true,
    });
    assert.equal((await UserRoles.createNewRoleOrAddPermissions(role, ["delete"])).createdNewRole, false);
    assert.deepEqual((await UserRoles.getPermissionsForRole(role)).permissions.sort(), ["delete", "read", "write"]);
    assert.ok((await UserRoles.getAllRoles()).roles.includes(role));
    assert.deepEqual(await UserRoles.addRoleToUser(TENANT, user.id, role), {
        status: "OK",
        didUserAlreadyHaveRole: false,
    });
    assert.equal((await UserRoles.addRoleToUser(TENANT, user.id, role)).didUserAlreadyHaveRole, true);
    assert.equal((await UserRoles.addRoleToUser(TENANT, user.id, "no-such-role")).status, "UNKNOWN_ROLE_ERROR");
    assert.deepEqual((await UserRoles.getRolesForUser(TENANT, user.id)).roles, [role]);
    assert.deepEqual((await UserRoles.getUsersThatHaveRole(TENANT, role)).users, [user.id]);
    assert.ok((await UserRoles.getRolesThatHavePermission("write")).roles.includes(role));

    const session = await Session.createNewSessionWithoutRequestResponse(TENANT, recipeUserId);
    await session.assertClaims([
        UserRoles.UserRoleClaim.validators.includes(role),
        UserRoles.PermissionClaim.validators.includes("delete"),
    ]);
    await assert.rejects(session.assertClaims([UserRoles.UserRoleClaim.validators.includes("owner")]), {
        type: "INVALID_CLAIMS",
    });

    await UserRoles.removePermissionsFromRole(role, ["delete"]);
    assert.deepEqual((await UserRoles.getPermissionsForRole(role)).permissions.sort(), ["read", "write"]);
    assert.equal((await UserRoles.removeUserRole(TENANT, user.id, role)).didUserHaveRole, true);
    assert.deepEqual((await UserRoles.getRolesForUser(TENANT, user.id)).roles, []);
    assert.equal((await UserRoles.deleteRole(role)).didRoleExist, true);
    assert.equal((await UserRoles.getPermissionsForRole(role)).status, "UNKNOWN_ROLE_ERROR");
});

test("changes email and password", async () => {
    const { email, user, recipeUserId } = await signedUp();
    const other = await signedUp();
    const newEmail = freshEmail();
    const update = (fields) => EmailPassword.updateEmailOrPassword({ recipeUserId, ...fields });
    assert.equal((await update({ email: other.email })).status, "EMAIL_ALREADY_EXISTS_ERROR");
    assert.equal((await update({ email: newEmail })).status, "OK");
    assert.equal((await update({ password: "brand new 99" })).status, "OK");
    assert.equal((await update({ password: "weak" })).status, "PASSWORD_POLICY_VIOLATED_ERROR");
    assert.deepEqual((await supertokens.getUser(user.id)).emails, [newEmail]);
    assert.equal((await EmailPassword.signIn(TENANT, email, PASSWORD)).status, "WRONG_CREDENTIALS_ERROR");
    assert.equal((await EmailPassword.signIn(TENANT, newEmail, PASSWORD)).status, "WRONG_CREDENTIALS_ERROR");
    assert.equal((await EmailPassword.signIn(TENANT, newEmail, "brand new 99")).status, "OK");
});

test("resets a password with a token that works once", async () => {
    const { email, user } = await signedUp();
    const created = await EmailPassword.createResetPasswordToken(TENANT, user.id, email);
    assert.equal(created.status, "OK");
    assert.equal(
        (await EmailPassword.createResetPasswordToken(TENANT, "not-a-user", email)).status,
        "UNKNOWN_USER_ID_ERROR"
    );
    assert.equal(
        (await EmailPassword.resetPasswordUsingToken(TENANT, "not-a-token", "after reset 1")).status,
        "RESET_PASSWORD_INVALID_TOKEN_ERROR"
    );
    assert.equal((await EmailPassword.resetPasswordUsingToken(TENANT, created.token, "after reset 1")).status, "OK");
    assert.equal(
        (await EmailPassword.resetPasswordUsingToken(TENANT, created.token, "after reset 2")).status,
        "RESET_PASSWORD_INVALID_TOKEN_ERROR"
    );
    assert.equal((await EmailPassword.signIn(TENANT, email, "after reset 1")).status, "OK");
});

test("keeps metadata, and deletes a user with everything", async () => {
    const { email, user, recipeUserId } = await signedUp();
    await UserMetadata.updateUserMetadata(user.id, { a: { b: 1 }, gone: true });
    const { metadata } = await UserMetadata.updateUserMetadata(user.id, { c: [2], gone: null });
    assert.deepEqual(metadata, { a: { b: 1 }, c: [2] });
    const session = await Session.createNewSessionWithoutRequestResponse(TENANT, recipeUserId);
    assert.equal((await supertokens.deleteUser(user.id)).status, "OK");
    assert.equal(await supertokens.getUser(user.id), undefined);
    assert.equal(await Session.getSessionInformation(session.getHandle()), undefined);
    assert.deepEqual((await UserMetadata.getUserMetadata(user.id)).metadata, {});
    assert.equal((await EmailPassword.signUp(TENANT, email, PASSWORD)).status, "OK");
});

test("creates a third-party user once, and follows a changed email", async () => {
    const subject = randomUUID();
    const email = freshEmail();
    const first = await ThirdParty.manuallyCreateOrUpdateUser(TENANT, "local", subject, email, true);
    assert.equal(first.status, "OK");
    assert.equal(first.createdNewRecipeUser, true);
    assert.deepEqual(first.user.thirdParty, [{ id: "local", userId: subject }]);
    const moved = freshEmail();
    const second = await ThirdParty.manuallyCreateOrUpdateUser(TENANT, "local", subject, moved, true);
    assert.equal(second.createdNewRecipeUser, false);
    assert.equal(second.user.id, first.user.id);
    assert.deepEqual(second.user.emails, [moved]);
    const found = await supertokens.listUsersByAccountInfo(TENANT, {
        thirdParty: { id: "local", userId: subject },
    });
    assert.deepEqual(found.map((user) => user.id), [first.user.id]);
});

test("signs a JWT that the published keys verify", async () => {
    const { createRemoteJWKSet, jwtVerify } = require("jose");
    const keys = createRemoteJWKSet(new URL(`${environment("GATEHOUSE_URL")}/.well-known/jwks.json`));
    for (const useStaticKey of [true, false]) {
        const { status, jwt } = await Session.createJWT({ claim: "yes" }, 60, useStaticKey);
        assert.equal(status, "OK");
        const { payload, protectedHeader } = await jwtVerify(jwt, keys);
        assert.equal(payload.claim, "yes");
        assert.equal(payload.exp - payload.iat, 60);
        assert.equal(protectedHeader.kid.startsWith(useStaticKey ? "s-" : "d-"), true);
    }
});

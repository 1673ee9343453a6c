"use strict";
// openid-client as a relying party.

const assert = require("node:assert/strict");
const { before, test } = require("node:test");
const { getParties, newUser } = require("./parties.js");

let client, parties;

before(async () => {
    client = await import("openid-client");
    parties = await getParties();
});

/** @param method how the client authenticates */
async function discover(party, method) {
    const found = await client.discovery(new URL(parties.issuer), party.id, undefined, method, { execute: [client.allowInsecureRequests] });
    // The SDK's metadata names it otherwise than RFC 8414 does.
    const { token_introspection_endpoint: introspection_endpoint, ...metadata } = found.serverMetadata();
    const config = new client.Configuration({ ...metadata, introspection_endpoint }, party.id, undefined, method);
    client.allowInsecureRequests(config);
    return config;
}

/** Sends the user's browser to the provider, and takes the code that it comes back with. */
async function logIn(config, user, parameters = {}) {
    const verifier = client.randomPKCECodeVerifier();
    const expected = { expectedState: client.randomState(), expectedNonce: client.randomNonce(), pkceCodeVerifier: verifier };
    const address = client.buildAuthorizationUrl(config, {
        redirect_uri: parties.callback,
        scope: "openid offline_access email",
        state: expected.expectedState,
        nonce: expected.expectedNonce,
        code_challenge: await client.calculatePKCECodeChallenge(verifier),
        code_challenge_method: "S256",
        ...parameters,
    });
    const { address: back, ...page } = await user.visit(address);
    assert.ok(back, `the browser stays at the provider: ${JSON.stringify(page)}`);
    return client.authorizationCodeGrant(config, new URL(back), { ...expected, idTokenExpected: true });
}

for (const [name, method] of [["basic", "ClientSecretBasic"], ["post", "ClientSecretPost"], ["public", "None"]]) {
    test(`a ${name} client: code, userinfo, refresh, introspection, revocation`, async () => {
        const user = await newUser();
        const party = parties.clients[name];
        const config = await discover(party, client[method](party.secret));
        const tokens = await logIn(config, user);
        const claims = tokens.claims();
        assert.equal(claims.sub, user.id);
        assert.equal(claims.email, user.email);
        assert.equal(tokens.scope, "openid offline_access email");

        const info = await client.fetchUserInfo(config, tokens.access_token, claims.sub);
        assert.equal(info.email, user.email);

        const next = await client.refreshTokenGrant(config, tokens.refresh_token);
        assert.equal(next.claims().sub, user.id);
        // The SDK's recipe rotates for those that asked for it.
        assert.equal(next.refresh_token !== undefined && next.refresh_token !== tokens.refresh_token, name !== "post");
        const refresh = next.refresh_token ?? tokens.refresh_token;

        assert.equal((await client.tokenIntrospection(config, next.access_token)).sub, user.id);
        const about = await client.tokenIntrospection(config, refresh);
        assert.deepEqual([about.active, about.client_id, about.sub], [true, party.id, user.id]);

        await client.tokenRevocation(config, next.access_token);
        assert.equal((await client.tokenIntrospection(config, next.access_token)).active, false);
        await client.tokenRevocation(config, refresh);
        assert.equal((await client.tokenIntrospection(config, refresh)).active, false);
        await assert.rejects(client.refreshTokenGrant(config, refresh), { error: "invalid_grant" });
    });
}

test("the answer names its issuer, also one that refuses", async () => {
    const user = await newUser();
    const config = await discover(parties.clients.public, client.None());
    const request = { redirect_uri: parties.callback, scope: "openid", state: "state-of-the-client" };
    const pkce = { code_challenge: "x".repeat(43), code_challenge_method: "S256" };
    const { searchParams } = new URL((await user.visit(client.buildAuthorizationUrl(config, { ...request, ...pkce }))).address);
    assert.deepEqual([searchParams.has("code"), searchParams.get("iss")], [true, parties.issuer]);
    const refused = new URL((await user.visit(client.buildAuthorizationUrl(config, request))).address).searchParams;
    assert.deepEqual([refused.get("error"), refused.get("iss")], ["invalid_request", parties.issuer]);
});

test("an error comes to the client", async () => {
    const user = await newUser();
    const party = parties.clients.basic;
    const config = await discover(party, client.ClientSecretBasic(party.secret));
    await assert.rejects(logIn(config, user, { scope: "openid unknown" }), { error: "invalid_scope" });
});

test("a replaced refresh token is refused", async () => {
    const user = await newUser();
    const party = parties.clients.public;
    const config = await discover(party, client.None());
    const first = await logIn(config, user);
    await client.refreshTokenGrant(config, first.refresh_token);
    await assert.rejects(client.refreshTokenGrant(config, first.refresh_token), { error: "invalid_grant" });
    assert.equal((await client.tokenIntrospection(config, first.refresh_token)).active, false);
});

test("a hybrid client checks c_hash and at_hash", async () => {
    const user = await newUser();
    const party = parties.clients.hybrid;
    const config = await discover(party, client.ClientSecretPost(party.secret));
    client.useCodeIdTokenResponseType(config);
    const tokens = await logIn(config, user);
    assert.equal(tokens.claims().sub, user.id);
});

test("logout ends the session and its tokens", async () => {
    const user = await newUser();
    const party = parties.clients.basic;
    const config = await discover(party, client.ClientSecretBasic(party.secret));
    const tokens = await logIn(config, user);
    const address = client.buildEndSessionUrl(config, { id_token_hint: tokens.id_token, post_logout_redirect_uri: parties.after_logout, state: "state of logout" });
    const back = new URL((await user.visit(address)).address);
    assert.deepEqual([back.origin + back.pathname, back.searchParams.get("state")], [parties.after_logout, "state of logout"]);
    assert.equal((await client.tokenIntrospection(config, tokens.access_token)).active, false);
    assert.equal((await client.tokenIntrospection(config, tokens.refresh_token)).active, false);
});

test("a machine gets tokens for itself", async () => {
    const party = parties.clients.machine;
    const config = await discover(party, client.ClientSecretBasic(party.secret));
    const tokens = await client.clientCredentialsGrant(config, { scope: "read", audience: parties.audience });
    const about = await client.tokenIntrospection(config, tokens.access_token);
    assert.deepEqual([about.active, about.client_id, about.aud, about.scp], [true, party.id, parties.audience, ["read"]]);
    await assert.rejects(client.clientCredentialsGrant(config, { scope: "admin" }), { error: "invalid_scope" });
    const wrong = await discover(party, client.ClientSecretBasic("not the secret"));
    await assert.rejects(client.clientCredentialsGrant(wrong), (error) => /invalid_client/.test(error.error ?? JSON.stringify(error.cause)));
});

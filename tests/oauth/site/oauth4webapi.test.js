"use strict";
// oauth4webapi as a relying party: each step of the protocol by itself, with its strict checks, and JWT access tokens checked as a resource server does (RFC 9068's algorithm, by the key set).

const assert = require("node:assert/strict");
const { before, test } = require("node:test");
const { getParties, newUser } = require("./parties.js");

let oauth, parties, provider, insecure;

before(async () => {
    oauth = await import("oauth4webapi");
    parties = await getParties();
    insecure = { [oauth.allowInsecureRequests]: true };
    const issuer = new URL(parties.issuer);
    provider = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { ...insecure, algorithm: "oidc" }));
    // The SDK's metadata names it otherwise than RFC 8414 does.
    provider = { ...provider, introspection_endpoint: provider.token_introspection_endpoint };
});

/** The code's tokens, and what they were asked for with. */
async function logIn(party, authentication, user) {
    const client = { client_id: party.id };
    const verifier = oauth.generateRandomCodeVerifier();
    const state = oauth.generateRandomState();
    const nonce = oauth.generateRandomNonce();
    const address = new URL(provider.authorization_endpoint);
    address.search = new URLSearchParams({
        client_id: party.id, redirect_uri: parties.callback, response_type: "code", scope: "openid offline_access", state, nonce,
        code_challenge: await oauth.calculatePKCECodeChallenge(verifier), code_challenge_method: "S256",
    });
    const { address: back } = await user.visit(address);
    const parameters = oauth.validateAuthResponse({ ...provider, authorization_response_iss_parameter_supported: true }, client, new URL(back), state);
    const redeem = () => oauth.authorizationCodeGrantRequest(provider, client, authentication, parameters, parties.callback, verifier, insecure);
    const reply = await redeem();
    const tokens = await oauth.processAuthorizationCodeResponse(provider, client, reply, { expectedNonce: nonce, requireIdToken: true });
    await oauth.validateApplicationLevelSignature(provider, reply, insecure);
    return { client, tokens, redeem };
}

test("code with PKCE, signatures, reuse of the code", async () => {
    const user = await newUser();
    const party = parties.clients.public;
    const { client, tokens, redeem } = await logIn(party, oauth.None(), user);
    assert.equal(oauth.getValidatedIdTokenClaims(tokens).sub, user.id);
    const info = await oauth.userInfoRequest(provider, client, tokens.access_token, insecure);
    assert.equal((await oauth.processUserInfoResponse(provider, client, user.id, info)).sub, user.id);

    await assert.rejects(async () => oauth.processAuthorizationCodeResponse(provider, client, await redeem()), { error: "invalid_grant" });
    const about = await oauth.introspectionRequest(provider, client, oauth.None(), tokens.access_token, insecure);
    assert.equal((await oauth.processIntrospectionResponse(provider, client, about)).active, false);
});

test("refresh and revocation", async () => {
    const user = await newUser();
    const party = parties.clients.basic;
    const authentication = oauth.ClientSecretBasic(party.secret);
    const { client, tokens } = await logIn(party, authentication, user);
    const reply = await oauth.refreshTokenGrantRequest(provider, client, authentication, tokens.refresh_token, insecure);
    const next = await oauth.processRefreshTokenResponse(provider, client, reply);
    assert.notEqual(next.refresh_token, tokens.refresh_token);
    await oauth.processRevocationResponse(await oauth.revocationRequest(provider, client, authentication, next.refresh_token, insecure));
    const again = await oauth.refreshTokenGrantRequest(provider, client, authentication, next.refresh_token, insecure);
    await assert.rejects(oauth.processRefreshTokenResponse(provider, client, again), { error: "invalid_grant" });
});

test("a machine", async () => {
    const party = parties.clients.machine;
    const client = { client_id: party.id };
    const parameters = new URLSearchParams({ scope: "read write", audience: parties.audience });
    const reply = await oauth.clientCredentialsGrantRequest(provider, client, oauth.ClientSecretBasic(party.secret), parameters, insecure);
    const tokens = await oauth.processClientCredentialsResponse(provider, client, reply);
    assert.deepEqual([tokens.scope, tokens.token_type], ["read write", "bearer"]);
});

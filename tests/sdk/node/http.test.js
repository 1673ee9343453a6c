"use strict";
// The SDK's HTTP interface behind express, as a front end calls it, with tokens in cookies and in headers.

const assert = require("node:assert/strict");
const { after, before, test } = require("node:test");
const { randomUUID } = require("node:crypto");
const Multitenancy = require("supertokens-node/recipe/multitenancy");
const Session = require("supertokens-node/recipe/session");
const { application, initialise, oidcProvider, resetLinks } = require("./app");
const { Browser, environment, formFields, listen } = require("./browser");

const PASSWORD = "correct horse 1";
const CALLBACK = "http://127.0.0.1/auth/callback/local";

let server;
before(async () => {
    initialise(environment("GATEHOUSE_URL"), environment("OIDC_URL"));
    server = await listen(application());
});
after(() => server.close());

const freshEmail = () => `http-${randomUUID()}@walk.example`;

async function signedUp(transfer) {
    const browser = new Browser(server.origin, transfer);
    const email = freshEmail();
    const { status, body } = await browser.post("/auth/signup", formFields({ email, password: PASSWORD }));
    assert.equal(status, 200);
    assert.equal(body.status, "OK");
    assert.equal(browser.signedIn, true);
    return { browser, email, user: body.user };
}

for (const transfer of ["cookie", "header"]) {
    test(`signs up, in and out (${transfer})`, async () => {
        const { browser, email, user } = await signedUp(transfer);
        const page = await browser.post("/protected");
        assert.equal(page.status, 200);
        assert.equal(page.body.userId, user.id);
        assert.equal(page.body.payload.sub, user.id);

        const taken = await browser.copy().post("/auth/signup", formFields({ email, password: PASSWORD }));
        assert.equal(taken.body.status, "FIELD_ERROR");
        const exists = await browser.get(`/auth/emailpassword/email/exists?email=${encodeURIComponent(email)}`);
        assert.deepEqual(exists.body, { status: "OK", exists: true });

        const before = browser.copy();
        assert.deepEqual((await browser.post("/auth/signout")).body, { status: "OK" });
        assert.equal(browser.signedIn, false);
        assert.equal((await browser.post("/protected")).status, 401);
        assert.equal((await before.post("/auth/session/refresh")).status, 401);

        const wrong = await browser.post("/auth/signin", formFields({ email, password: "wrong horse 1" }));
        assert.equal(wrong.body.status, "WRONG_CREDENTIALS_ERROR");
        assert.equal(browser.signedIn, false);
        const right = await browser.post("/auth/signin", formFields({ email, password: PASSWORD }));
        assert.equal(right.body.status, "OK");
        assert.equal((await browser.post("/protected")).body.userId, user.id);
    });

    test(`refreshes, and revokes the session of a stolen token (${transfer})`, async () => {
        const { browser } = await signedUp(transfer);
        const handle = (await browser.post("/protected")).body.handle;
        const thief = browser.copy();
        assert.equal((await browser.post("/auth/session/refresh")).status, 200);
        assert.equal((await browser.post("/protected")).body.handle, handle);
        const theft = await thief.post("/auth/session/refresh");
        assert.equal(theft.status, 401);
        assert.deepEqual(theft.body, { message: "token theft detected" });
        assert.equal(thief.signedIn, false);
        assert.equal(await Session.getSessionInformation(handle), undefined);
        assert.equal((await browser.post("/auth/session/refresh")).status, 401);
    });

    test(`signs in with a provider (${transfer})`, async () => {
        const browser = new Browser(server.origin, transfer);
        const name = randomUUID();
        const first = await signInWithProvider(browser, "local", name);
        assert.equal(first.body.status, "OK");
        assert.equal(first.body.createdNewRecipeUser, true);
        assert.deepEqual(first.body.user.emails, [`${name}@oidc.example`]);
        assert.deepEqual(first.body.user.thirdParty, [{ id: "local", userId: `oidc-${name}` }]);
        assert.equal((await browser.post("/protected")).body.userId, first.body.user.id);

        const again = await signInWithProvider(new Browser(server.origin, transfer), "local", name);
        assert.equal(again.body.createdNewRecipeUser, false);
        assert.equal(again.body.user.id, first.body.user.id);
    });
}

test("asks for the anti-CSRF token where cookies carry the session", async () => {
    const { browser } = await signedUp("cookie");
    assert.equal((await browser.post("/protected", undefined, { antiCsrf: false })).status, 401);
    assert.equal((await browser.post("/protected")).status, 200);
});

test("resets a forgotten password", async () => {
    const { browser, email } = await signedUp("cookie");
    const asked = await browser.post("/auth/user/password/reset/token", formFields({ email }));
    assert.deepEqual(asked.body, { status: "OK" });
    const token = new URL(resetLinks.pop()).searchParams.get("token");
    const form = { method: "token", token, ...formFields({ password: "after reset 1" }) };
    assert.equal((await browser.post("/auth/user/password/reset", form)).body.status, "OK");
    assert.equal(
        (await browser.post("/auth/user/password/reset", form)).body.status,
        "RESET_PASSWORD_INVALID_TOKEN_ERROR"
    );
    const signIn = (password) => browser.post("/auth/signin", formFields({ email, password }));
    assert.equal((await signIn(PASSWORD)).body.status, "WRONG_CREDENTIALS_ERROR");
    assert.equal((await signIn("after reset 1")).body.status, "OK");
});

test("signs in with a provider whose configuration the core keeps", async () => {
    // In a tenant of its own: a stored provider hides those of the application.
    const tenantId = `t-${randomUUID()}`;
    const created = await Multitenancy.createOrUpdateTenant(tenantId, { firstFactors: ["thirdparty"] });
    assert.deepEqual(created, { status: "OK", createdNew: true });
    try {
        const stored = oidcProvider("stored", environment("OIDC_URL"));
        assert.equal((await Multitenancy.createOrUpdateThirdPartyConfig(tenantId, stored)).status, "OK");
        const methods = await new Browser(server.origin, "header").get(`/auth/${tenantId}/loginmethods`);
        assert.deepEqual(methods.body.thirdParty.providers, [{ id: "stored", name: "Local" }]);
        assert.deepEqual(methods.body.firstFactors, ["thirdparty"]);
        const name = randomUUID();
        const browser = new Browser(server.origin, "header");
        const reply = await signInWithProvider(browser, "stored", name, `/auth/${tenantId}`);
        assert.equal(reply.body.status, "OK");
        assert.deepEqual(reply.body.user.tenantIds, [tenantId]);
        assert.equal((await browser.post("/protected")).body.payload.tId, tenantId);
    } finally {
        assert.deepEqual(await Multitenancy.deleteTenant(tenantId), { status: "OK", didExist: true });
    }
});

test("publishes keys and an OpenID configuration", async () => {
    const browser = new Browser(server.origin, "header");
    const keys = await browser.get("/auth/jwt/jwks.json");
    assert.ok(keys.body.keys.length >= 2);
    const configuration = await browser.get("/auth/.well-known/openid-configuration");
    assert.equal(configuration.body.issuer, "http://127.0.0.1/auth");
});

/** The whole way: the provider's address from the SDK, a visit there, and back with the code. */
async function signInWithProvider(browser, thirdPartyId, userName, base = "/auth") {
    const query = new URLSearchParams({ thirdPartyId, redirectURIOnProviderDashboard: CALLBACK });
    const { body } = await browser.get(`${base}/authorisationurl?${query}`);
    assert.equal(body.status, "OK");
    const address = new URL(body.urlWithQueryParams);
    address.searchParams.set("login_hint", userName);
    const visit = await fetch(address, { redirect: "manual" });
    assert.equal(visit.status, 302);
    const code = new URL(visit.headers.get("location")).searchParams.get("code");
    return browser.post(`${base}/signinup`, {
        thirdPartyId,
        redirectURIInfo: {
            redirectURIOnProviderDashboard: CALLBACK,
            redirectURIQueryParams: { code },
            pkceCodeVerifier: body.pkceCodeVerifier,
        },
    });
}

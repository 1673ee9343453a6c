"use strict";
// The walk that old Node SDKs take, over their HTTP interface. It needs nothing but node.

const assert = require("node:assert/strict");
const { after, before, test } = require("node:test");
const { createPublicKey, randomUUID, verify } = require("node:crypto");
const { Browser, formFields, listen } = require("../node/browser");

const PASSWORD = "correct horse 1";

/**
 * Declares the tests. createApplication() makes an express app with the SDK's middleware and a page
 * /protected; getSessionInformation(handle) answers undefined or null if there is no such session.
 */
function walk(createApplication, getSessionInformation) {
    let server;
    before(async () => {
        server = await listen(createApplication());
    });
    after(() => server.close());

    async function signedUp(transfer) {
        const browser = new Browser(server.origin, transfer);
        const email = `old-${randomUUID()}@walk.example`;
        const { status, body } = await browser.post("/auth/signup", formFields({ email, password: PASSWORD }));
        assert.equal(status, 200);
        assert.equal(body.status, "OK");
        assert.equal(browser.signedIn, true);
        return { browser, email, user: body.user };
    }

    for (const transfer of ["cookie", "header"]) {
        test(`signs up, in and out (${transfer})`, async () => {
            const { browser, email, user } = await signedUp(transfer);
            assert.equal((await browser.post("/protected")).body.userId, user.id);
            const taken = await browser.copy().post("/auth/signup", formFields({ email, password: PASSWORD }));
            assert.equal(taken.body.status, "FIELD_ERROR");

            const before = browser.copy();
            assert.deepEqual((await browser.post("/auth/signout")).body, { status: "OK" });
            assert.equal(browser.signedIn, false);
            assert.equal((await browser.post("/protected")).status, 401);
            assert.equal((await before.post("/auth/session/refresh")).status, 401);

            const wrong = await browser.post("/auth/signin", formFields({ email, password: "wrong horse 1" }));
            assert.equal(wrong.body.status, "WRONG_CREDENTIALS_ERROR");
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
            assert.equal(await getSessionInformation(handle), undefined);
            assert.equal((await browser.post("/auth/session/refresh")).status, 401);
        });
    }

    return { signedUp };
}

/** Verifies an RS256 token with the key of a JWKS that it names; returns its payload. */
function verifyJwt(token, jwks) {
    const [header, payload, signature] = token.split(".");
    const { alg, kid } = JSON.parse(Buffer.from(header, "base64url"));
    assert.equal(alg, "RS256");
    const key = jwks.keys.find((candidate) => candidate.kid === kid);
    assert.ok(key, "the key that signed the token is published");
    const publicKey = createPublicKey({ key, format: "jwk" });
    const data = Buffer.from(`${header}.${payload}`);
    assert.ok(verify("RSA-SHA256", data, publicKey, Buffer.from(signature, "base64url")));
    return JSON.parse(Buffer.from(payload, "base64url"));
}

module.exports = { verifyJwt, walk };

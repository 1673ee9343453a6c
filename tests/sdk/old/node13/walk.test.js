"use strict";
// supertokens-node 13 with JWTs in the session, as its guide for AWS says (CDI 2.20: access tokens of version 2).

const assert = require("node:assert/strict");
const { test } = require("node:test");
const express = require("express");
const supertokens = require("supertokens-node");
const { errorHandler, middleware } = require("supertokens-node/framework/express");
const { verifySession } = require("supertokens-node/recipe/session/framework/express");
const EmailPassword = require("supertokens-node/recipe/emailpassword");
const Session = require("supertokens-node/recipe/session");
const { environment } = require("../../node/browser");
const { verifyJwt, walk } = require("../http_walk");

function createApplication() {
    supertokens.init({
        framework: "express",
        supertokens: {
            connectionURI: environment("GATEHOUSE_URL"),
            apiKey: process.env.GATEHOUSE_API_KEY || undefined,
        },
        appInfo: {
            appName: "Walk",
            apiDomain: "http://127.0.0.1",
            websiteDomain: "http://127.0.0.1",
            apiBasePath: "/auth",
        },
        telemetry: false,
        recipeList: [EmailPassword.init(), Session.init({ antiCsrf: "VIA_TOKEN", jwt: { enable: true } })],
    });
    const app = express();
    app.use(middleware());
    app.post("/protected", verifySession(), (request, response) => {
        response.json({
            handle: request.session.getHandle(),
            userId: request.session.getUserId(),
            payload: request.session.getAccessTokenPayload(),
        });
    });
    app.use(errorHandler());
    return app;
}

const { signedUp } = walk(createApplication, Session.getSessionInformation);

test("puts a JWT into the session that the published keys verify", async () => {
    const { browser, user } = await signedUp("header");
    const jwks = (await browser.get("/auth/jwt/jwks.json")).body;
    const first = (await browser.post("/protected")).body.payload;
    assert.equal(first._jwtPName, "jwt");
    assert.equal(verifyJwt(first.jwt, jwks).sub, user.id);
    assert.equal((await browser.post("/auth/session/refresh")).status, 200);
    const second = (await browser.post("/protected")).body.payload;
    assert.equal(verifyJwt(second.jwt, jwks).sub, user.id);
});

test("creates, changes and lists sessions by function", async () => {
    const { browser, user } = await signedUp("cookie");
    const { handle } = (await browser.post("/protected")).body;
    assert.deepEqual(await Session.getAllSessionHandlesForUser(user.id), [handle]);
    assert.equal(await Session.updateSessionData(handle, { secret: 7 }), true);
    assert.deepEqual((await Session.getSessionInformation(handle)).sessionData, { secret: 7 });
    assert.equal(await Session.mergeIntoAccessTokenPayload(handle, { colour: "blue" }), true);
    assert.equal((await browser.post("/auth/session/refresh")).status, 200);
    assert.equal((await browser.post("/protected")).body.payload.colour, "blue");
    assert.equal((await EmailPassword.getUserById(user.id)).email, user.email);
    assert.equal(await Session.revokeSession(handle), true);
    assert.equal((await browser.post("/auth/session/refresh")).status, 401);
});

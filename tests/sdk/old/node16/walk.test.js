"use strict";
// supertokens-node 16 (CDI 4.0): access tokens of version 5, and the first users that can be linked.

const assert = require("node:assert/strict");
const { test } = require("node:test");
const express = require("express");
const supertokens = require("supertokens-node");
const { errorHandler, middleware } = require("supertokens-node/framework/express");
const { verifySession } = require("supertokens-node/recipe/session/framework/express");
const EmailPassword = require("supertokens-node/recipe/emailpassword");
const Session = require("supertokens-node/recipe/session");
const { environment } = require("../../node/browser");
const { walk } = require("../http_walk");

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
        recipeList: [EmailPassword.init(), Session.init({ antiCsrf: "VIA_TOKEN" })],
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

test("creates, changes and lists sessions by function", async () => {
    const { browser, user } = await signedUp("cookie");
    const { handle, payload } = (await browser.post("/protected")).body;
    assert.equal(payload.tId, "public");
    assert.equal(payload.sub, user.id);
    assert.deepEqual(await Session.getAllSessionHandlesForUser(user.id), [handle]);
    assert.equal(await Session.updateSessionDataInDatabase(handle, { secret: 7 }), true);
    assert.deepEqual((await Session.getSessionInformation(handle)).sessionDataInDatabase, { secret: 7 });
    assert.equal(await Session.mergeIntoAccessTokenPayload(handle, { colour: "blue" }), true);
    assert.equal((await browser.post("/auth/session/refresh")).status, 200);
    assert.equal((await browser.post("/protected")).body.payload.colour, "blue");
    assert.deepEqual((await supertokens.getUser(user.id)).emails, [user.emails[0]]);
    assert.equal(await Session.revokeSession(handle), true);
    assert.equal((await browser.post("/auth/session/refresh")).status, 401);
});

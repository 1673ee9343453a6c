// The page's back end and authorizer, in one process as two: sessions are made by the SDK, and checked as API Gateway does. recipes.py writes backend.mjs and authorizer.mjs beside this file.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import express from "express";
import { createRemoteJWKSet, jwtVerify } from "jose";
import supertokens from "supertokens-node";
import EmailPassword from "supertokens-node/recipe/emailpassword/index.js";
import { errorHandler, middleware } from "supertokens-node/framework/express/index.js";
import { session } from "./backend.mjs";

const core = process.env.GATEHOUSE_URL;
const app = express();
const server = createServer(app);
await new Promise((done) => server.listen(0, "127.0.0.1", done));
const domain = `http://127.0.0.1:${server.address().port}`;
const issuer = domain + "/auth";
supertokens.init({
    framework: "express",
    supertokens: { connectionURI: core, apiKey: process.env.GATEHOUSE_API_KEY },
    appInfo: { appName: "Lambda", apiDomain: domain, websiteDomain: domain, apiBasePath: "/auth" },
    telemetry: false,
    recipeList: [EmailPassword.init(), session()],
});
app.use(middleware());
app.use(errorHandler());

async function post(path, body, headers = {}) {
    const response = await fetch(domain + path, {
        method: "POST",
        headers: { "Content-Type": "application/json", "st-auth-mode": "header", ...headers },
        body: JSON.stringify(body),
    });
    assert.equal(response.status, 200, await response.clone().text());
    return response;
}

const email = `lambda${Date.now()}@example.com`;
const formFields = [
    { id: "email", value: email },
    { id: "password", value: "correct horse 1" },
];
const signedUp = await post("/auth/signup", { formFields });
const user = (await signedUp.json()).user;
const first = signedUp.headers.get("st-access-token");
const refreshed = await post("/auth/session/refresh", {}, { Authorization: "Bearer " + signedUp.headers.get("st-refresh-token") });
const second = refreshed.headers.get("st-access-token");
assert.notEqual(first, second);

// A JWT authorizer: everything from the issuer's address.
const discovery = await (await fetch(issuer + "/.well-known/openid-configuration")).json();
assert.equal(discovery.issuer, issuer);
for (const token of [first, second]) {
    const { payload } = await jwtVerify(token, createRemoteJWKSet(new URL(discovery.jwks_uri)), { issuer, audience: "jwtAuthorizers" });
    assert.equal(payload.sub, user.id);
    assert.equal(payload.aud, "jwtAuthorizers");
    assert.ok(payload.exp > payload.iat);
}

// A token of the core's with other claims.
async function made(claims) {
    const response = await fetch(core + "/recipe/session", {
        method: "POST",
        headers: { "Content-Type": "application/json", "api-key": process.env.GATEHOUSE_API_KEY, "cdi-version": "5.4" },
        body: JSON.stringify({ userId: user.id, userDataInJWT: claims, userDataInDatabase: {}, enableAntiCsrf: false }),
    });
    return (await response.json()).accessToken.token;
}
const good = await made({ iss: issuer, aud: "jwtAuthorizers" });
const others = {
    "another audience": await made({ iss: issuer, aud: "somebody else" }),
    "no audience": await made({ iss: issuer }),
    "another issuer": await made({ iss: "https://elsewhere.example.com/auth", aud: "jwtAuthorizers" }),
    "another signature": good.slice(0, good.lastIndexOf(".")) + second.slice(second.lastIndexOf(".")),
    "no token": "",
};

const methodArn = "arn:aws:execute-api:eu-central-1:111122223333:api/prod/GET/items";
process.env.ISSUER = issuer;
for (const url of [issuer + "/jwt/jwks.json", core + "/.well-known/jwks.json"]) {
    process.env.JWKS_URL = url;
    const { handler } = await import("./authorizer.mjs?" + encodeURIComponent(url)); // a Lambda of its own
    for (const token of [first, second, good]) {
        const answer = await handler({ authorizationToken: "Bearer " + token, methodArn });
        assert.equal(answer.principalId, user.id);
        assert.deepEqual(answer.policyDocument.Statement[0], { Action: "execute-api:Invoke", Effect: "Allow", Resource: methodArn });
        assert.ok(answer.context.sessionHandle);
    }
    for (const [what, token] of Object.entries(others)) {
        await assert.rejects(handler({ authorizationToken: "Bearer " + token, methodArn }), /^Error: Unauthorized$/, what);
    }
}
server.closeAllConnections();
server.close();
console.log("walked");

"use strict";
// The user dashboard's own API in the SDK, as the dashboard's pages call it.

const assert = require("node:assert/strict");
const { after, before, test } = require("node:test");
const { randomUUID } = require("node:crypto");
const { application, initialise } = require("./app");
const { Browser, environment, formFields, listen } = require("./browser");

const PASSWORD = "correct horse 1";
const ADMIN = { email: `admin-${randomUUID()}@walk.example`, password: PASSWORD };

let server;
before(async () => {
    initialise(environment("GATEHOUSE_URL"), environment("OIDC_URL"));
    server = await listen(application());
});
after(() => server.close());

/** To the core: there is no page that makes the first user of a dashboard. */
async function core(path, body) {
    const headers = { "content-type": "application/json; charset=utf-8", "cdi-version": "5.4" };
    if (process.env.GATEHOUSE_API_KEY) {
        headers["api-key"] = process.env.GATEHOUSE_API_KEY;
    }
    const url = environment("GATEHOUSE_URL").replace(/\/$/, "") + path;
    return (await fetch(url, { method: "POST", headers, body: JSON.stringify(body) })).json();
}

/** To the dashboard's API. Returns {status, body}. */
async function call(method, path, { session, body, tenant } = {}) {
    const headers = { "content-type": "application/json" };
    if (session !== undefined) {
        headers.authorization = `Bearer ${session}`;
    }
    const url = `${server.origin}/auth${tenant === undefined ? "" : `/${tenant}`}/dashboard/api${path}`;
    const response = await fetch(url, { method, headers, body: body && JSON.stringify(body) });
    const text = await response.text();
    return { status: response.status, body: text.startsWith("{") ? JSON.parse(text) : text };
}

test("the dashboard's user signs in, manages users and tenants, and signs out", async () => {
    const made = await core("/recipe/dashboard/user", ADMIN);
    assert.equal(made.status, "OK");
    const wrong = await call("POST", "/signin", { body: { ...ADMIN, password: "wrong horse 1" } });
    assert.equal(wrong.body.status, "INVALID_CREDENTIALS_ERROR");
    const signedIn = await call("POST", "/signin", { body: ADMIN });
    assert.equal(signedIn.body.status, "OK");
    const session = signedIn.body.sessionId;

    const email = `dashboard-${randomUUID()}@walk.example`;
    const browser = new Browser(server.origin, "cookie");
    const user = (await browser.post("/auth/signup", formFields({ email, password: PASSWORD }))).body.user;

    const search = `/users?limit=10&email=${encodeURIComponent(email.split("@")[0])}`;
    assert.equal((await call("GET", search, { session: randomUUID() })).status, 401);
    const found = await call("GET", search, { session });
    assert.deepEqual(found.body.users.map((one) => one.id), [user.id]);
    assert.ok((await call("GET", "/users/count", { session })).body.count >= 1);
    const tags = (await call("GET", "/search/tags", { session })).body;
    assert.equal(tags.status, "OK");
    assert.ok(tags.tags.includes("email"));

    const query = `/user?recipeId=emailpassword&userId=${user.id}`;
    assert.equal((await call("GET", query, { session })).body.user.emails[0], email);
    const metadata = { userId: user.id, data: JSON.stringify({ colour: "blue" }) };
    assert.equal((await call("PUT", "/user/metadata", { session, body: metadata })).body.status, "OK");
    const read = await call("GET", `/user/metadata?userId=${user.id}`, { session });
    assert.deepEqual(read.body.data, { colour: "blue" });
    assert.equal((await call("GET", `/user/sessions?userId=${user.id}`, { session })).body.sessions.length, 1);
    const role = { role: "walker", permissions: ["walk"] };
    assert.equal((await call("PUT", "/userroles/role", { session, body: role })).body.status, "OK");

    const tenants = (await call("GET", "/tenants", { session })).body.tenants;
    assert.ok(tenants.some((one) => one.tenantId === "public"));
    const tenant = (await call("GET", "/tenant", { session, tenant: "public" })).body.tenant;
    const keys = new Map(tenant.coreConfig.map((key) => [key.key, key]));
    assert.equal(keys.get("password_reset_token_lifetime").value, 3600000);
    assert.deepEqual(keys.get("password_hashing_alg").possibleValues, ["ARGON2", "BCRYPT"]);
    assert.ok(tenant.coreConfig.every((key) => key.description.length > 0));

    assert.equal((await call("DELETE", `/user?userId=${user.id}`, { session })).body.status, "OK");
    assert.deepEqual((await call("GET", search, { session })).body.users, []);

    assert.equal((await call("POST", "/signout", { session })).body.status, "OK");
    assert.equal((await call("GET", search, { session })).status, 401);
});

test("a session ends with its user, and with its password", async () => {
    const admin = { email: `admin-${randomUUID()}@walk.example`, password: PASSWORD };
    const { user } = await core("/recipe/dashboard/user", admin);
    const signIn = async () => (await call("POST", "/signin", { body: admin })).body.sessionId;
    const session = await signIn();
    assert.equal((await call("GET", "/users/count", { session })).status, 200);
    const change = await fetch(environment("GATEHOUSE_URL").replace(/\/$/, "") + "/recipe/dashboard/user", {
        method: "PUT",
        headers: {
            "content-type": "application/json; charset=utf-8",
            "cdi-version": "5.4",
            ...(process.env.GATEHOUSE_API_KEY ? { "api-key": process.env.GATEHOUSE_API_KEY } : {}),
        },
        body: JSON.stringify({ userId: user.userId, newPassword: "another horse 2" }),
    });
    assert.equal((await change.json()).status, "OK");
    assert.equal((await call("GET", "/users/count", { session })).status, 401);
    assert.equal(await signIn(), undefined);
});

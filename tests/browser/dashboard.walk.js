"use strict";
// What an administrator does in the user dashboard, and what has become of it afterwards.

const assert = require("node:assert");
const { after, before, test } = require("node:test");
const supertokens = require("supertokens-node");
const EmailPassword = require("supertokens-node/recipe/emailpassword");
const EmailVerification = require("supertokens-node/recipe/emailverification");
const Multitenancy = require("supertokens-node/recipe/multitenancy");
const Passwordless = require("supertokens-node/recipe/passwordless");
const Session = require("supertokens-node/recipe/session");
const ThirdParty = require("supertokens-node/recipe/thirdparty");
const UserMetadata = require("supertokens-node/recipe/usermetadata");
const UserRoles = require("supertokens-node/recipe/userroles");
const { Dashboard } = require("./dashboard/pages");
const { start } = require("./dashboard/server");
const { launch } = require("./screens");

const ADMIN = { email: "admin@example.com", password: "correct horse 1" };
const PASSWORD = "correct horse 1";
const CORE = process.env.GATEHOUSE_URL;
const TENANT = "public";
let site, browser, dashboard;

before(async () => {
    site = await start(CORE);
    browser = await launch();
    dashboard = await Dashboard.open(browser, site.origin, process.env.DASHBOARD, process.env.PICTURES);
});

after(async () => {
    await browser?.close();
    site?.close();
});

/** To the core itself. */
async function core(method, path, body) {
    const headers = { "content-type": "application/json", rid: "dashboard", "cdi-version": "5.4" };
    if (process.env.GATEHOUSE_API_KEY) {
        headers["api-key"] = process.env.GATEHOUSE_API_KEY;
    }
    return (await fetch(CORE + path, { method, headers, body: body && JSON.stringify(body) })).json();
}

/** Runs a command that the dashboard shows, with values in place of its blanks. */
async function follow(command, values) {
    const url = /'(http[^']+)'/.exec(command)[1];
    const method = /--request (\w+)/.exec(command)[1];
    let data = /--data-raw '(.*)'/s.exec(command)[1];
    for (const [blank, value] of Object.entries(values)) {
        assert.ok(data.includes(blank), `${blank} in ${data}`);
        data = data.replace(blank, value);
    }
    assert.ok(url.startsWith(CORE), url);
    return core(method, url.slice(CORE.length), JSON.parse(data));
}

async function signUp(email) {
    const made = await EmailPassword.signUp(TENANT, email, PASSWORD);
    assert.strictEqual(made.status, "OK");
    return made.user.id;
}

test("the user dashboard", { timeout: 400000 }, async (t) => {
    const users = {};
    const step = async (name, run) => {
        let done = false;
        await t.test(name, async () => {
            await run();
            // Whatever the page shows: nothing that it asked for was refused. Reset by steps that expect it.
            assert.deepStrictEqual(dashboard.failures.splice(0), []);
            done = true;
        });
        if (!done) throw new Error(`stopped at: ${name}`);
    };

    await step("the first dashboard user is made as the page says", async () => {
        await dashboard.goto();
        await dashboard.page.getByText("Add a new user").click();
        const command = await dashboard.page.locator("code.command").innerText();
        const made = await follow(command, { "<YOUR_EMAIL>": ADMIN.email, "<YOUR_PASSWORD>": ADMIN.password });
        assert.strictEqual(made.status, "OK");
        await dashboard.page.locator(".cta-container .link").click();
    });

    await step("sign in", async () => {
        await dashboard.signIn(ADMIN.email, "wrong horse 1");
        await dashboard.shows("Incorrect email and password combination");
        await dashboard.signIn(ADMIN.email, ADMIN.password);
        await dashboard.shows("Currently, you don't have any users.");
    });

    await step("the list, page by page", async () => {
        for (let number = 1; number <= 22; ++number) {
            const email = `user-${String(number).padStart(2, "0")}@example.com`;
            users[email] = await signUp(email);
        }
        const phone = await Passwordless.signInUp({ tenantId: TENANT, phoneNumber: "+41446681800" });
        const github = await ThirdParty.manuallyCreateOrUpdateUser(TENANT, "github", "gh-1", "ada@example.com", false);
        Object.assign(users, { phone: phone.user.id, github: github.user.id });
        await dashboard.goto();
        await dashboard.reads(".users-list-pagination-count", "1 - 10 of 24");
        // The newest first.
        const first = await dashboard.users();
        assert.deepStrictEqual(first.slice(0, 3), ["ada@example.com", "+41 44 668 18 00", "user-22@example.com"]);
        await dashboard.picture("dashboard-users");
        const second = await dashboard.turnTo("Next", "11 - 20 of 24");
        const third = await dashboard.turnTo("Next", "21 - 24 of 24");
        assert.strictEqual(third.at(-1), "user-01@example.com");
        assert.strictEqual(new Set([...first, ...second, ...third]).size, 24);
        assert.deepStrictEqual(await dashboard.turnTo("Previous", "11 - 20 of 24"), second);
    });

    await step("search", async () => {
        await dashboard.search("user-1");
        await dashboard.shows("10 results");
        assert.ok((await dashboard.users()).every((name) => name.startsWith("user-1")));
        await dashboard.endSearch();
        await dashboard.reads(".users-list-pagination-count", "of 24");
        await dashboard.search("+41446681800", "Phone Number");
        await dashboard.shows("1 result");
        assert.deepStrictEqual(await dashboard.users(), ["+41 44 668 18 00"]);
        await dashboard.endSearch();
        await dashboard.search("github", "Auth Provider");
        await dashboard.shows("1 result");
        assert.deepStrictEqual(await dashboard.users(), ["ada@example.com"]);
        await dashboard.endSearch();
        await dashboard.search("nobody");
        await dashboard.shows("No search results.");
        await dashboard.endSearch();
    });

    await step("roles", async () => {
        await dashboard.menu("Roles and Permissions");
        await dashboard.makeRole("editor", "write");
        await dashboard.reads("table", "editor");
        assert.deepStrictEqual((await UserRoles.getPermissionsForRole("editor")).permissions, ["write"]);
        await dashboard.menu("User Management");
    });

    const email = "user-22@example.com";
    const id = users[email];
    await step("a user's name, email and password", async () => {
        await dashboard.openUser(email);
        await dashboard.button("Edit Info").click();
        await dashboard.page.fill("[name=first_name]", "Grace");
        await dashboard.page.fill("[name=last_name]", "Hopper");
        await dashboard.page.locator(".user-detail__info-grid").getByText("Save").click();
        await dashboard.reads(".user-detail__header__title", "Grace Hopper");

        await dashboard.changeEmail("user-01@example.com");
        await dashboard.shows("Entered email already exists");
        await dashboard.page.locator(".method").getByText("Cancel").click();
        await dashboard.changeEmail("grace@example.com");
        await dashboard.page.locator(".method .trigger").waitFor();
        assert.deepStrictEqual((await supertokens.getUser(id)).emails, ["grace@example.com"]);
        await dashboard.verifyEmail();
        assert.ok(await EmailVerification.isEmailVerified(supertokens.convertToRecipeUserId(id)));

        await dashboard.changePassword("short");
        await dashboard.shows("Password must contain at least 8 characters");
        await dashboard.page.fill(".user-detail-form [name=password]", "another horse 2");
        await dashboard.page.fill(".user-detail-form [name=repeatPassword]", "another horse 2");
        await dashboard.page.locator(".user-detail-form").getByText("Save").click();
        await dashboard.shows("Password updated");
        const statusWith = async (password) => (await EmailPassword.signIn(TENANT, "grace@example.com", password)).status;
        assert.deepStrictEqual([await statusWith(PASSWORD), await statusWith("another horse 2")], ["WRONG_CREDENTIALS_ERROR", "OK"]);
    });

    await step("a user's metadata and roles", async () => {
        await dashboard.changeMetadata("no JSON");
        await dashboard.shows("User meta data must be a valid JSON object");
        await dashboard.panel("USER METADATA").getByText("Cancel").click();
        await dashboard.changeMetadata('{"first_name": "Grace", "last_name": "Hopper", "plan": {"seats": 3}}');
        await dashboard.reads(".metadata-content-container", '"seats": 3');
        const { metadata } = await UserMetadata.getUserMetadata(id);
        assert.deepStrictEqual(metadata, { first_name: "Grace", last_name: "Hopper", plan: { seats: 3 } });
        await dashboard.assignRole("editor");
        assert.deepStrictEqual((await UserRoles.getRolesForUser(TENANT, id)).roles, ["editor"]);
    });

    await step("a user's sessions", async () => {
        const recipeUserId = supertokens.convertToRecipeUserId(id);
        const sessions = [];
        for (let number = 0; number < 3; ++number) {
            sessions.push(await Session.createNewSessionWithoutRequestResponse(TENANT, recipeUserId));
        }
        await dashboard.backToUsers();
        // The list is not fetched again by that.
        await dashboard.goto();
        await dashboard.openUser("Grace Hopper");
        await dashboard.shows("TOTAL NO OF SESSIONS: 3");
        await dashboard.picture("dashboard-user");
        await dashboard.sessions().first().getByText("Revoke").click();
        await dashboard.shows("TOTAL NO OF SESSIONS: 2");
        assert.strictEqual((await Session.getAllSessionHandlesForUser(id)).length, 2);
        await dashboard.page.getByText("Revoke all sessions").click();
        await dashboard.shows("TOTAL NO OF SESSIONS: 0");
        assert.deepStrictEqual(await Session.getAllSessionHandlesForUser(id), []);
        for (const session of sessions) {
            const { refreshToken } = session.getAllSessionTokensDangerously();
            await assert.rejects(Session.refreshSessionWithoutRequestResponse(refreshToken, true), { type: "UNAUTHORISED" });
        }
        await dashboard.backToUsers();
    });

    await step("a tenant, its login methods and configuration", async () => {
        const key = "password_reset_token_lifetime";
        await dashboard.menu("Tenant Management");
        await dashboard.page.locator("tr").filter({ hasText: TENANT }).click();
        // What holds for all is shown, and not changed here.
        await dashboard.configuration(key).getByText("3600000", { exact: true }).waitFor();
        await dashboard.configuration(key).locator("button").click();
        await dashboard.shows("This property is configurable only via the config.yaml file or via Docker env variables.");
        await dashboard.page.locator(".dialog-header svg").click();
        await dashboard.page.getByText("Back to all tenants").click();

        await dashboard.makeTenant("acme");
        await dashboard.configure(key, "600000");
        await dashboard.toggle("first-factor-otp-phone");
        await dashboard.toggle("secondary-factor-totp");
        await dashboard.page.evaluate(() => window.scrollTo(0, 0));
        await dashboard.picture("dashboard-tenant");
        const tenant = await Multitenancy.getTenant("acme");
        assert.strictEqual(tenant.coreConfig[key], 600000);
        assert.deepStrictEqual(tenant.requiredSecondaryFactors, ["totp"]);
        assert.deepStrictEqual(tenant.firstFactors, ["otp-phone"]);

        // What can't be is refused, with the reason.
        await dashboard.configuration(key).locator("button").click();
        await dashboard.page.fill(`[name=${key}]`, "-1");
        await dashboard.button("Save").click();
        await dashboard.shows(`'${key}' must be >= 0`);
        await dashboard.picture("dashboard-configuration");
        await dashboard.button("Cancel").click();
        assert.strictEqual((await Multitenancy.getTenant("acme")).coreConfig[key], 600000);
        await dashboard.deleteTenant("acme");
        assert.strictEqual(await Multitenancy.getTenant("acme"), undefined);
    });

    await step("a user is removed", async () => {
        await dashboard.menu("User Management");
        await dashboard.openUser("Grace Hopper");
        await dashboard.deleteUser("grace@example.com");
        assert.strictEqual(await supertokens.getUser(id), undefined);
        await dashboard.goto();
        await dashboard.reads(".users-list-pagination-count", "1 - 10 of 23");
        assert.ok(!(await dashboard.users()).includes("Grace Hopper"));
    });

    await step("sign out", async () => {
        const session = await dashboard.page.evaluate(() => Object.values(localStorage).find((value) => /^[0-9a-f-]{36}$/.test(value)));
        const verify = () => core("POST", "/recipe/dashboard/session/verify", { sessionId: session });
        assert.strictEqual((await verify()).status, "OK");
        await dashboard.signOut();
        assert.strictEqual((await verify()).status, "INVALID_SESSION_ERROR");
        await dashboard.goto();
        await dashboard.page.locator("[name=password]").waitFor();
    });
});

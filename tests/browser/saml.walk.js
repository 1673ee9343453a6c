"use strict";
// Somebody goes from a site to the company's identity provider, signs in there, and comes back. tests/saml/in_browser.py starts the provider, and says how it signs.

const assert = require("node:assert");
const { after, before, test } = require("node:test");
const supertokens = require("supertokens-node");
const Session = require("supertokens-node/recipe/session");
const { start } = require("./saml/server");
const { Screens, launch } = require("./screens");

const { BEGINNING, EMAIL, GATEHOUSE_URL, METADATA, PASSWORD, PICTURES, SITE_PORT } = process.env;
const PROVIDER = new URL(BEGINNING).origin;
const LIMIT = { timeout: 100000 };
let site, browser, user;

before(async () => {
    site = await start(GATEHOUSE_URL, Number(SITE_PORT), METADATA);
    browser = await launch();
});

after(async () => {
    await browser?.close();
    site?.close();
});

const open = () => Screens.open(browser, site, PICTURES, [PROVIDER]);

/** On the provider's own page. */
async function identify({ page }) {
    await page.locator("[name=username]").fill(EMAIL.split("@")[0]);
    await page.locator("[name=password]").fill(PASSWORD);
    assert.strictEqual(new URL(page.url()).origin, PROVIDER);
    await page.locator("[name=password]").press("Enter");
}

/** What the browser posts to the site in the name of the provider, from now on. */
function posted({ page }) {
    return page.waitForRequest((request) => request.method() === "POST" && request.url().includes("/saml/callback"));
}

/** What the site says to the same once more. */
async function again(request) {
    const reply = await fetch(request.url(), {
        method: "POST",
        redirect: "manual",
        headers: { "content-type": "application/x-www-form-urlencoded" },
        body: request.postData(),
    });
    return (await reply.json()).status;
}

test("login, sign-out, and login without the password", LIMIT, async () => {
    const screens = await open();
    await screens.page.goto(`${site.origin}/auth`);
    await screens.shows("Continue with Acme");
    await screens.picture("saml-site");
    let post = posted(screens);
    await screens.page.getByText("Continue with Acme").click();
    await screens.page.locator("[name=username]").waitFor();
    await screens.picture("saml-provider");
    await identify(screens);
    user = await screens.home();
    const me = await screens.me();
    assert.deepStrictEqual(me.body, { userId: user, emails: [EMAIL], thirdParty: [{ id: "saml", userId: EMAIL }] });
    assert.strictEqual(await again(await post), "INVALID_RELAY_STATE_ERROR");

    // The session is the site's: it ends, and the provider is not told.
    const sessions = async () => (await Session.getAllSessionHandlesForUser(user)).length;
    const had = await sessions();
    await screens.page.click("#out");
    await screens.shows("Continue with Acme");
    assert.strictEqual((await screens.me()).status, 401);
    assert.strictEqual(await sessions(), had - 1);

    // So the provider still knows who it is.
    post = posted(screens);
    await screens.page.getByText("Continue with Acme").click();
    assert.strictEqual(await screens.home(), user);
    await post;
    await screens.close();
});

test("a login that begins at the provider", LIMIT, async () => {
    const screens = await open();
    const post = posted(screens);
    const arrived = screens.page.waitForRequest((request) => request.url() === `${site.origin}/api/started`);
    await screens.page.goto(BEGINNING);
    await identify(screens);
    assert.strictEqual(await screens.home(), user);
    assert.strictEqual((await supertokens.getUser(user)).loginMethods.length, 1);
    assert.strictEqual(await again(await post), "SAML_RESPONSE_VERIFICATION_FAILED_ERROR");
    const exchange = await arrived;
    const used = { method: "POST", headers: { "content-type": "application/json" }, body: exchange.postData() };
    assert.strictEqual((await fetch(exchange.url(), used)).status, 401);
    await screens.close();
});

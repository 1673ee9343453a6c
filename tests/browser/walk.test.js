"use strict";
// What people do on a site, in a browser: with a password and an authenticator app, and with a passkey.

const assert = require("node:assert");
const { after, before, test } = require("node:test");
const { Passkeys, Screens, code, launch } = require("./screens");
const { start } = require("./site/server");

const PICTURES = process.env.PICTURES;
// So that what never comes ends the test with its name.
const LIMIT = { timeout: 100000 };
let site, browser;

before(async () => {
    site = await start(process.env.GATEHOUSE_URL);
    browser = await launch();
});

after(async () => {
    await browser?.close();
    site?.close();
});

test("password, verified email, second factor", LIMIT, async () => {
    const email = "ada@example.com";
    const screens = await Screens.open(browser, site, PICTURES);
    await screens.signUp(email);
    await screens.verifyEmail(email);
    const user = await screens.home();

    await screens.page.click("#add");
    await screens.shows("Add a TOTP device");
    await screens.page.getByText("secret key").click();
    const secret = await screens.page.locator("[data-supertokens~=totpSecret]").innerText();
    await screens.picture("add-app");
    const first = code(secret);
    await screens.enterCode(first);
    assert.strictEqual(await screens.home(), user);
    await screens.signOut();

    await screens.signIn(email);
    await screens.shows("Enter TOTP");
    assert.strictEqual((await screens.me()).status, 403);
    await screens.enterCode(first);
    await screens.shows("Invalid TOTP");
    await screens.picture("second-factor");
    // The next period's: it is accepted already, so that nobody has to wait here.
    await screens.enterCode(code(secret, 1));
    assert.strictEqual(await screens.home(), user);
    await screens.picture("home");
    await screens.close();
});

test("passkey", LIMIT, async () => {
    const email = "grace@example.com";
    const screens = await Screens.open(browser, site, PICTURES);
    const passkeys = await Passkeys.plugIn(screens);
    await screens.page.goto(`${site.origin}/auth?show=signup`);
    await screens.press("CONTINUE WITH PASSKEY");
    await screens.page.fill("[name=email]", email);
    await screens.press("CONTINUE");
    await screens.shows("Create a passkey");
    await screens.picture("create-passkey");
    await screens.press("CONTINUE");
    await screens.verifyEmail(email);
    const user = await screens.home();
    const [made] = await passkeys.list();
    assert.strictEqual(made.rpId, "localhost");

    for (let times = 0; times < 2; ++times) {
        await screens.signOut();
        await screens.press("CONTINUE WITH PASSKEY");
        assert.strictEqual(await screens.home(), user);
    }
    await screens.signOut();
    await passkeys.setBack(made);
    await screens.press("CONTINUE WITH PASSKEY");
    await screens.shows("The passkey is invalid");
    await screens.picture("copied-passkey");
    assert.strictEqual((await screens.me()).status, 401);
    await screens.close();
});

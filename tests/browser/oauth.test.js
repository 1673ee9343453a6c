"use strict";
// Somebody goes from a third-party site to the provider, signs up there, is asked, and comes back.

const assert = require("node:assert");
const { after, before, test } = require("node:test");
const { Screens, launch } = require("./screens");
const notesSite = require("./provider/notes");
const providerSite = require("./provider/server");

const PICTURES = process.env.PICTURES;
const LIMIT = { timeout: 100000 };
const PASSWORD = "correct horse 1";
let provider, notes, browser;

before(async () => {
    provider = await providerSite.start(process.env.GATEHOUSE_URL);
    notes = await notesSite.start(provider);
    browser = await launch();
});

after(async () => {
    await browser?.close();
    notes?.close();
    provider?.close();
});

const open = () => Screens.open(browser, provider, PICTURES, [notes.origin]);

test("from a third-party site to login, consent and back", LIMIT, async () => {
    const email = "mary@example.com";
    const screens = await open();
    const { page } = screens;
    await page.goto(notes.origin);
    await screens.picture("third-party-site");
    await page.click("#in");

    await screens.shows("Sign In");
    assert.strictEqual(new URL(page.url()).origin, provider.origin);
    await page.getByText("Sign Up", { exact: true }).first().click();
    await page.fill("[name=email]", email);
    await page.fill("[name=password]", PASSWORD);
    await screens.picture("third-party-login");
    await screens.press("SIGN UP");

    await screens.shows("Notes would like to:");
    await screens.shows("See your email address");
    await screens.picture("third-party-consent");
    await screens.press("Deny");
    await page.locator("#refused").waitFor();
    assert.strictEqual(new URL(page.url()).origin, notes.origin);

    // Signed in at the provider by now: it only asks.
    await page.click("#in");
    await screens.press("Allow");
    assert.strictEqual(await page.locator("#who").innerText(), email);
    await screens.picture("third-party-back");

    // Back and forward again: the code has been used.
    const used = page.url();
    await page.goto(notes.origin);
    const reply = await page.goto(used);
    assert.strictEqual(reply.status(), 500);
    assert.strictEqual(await page.locator("#who").count(), 0);
    await screens.close();
});

"use strict";
// A browser on the site: what the walk does on the SDK's screens, and pictures of them.

const assert = require("node:assert");
const { createHmac } = require("node:crypto");
const { chromium } = require("playwright-core");
const { BrowserPage } = require("./browser_page");

const PASSWORD = "correct horse 1";
const PERIOD_S = 30;

/** RFC 6238, the code of `steps` periods from now. */
function code(secret, steps = 0) {
    const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    const bits = [...secret.replace(/=+$/, "")].map((c) => alphabet.indexOf(c).toString(2).padStart(5, "0")).join("");
    const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
    const counter = Buffer.alloc(8);
    counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 1000 / PERIOD_S) + steps));
    const mac = createHmac("sha1", key).update(counter).digest();
    const number = mac.readUInt32BE(mac[19] & 15) & 0x7fffffff;
    return String(number % 1000000).padStart(6, "0");
}

class Screens extends BrowserPage {
    /** A browser without any cookies. `pictures`: the folder that screens are written to, or nothing; `others`: origins of other sites that are part of it. */
    static async open(browser, site, pictures, others = []) {
        const page = await BrowserPage.blank(browser, { width: 520, height: 640 }, [site.origin, ...others]);
        return new Screens(page, site, pictures);
    }

    constructor(page, site, pictures) {
        super(page, pictures);
        this.site = site;
    }

    async shows(text) {
        try {
            await this.page.getByText(text).first().waitFor();
        } catch {
            const box = this.page.locator("[data-supertokens~=container]").first();
            throw new Error(`not shown: "${text}"; instead: ${await box.innerText({ timeout: 1000 }).catch(() => "nothing")}`);
        }
    }

    /** The button with this name, in capitals or not. */
    async press(name) {
        await this.page.getByRole("button", { name: new RegExp(`^${name}$`, "i") }).click();
    }

    async passwordForm(kind, email) {
        await this.page.goto(`${this.site.origin}/auth?show=${kind}`);
        await this.page.fill("[name=email]", email);
        await this.page.fill("[name=password]", PASSWORD);
    }

    async signUp(email) {
        await this.passwordForm("signup", email);
        await this.picture("sign-up");
        await this.press("SIGN UP");
    }

    async signIn(email) {
        await this.passwordForm("signin", email);
        await this.press("SIGN IN");
    }

    /** Waits for the email, and opens the link in it. */
    async verifyEmail(email) {
        await this.shows("Verify your email!");
        const sent = await this.site.mailbox.take(email);
        assert.strictEqual((await this.me()).status, 403);
        await this.page.goto(sent.emailVerifyLink);
        await this.shows("Email verification successful!");
        await this.picture("verified");
        await this.press("CONTINUE");
    }

    /** What the site's backend says of the user. */
    async me() {
        return this.page.evaluate(async () => {
            const reply = await fetch("/api/me");
            return { status: reply.status, body: await reply.json() };
        });
    }

    /** Waits for the page of those who are signed in; the user's id. */
    async home() {
        await this.page.locator("#user").filter({ hasText: "-" }).waitFor();
        return this.page.locator("#user").innerText();
    }

    async signOut() {
        await this.page.click("#out");
        await this.page.locator("[name=email]").waitFor();
        assert.strictEqual((await this.me()).status, 401);
    }

    async enterCode(digits) {
        await this.page.fill("[name=totp]", digits);
        await this.press("CONTINUE");
    }
}

/** The passkeys of one browser, in a virtual authenticator of Chromium. */
class Passkeys {
    static async plugIn(screens) {
        const devtools = await screens.page.context().newCDPSession(screens.page);
        await devtools.send("WebAuthn.enable");
        const { authenticatorId } = await devtools.send("WebAuthn.addVirtualAuthenticator", {
            options: {
                protocol: "ctap2",
                transport: "internal",
                hasResidentKey: true,
                hasUserVerification: true,
                isUserVerified: true,
            },
        });
        return new Passkeys(devtools, authenticatorId);
    }

    constructor(devtools, authenticatorId) {
        Object.assign(this, { devtools, authenticatorId });
    }

    async list() {
        const { authenticatorId } = this;
        return (await this.devtools.send("WebAuthn.getCredentials", { authenticatorId })).credentials;
    }

    /** As if the key had been copied when it was new. */
    async setBack(credential) {
        const { authenticatorId } = this;
        await this.devtools.send("WebAuthn.removeCredential", { authenticatorId, credentialId: credential.credentialId });
        await this.devtools.send("WebAuthn.addCredential", { authenticatorId, credential: { ...credential, signCount: 0 } });
    }
}

function launch() {
    return chromium.launch({
        executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
        // Chromium's sandbox can't be used by root, and only this site is shown.
        args: ["--no-sandbox", "--disable-dev-shm-usage"],
    });
}

module.exports = { Passkeys, Screens, code, launch };

"use strict";
// The site: one page that the SDK's own screens are part of, and its backend. Both are on one origin.

const path = require("node:path");
const esbuild = require("esbuild");
const express = require("express");
const supertokens = require("supertokens-node");
const { errorHandler, middleware } = require("supertokens-node/framework/express");
const EmailPassword = require("supertokens-node/recipe/emailpassword");
const EmailVerification = require("supertokens-node/recipe/emailverification");
const MultiFactorAuth = require("supertokens-node/recipe/multifactorauth");
const Session = require("supertokens-node/recipe/session");
const { verifySession } = require("supertokens-node/recipe/session/framework/express");
const Totp = require("supertokens-node/recipe/totp");
const WebAuthn = require("supertokens-node/recipe/webauthn");

const HTML = '<!doctype html><meta charset="utf-8"><title>Site</title><div id="root"></div><script src="/page.js"></script>';

/** The emails that the site would have sent. */
class Mailbox {
    #kept = new Map();
    #waiting = new Map();

    put(email) {
        const address = email.user.email;
        const take = this.#waiting.get(address);
        this.#waiting.delete(address);
        take ? take(email) : this.#kept.set(address, email);
    }

    /** The newest to the address that nobody has taken, or else the next one. */
    take(address) {
        const email = this.#kept.get(address);
        this.#kept.delete(address);
        return email ?? new Promise((take) => this.#waiting.set(address, take));
    }
}

/** Whoever has added an authenticator app signs in with it from then on. */
function requireWhatWasAdded(original) {
    return {
        ...original,
        verifyDevicePOST: async (input) => {
            const reply = await original.verifyDevicePOST(input);
            if (reply.status === "OK") {
                await MultiFactorAuth.addToRequiredSecondaryFactorsForUser(input.session.getUserId(), "totp");
            }
            return reply;
        },
    };
}

function initialise(connectionURI, origin, mailbox) {
    supertokens.init({
        framework: "express",
        supertokens: { connectionURI, apiKey: process.env.GATEHOUSE_API_KEY || undefined },
        appInfo: { appName: "Site", apiDomain: origin, websiteDomain: origin, apiBasePath: "/api/auth" },
        telemetry: false,
        recipeList: [
            EmailPassword.init(),
            EmailVerification.init({
                mode: "REQUIRED",
                emailDelivery: {
                    override: (original) => ({
                        ...original,
                        sendEmail: async (input) => mailbox.put(input),
                    }),
                },
            }),
            MultiFactorAuth.init({ firstFactors: ["emailpassword", "webauthn"] }),
            Session.init(),
            Totp.init({ override: { apis: requireWhatWasAdded } }),
            WebAuthn.init(),
        ],
    });
}

function bundle() {
    const built = esbuild.buildSync({
        entryPoints: [path.join(__dirname, "page.jsx")],
        bundle: true,
        write: false,
        jsx: "automatic",
        define: { "process.env.NODE_ENV": '"production"' },
    });
    return built.outputFiles[0].text;
}

/** Starts the site on a free port of this machine. */
async function start(connectionURI) {
    const app = express();
    const listener = await new Promise((started) => {
        const one = app.listen(0, "localhost", () => started(one));
    });
    const origin = `http://localhost:${listener.address().port}`;
    const mailbox = new Mailbox();
    initialise(connectionURI, origin, mailbox);
    const script = bundle();
    app.use(middleware());
    // Only for users with a verified email who have passed all their factors: the recipes say so.
    app.get("/api/me", verifySession(), (request, response) => {
        response.json({ userId: request.session.getUserId() });
    });
    app.get("/page.js", (_request, response) => void response.type("js").send(script));
    app.use(errorHandler());
    app.get("*", (_request, response) => void response.type("html").send(HTML));
    return { origin, mailbox, close: () => listener.close() };
}

module.exports = { start };

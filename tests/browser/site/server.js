"use strict";
// The site: one page that the SDK's own screens are part of, and its backend. Both are on one origin.

const express = require("express");
const { middleware } = require("supertokens-node/framework/express");
const EmailPassword = require("supertokens-node/recipe/emailpassword");
const EmailVerification = require("supertokens-node/recipe/emailverification");
const MultiFactorAuth = require("supertokens-node/recipe/multifactorauth");
const Session = require("supertokens-node/recipe/session");
const { verifySession } = require("supertokens-node/recipe/session/framework/express");
const Totp = require("supertokens-node/recipe/totp");
const WebAuthn = require("supertokens-node/recipe/webauthn");
const { initialise, listen, servePage } = require("../backend");

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

function recipes(mailbox) {
    return [
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
    ];
}

/** Starts the site on a free port of this machine. */
async function start(connectionURI) {
    const app = express();
    const { origin, close } = await listen(app);
    const mailbox = new Mailbox();
    initialise(connectionURI, origin, recipes(mailbox));
    app.use(middleware());
    // Only for users with a verified email who have passed all their factors: the recipes say so.
    app.get("/api/me", verifySession(), (request, response) => {
        response.json({ userId: request.session.getUserId() });
    });
    servePage(app, __dirname);
    return { origin, mailbox, close };
}

module.exports = { start };

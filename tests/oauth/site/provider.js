"use strict";
// An application that is an OAuth 2 provider by the SDK's recipe, as its documentation has it, and a browser of one of its users.

const express = require("express");
const supertokens = require("supertokens-node");
const { errorHandler, middleware } = require("supertokens-node/framework/express");
const EmailPassword = require("supertokens-node/recipe/emailpassword");
const OAuth2Provider = require("supertokens-node/recipe/oauth2provider");
const Session = require("supertokens-node/recipe/session");

const CALLBACK = "https://rp.example.com/cb";
const AFTER_LOGOUT = "https://rp.example.com/bye";
const AUDIENCE = "https://api.example.com";
const MAX_STEPS = 20;

function initialise(connectionURI, origin) {
    supertokens.init({
        framework: "express",
        supertokens: { connectionURI, apiKey: process.env.GATEHOUSE_API_KEY || undefined },
        appInfo: { appName: "Provider", apiDomain: origin, websiteDomain: origin, apiBasePath: "/auth", websiteBasePath: "/site" },
        telemetry: false,
        recipeList: [EmailPassword.init(), OAuth2Provider.init(), Session.init()],
    });
}

async function createClient(settings) {
    const made = await OAuth2Provider.createOAuth2Client({ redirectUris: [CALLBACK], postLogoutRedirectUris: [AFTER_LOGOUT], ...settings });
    if (made.status !== "OK") throw new Error(JSON.stringify(made));
    return { id: made.client.clientId, secret: made.client.clientSecret };
}

async function createClients() {
    const code = { grantTypes: ["authorization_code", "refresh_token"], responseTypes: ["code"], scope: "openid offline_access email" };
    return {
        basic: await createClient({ ...code, tokenEndpointAuthMethod: "client_secret_basic", enableRefreshTokenRotation: true }),
        post: await createClient({ ...code, tokenEndpointAuthMethod: "client_secret_post" }),
        public: await createClient({ ...code, tokenEndpointAuthMethod: "none", enableRefreshTokenRotation: true }),
        machine: await createClient({ grantTypes: ["client_credentials"], responseTypes: [], scope: "read write", audience: [AUDIENCE] }),
        hybrid: await createClient({
            ...code, grantTypes: [...code.grantTypes, "implicit"], responseTypes: ["code id_token", "id_token", "id_token token"], tokenEndpointAuthMethod: "client_secret_post",
        }),
    };
}

/** A browser with one user's session: it goes where it is sent, does what the SDK's pages do, and stops at what is not the provider's. */
class Browser {
    #cookies = new Map();
    #origin;

    constructor(origin) {
        this.#origin = origin;
    }

    async #fetch(address, options = {}) {
        const cookie = [...this.#cookies].map((one) => one.join("=")).join("; ");
        const reply = await fetch(address, { ...options, redirect: "manual", headers: { ...options.headers, cookie, "st-auth-mode": "cookie" } });
        for (const line of reply.headers.getSetCookie()) {
            const [pair, ...attributes] = line.split(";");
            const at = pair.indexOf("=");
            const expires = attributes.map((one) => /^\s*expires=(.*)$/i.exec(one)?.[1]).find(Boolean);
            if (expires && new Date(expires) < new Date()) this.#cookies.delete(pair.slice(0, at));
            else this.#cookies.set(pair.slice(0, at), pair.slice(at + 1));
        }
        return reply;
    }

    async #post(path, body) {
        const reply = await this.#fetch(this.#origin + path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
        if (reply.status !== 200) throw new Error(`${path}: ${reply.status} ${await reply.text()}`);
        return reply.json();
    }

    async signUp(email) {
        const formFields = [{ id: "email", value: email }, { id: "password", value: "correct horse 1" }];
        const reply = await this.#post("/auth/signup", { formFields });
        if (reply.status !== "OK") throw new Error(JSON.stringify(reply));
        return reply.user.id;
    }

    /** Where it comes out; what the provider's own page says if it stays there. */
    async visit(address) {
        for (let step = 0; step < MAX_STEPS; ++step) {
            const at = new URL(address);
            if (at.origin !== this.#origin) return { address };
            if (at.pathname.startsWith("/site")) {
                if (at.searchParams.has("loginChallenge")) {
                    const reply = await this.#fetch(`${this.#origin}/auth/oauth/login?loginChallenge=${encodeURIComponent(at.searchParams.get("loginChallenge"))}`);
                    address = (await reply.json()).frontendRedirectTo;
                } else if (at.searchParams.has("logoutChallenge")) {
                    address = (await this.#post("/auth/oauth/logout", { logoutChallenge: at.searchParams.get("logoutChallenge") })).frontendRedirectTo;
                } else {
                    return { address };
                }
                continue;
            }
            const reply = await this.#fetch(address);
            if (reply.status !== 302) return { status: reply.status, body: await reply.text() };
            address = new URL(reply.headers.get("location"), address).href;
        }
        throw new Error("the browser is sent round in circles");
    }
}

/** Starts the provider on a free port of this machine. Relying parties read what they need from /parties, and send the user's browser by POST /browser {address}. */
async function start(connectionURI) {
    const app = express();
    const listener = await new Promise((started) => {
        const one = app.listen(0, "127.0.0.1", () => started(one));
    });
    const origin = `http://127.0.0.1:${listener.address().port}`;
    initialise(connectionURI, origin);
    const clients = await createClients();
    let users = 0;
    app.use(middleware());
    app.use(errorHandler());
    app.get("/parties", (_request, response) => {
        response.json({ issuer: `${origin}/auth`, callback: CALLBACK, after_logout: AFTER_LOGOUT, audience: AUDIENCE, clients });
    });
    const browsers = new Map();
    // A new user, who is signed in at the provider.
    app.post("/browser/new", async (_request, response, next) => {
        try {
            const browser = new Browser(origin);
            const email = `user${++users}@example.com`;
            const id = await browser.signUp(email);
            browsers.set(id, browser);
            response.json({ user: id, email });
        } catch (error) {
            next(error);
        }
    });
    app.post("/browser/:user", express.json(), async (request, response, next) => {
        try {
            response.json(await browsers.get(request.params.user).visit(request.body.address));
        } catch (error) {
            next(error);
        }
    });
    return { origin, close: () => listener.close() };
}

module.exports = { start };

if (require.main === module) {
    start(process.env.GATEHOUSE_URL).then(
        ({ origin }) => console.log(origin),
        (error) => {
            console.error(error);
            process.exit(1);
        },
    );
}

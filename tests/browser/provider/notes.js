"use strict";
// Somebody else's site, which people sign in to with the provider: plain OpenID Connect, without any SDK.

const { createHash, randomBytes } = require("node:crypto");
const express = require("express");

const random = () => randomBytes(32).toString("base64url");

function page(content) {
    return `<!doctype html><meta charset="utf-8"><title>Notes</title><main style="font-family: sans-serif; margin: 40px; color: #245"><h1>Notes</h1>${content}</main>`;
}

/** Starts the site at 127.0.0.1, which is another site than the provider's localhost. */
async function start(provider) {
    const app = express();
    const listener = await new Promise((started) => {
        const one = app.listen(0, "127.0.0.1", () => started(one));
    });
    const origin = `http://127.0.0.1:${listener.address().port}`;
    const redirect_uri = `${origin}/callback`;
    const client = await provider.register({
        clientName: "Notes", redirectUris: [redirect_uri], grantTypes: ["authorization_code", "refresh_token"], responseTypes: ["code"],
        scope: "openid email offline_access", tokenEndpointAuthMethod: "client_secret_post",
    });
    const metadata = await (await fetch(`${provider.issuer}/.well-known/openid-configuration`)).json();
    const begun = new Map();
    app.get("/", (_request, response) => void response.type("html").send(page('<p>Somewhere to write things down.</p><a id="in" href="/login">Sign in with Provider</a>')));
    app.get("/login", (_request, response) => {
        const state = random();
        const verifier = random();
        begun.set(state, verifier);
        response.redirect(`${metadata.authorization_endpoint}?${new URLSearchParams({
            client_id: client.clientId, redirect_uri, response_type: "code", scope: "openid email offline_access", state,
            code_challenge: createHash("sha256").update(verifier).digest("base64url"), code_challenge_method: "S256",
        })}`);
    });
    app.get("/callback", async (request, response, next) => {
        try {
            const { code, error, iss, state } = request.query;
            const verifier = begun.get(state);
            begun.delete(state);
            // Another provider's answer, or to a request that this site has not made.
            if (verifier === undefined || iss !== metadata.issuer) throw new Error("an answer that nobody asked for");
            if (error) {
                response.type("html").send(page(`<p id="refused">You are not signed in: ${error === "access_denied" ? "you did not allow it" : "something went wrong"}.</p><a id="in" href="/login">Sign in with Provider</a>`));
                return;
            }
            const body = new URLSearchParams({ grant_type: "authorization_code", code, redirect_uri, code_verifier: verifier, client_id: client.clientId, client_secret: client.clientSecret });
            const tokens = await (await fetch(metadata.token_endpoint, { method: "POST", body })).json();
            const about = await (await fetch(metadata.userinfo_endpoint, { headers: { authorization: `Bearer ${tokens.access_token}` } })).json();
            response.type("html").send(page(`<p>Welcome, <b id="who">${String(about.email).replace(/[^\w@.+-]/g, "")}</b>. You have no notes yet.</p>`));
        } catch (error) {
            next(error);
        }
    });
    return { origin, close: () => listener.close() };
}

module.exports = { start };

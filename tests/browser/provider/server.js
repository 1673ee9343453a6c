"use strict";
// A site that other sites sign in with: the SDK's OAuth2Provider recipe, and a page that asks the user, which the SDK leaves out.

const express = require("express");
const supertokens = require("supertokens-node");
const { middleware } = require("supertokens-node/framework/express");
const EmailPassword = require("supertokens-node/recipe/emailpassword");
const OAuth2Provider = require("supertokens-node/recipe/oauth2provider");
const Session = require("supertokens-node/recipe/session");
const { initialise, listen, servePage } = require("../backend");

const CONSENT = "/api/auth/oauth/consent";
const WORDS = { email: "See your email address", offline_access: "Stay signed in", openid: "Know who you are" };

let recipe;

/** The SDK would consent for the user: without a session it leaves that to a page. */
function askTheUser(original) {
    recipe = original;
    return { ...original, authorization: (input) => original.authorization({ ...input, session: undefined }) };
}

const escape = (text) => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

function consentPage({ client, requestedScope, challenge }) {
    const wishes = requestedScope.map((scope) => `<li>${escape(WORDS[scope] ?? scope)}</li>`).join("");
    return `<!doctype html><meta charset="utf-8"><title>Allow?</title><main style="font-family: sans-serif; margin: 40px">
<h1>${escape(client.clientName)} would like to:</h1><ul>${wishes}</ul>
<form method="post" action="${CONSENT}"><input type="hidden" name="challenge" value="${escape(challenge)}">
<button name="answer" value="yes">Allow</button> <button name="answer" value="no">Deny</button></form></main>`;
}

/** What the user has answered; where the browser goes on. */
async function decide(session, { challenge, answer }) {
    const userContext = {};
    if (answer !== "yes") {
        const error = { status: "ERROR", error: "access_denied", errorDescription: "The user said no." };
        return (await recipe.rejectConsentRequest({ challenge, error, userContext })).redirectTo;
    }
    const request = await recipe.getConsentRequest({ challenge, userContext });
    if (request.subject !== session.getUserId()) throw new Error("another user's request");
    const user = await supertokens.getUser(session.getUserId());
    const about = { user, client: request.client, sessionHandle: session.getHandle(), scopes: request.requestedScope, userContext };
    const accepted = await recipe.acceptConsentRequest({
        challenge,
        grantAccessTokenAudience: request.requestedAccessTokenAudience,
        grantScope: request.requestedScope,
        tenantId: session.getTenantId(),
        rsub: session.getRecipeUserId().getAsString(),
        sessionHandle: session.getHandle(),
        initialAccessTokenPayload: await recipe.buildAccessTokenPayload(about),
        initialIdTokenPayload: await recipe.buildIdTokenPayload(about),
        userContext,
    });
    return accepted.redirectTo;
}

/** Starts the provider on a free port of this machine. */
async function start(connectionURI) {
    const app = express();
    const { origin, close } = await listen(app);
    const recipes = [EmailPassword.init(), OAuth2Provider.init({ override: { functions: askTheUser } }), Session.init()];
    initialise(connectionURI, origin, recipes, { appName: "Provider" });
    app.use(middleware());
    app.get(CONSENT, async (request, response, next) => {
        try {
            await Session.getSession(request, response);
            const consent = await recipe.getConsentRequest({ challenge: String(request.query.consent_challenge), userContext: {} });
            response.type("html").send(consentPage(consent));
        } catch (error) {
            next(error);
        }
    });
    app.post(CONSENT, express.urlencoded({ extended: false }), async (request, response, next) => {
        try {
            response.redirect(await decide(await Session.getSession(request, response), request.body));
        } catch (error) {
            next(error);
        }
    });
    servePage(app, __dirname, "Provider");
    const register = async (settings) => (await OAuth2Provider.createOAuth2Client(settings)).client;
    return { origin, issuer: `${origin}/api/auth`, register, close };
}

module.exports = { start };

"use strict";
// A site whose users sign in through their company's identity provider: the SDK's SAML and ThirdParty recipes, on one origin with the page.

const { readFileSync } = require("node:fs");
const express = require("express");
const supertokens = require("supertokens-node");
const { middleware } = require("supertokens-node/framework/express");
const SAML = require("supertokens-node/recipe/saml");
const Session = require("supertokens-node/recipe/session");
const { verifySession } = require("supertokens-node/recipe/session/framework/express");
const ThirdParty = require("supertokens-node/recipe/thirdparty");
const { initialise, listen, servePage } = require("../backend");

const CLIENT = "acme";
const TENANT = "public";

const RECIPES = [
    SAML.init(),
    Session.init(),
    ThirdParty.init({
        signInAndUpFeature: { providers: [{ config: { thirdPartyId: "saml", name: "Acme", clients: [{ clientId: CLIENT }] } }] },
    }),
];

/** Ends a login that began at the provider. The SDK's screens know only those that they began. */
async function started(request, response) {
    const user = await SAML.getUserInfo({ tenantId: TENANT, clientId: CLIENT, accessToken: String(request.body.code) });
    if (user.status !== "OK") {
        return response.status(401).send(user.status);
    }
    const made = await ThirdParty.manuallyCreateOrUpdateUser(TENANT, "saml", user.sub, user.email, true);
    await Session.createNewSession(request, response, TENANT, made.recipeUserId);
    return response.json({});
}

/** Starts the site on that port of this machine, which the provider knows. `metadata`: the file with the provider's. */
async function start(connectionURI, port, metadata) {
    const app = express();
    const { origin, close } = await listen(app, port);
    initialise(connectionURI, origin, RECIPES);
    const client = await SAML.createOrUpdateClient({
        tenantId: TENANT,
        clientId: CLIENT,
        redirectURIs: [`${origin}/auth/callback/saml`],
        defaultRedirectURI: `${origin}/started`,
        metadataXML: readFileSync(metadata).toString("base64"),
        allowIDPInitiatedLogin: true,
        enableRequestSigning: false,
    });
    if (client.status !== "OK") throw new Error(client.status);
    app.use(middleware());
    app.get("/api/me", verifySession(), async (request, response) => {
        const user = await supertokens.getUser(request.session.getUserId());
        response.json({ userId: user.id, emails: user.emails, thirdParty: user.thirdParty });
    });
    app.post("/api/started", express.json(), (request, response, next) => void started(request, response).catch(next));
    servePage(app, __dirname);
    return { origin, close };
}

module.exports = { start };

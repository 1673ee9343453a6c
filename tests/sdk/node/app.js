"use strict";
// A small application: express, supertokens-node, and one protected page.

const express = require("express");
const supertokens = require("supertokens-node");
const { errorHandler, middleware } = require("supertokens-node/framework/express");
const { verifySession } = require("supertokens-node/recipe/session/framework/express");
const Dashboard = require("supertokens-node/recipe/dashboard");
const EmailPassword = require("supertokens-node/recipe/emailpassword");
const Multitenancy = require("supertokens-node/recipe/multitenancy");
const Session = require("supertokens-node/recipe/session");
const ThirdParty = require("supertokens-node/recipe/thirdparty");
const UserMetadata = require("supertokens-node/recipe/usermetadata");
const UserRoles = require("supertokens-node/recipe/userroles");

/** The links of the password-reset emails that would have been sent. */
const resetLinks = [];

function oidcProvider(thirdPartyId, oidcUrl) {
    return {
        thirdPartyId,
        name: "Local",
        oidcDiscoveryEndpoint: `${oidcUrl}/.well-known/openid-configuration`,
        clients: [{ clientId: "walk-client", clientSecret: "walk-secret", scope: ["openid", "email"] }],
    };
}

function initialise(connectionURI, oidcUrl) {
    supertokens.init({
        framework: "express",
        supertokens: { connectionURI, apiKey: process.env.GATEHOUSE_API_KEY || undefined },
        appInfo: {
            appName: "Walk",
            apiDomain: "http://127.0.0.1",
            websiteDomain: "http://127.0.0.1",
            apiBasePath: "/auth",
        },
        telemetry: false,
        recipeList: [
            EmailPassword.init({
                emailDelivery: {
                    override: (original) => ({
                        ...original,
                        sendEmail: async (input) => void resetLinks.push(input.passwordResetLink),
                    }),
                },
            }),
            ThirdParty.init({
                signInAndUpFeature: { providers: [{ config: oidcProvider("local", oidcUrl) }] },
            }),
            Session.init({ antiCsrf: "VIA_TOKEN" }),
            Multitenancy.init(),
            UserMetadata.init(),
            UserRoles.init(),
            Dashboard.init(),
        ],
    });
}

function application() {
    const app = express();
    app.use(middleware());
    app.post("/protected", verifySession(), (request, response) => {
        response.json({
            handle: request.session.getHandle(),
            userId: request.session.getUserId(),
            payload: request.session.getAccessTokenPayload(),
        });
    });
    app.use(errorHandler());
    // Express takes an error handler by its four parameters.
    app.use((error, _request, response, _next) => {
        response.status(500).json({ error: error.message });
    });
    return app;
}

module.exports = { application, initialise, oidcProvider, resetLinks };

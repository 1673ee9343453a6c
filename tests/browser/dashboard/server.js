"use strict";
// The backend of a site whose users are managed in the user dashboard.

const express = require("express");
const { errorHandler, middleware } = require("supertokens-node/framework/express");
const AccountLinking = require("supertokens-node/recipe/accountlinking");
const Dashboard = require("supertokens-node/recipe/dashboard");
const EmailPassword = require("supertokens-node/recipe/emailpassword");
const EmailVerification = require("supertokens-node/recipe/emailverification");
const MultiFactorAuth = require("supertokens-node/recipe/multifactorauth");
const Multitenancy = require("supertokens-node/recipe/multitenancy");
const Passwordless = require("supertokens-node/recipe/passwordless");
const Session = require("supertokens-node/recipe/session");
const ThirdParty = require("supertokens-node/recipe/thirdparty");
const Totp = require("supertokens-node/recipe/totp");
const UserMetadata = require("supertokens-node/recipe/usermetadata");
const UserRoles = require("supertokens-node/recipe/userroles");
const { initialise, listen } = require("../backend");

const RECIPES = [
    AccountLinking.init({
        shouldDoAutomaticAccountLinking: async () => ({ shouldAutomaticallyLink: false }),
    }),
    Dashboard.init(),
    EmailPassword.init(),
    EmailVerification.init({ mode: "OPTIONAL" }),
    MultiFactorAuth.init(),
    Multitenancy.init(),
    Passwordless.init({ contactMethod: "EMAIL_OR_PHONE", flowType: "USER_INPUT_CODE" }),
    Session.init(),
    ThirdParty.init(),
    Totp.init(),
    UserMetadata.init(),
    UserRoles.init(),
];

/** Starts it on a free port of this machine. The dashboard is at /auth/dashboard. */
async function start(connectionURI) {
    const app = express();
    const { origin, close } = await listen(app);
    // The SDK's own base path: the dashboard is below it.
    initialise(connectionURI, origin, RECIPES, { apiBasePath: "/auth" });
    app.use(middleware());
    app.use(errorHandler());
    return { origin, close };
}

module.exports = { start };

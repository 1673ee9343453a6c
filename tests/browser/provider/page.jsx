// The provider's page: the SDK's sign-in, which goes on with an OAuth 2 login where one has begun.

import { createRoot } from "react-dom/client";
import SuperTokens, { SuperTokensWrapper } from "supertokens-auth-react";
import EmailPassword from "supertokens-auth-react/recipe/emailpassword";
import { EmailPasswordPreBuiltUI } from "supertokens-auth-react/recipe/emailpassword/prebuiltui";
import OAuth2Provider from "supertokens-auth-react/recipe/oauth2provider";
import { OAuth2ProviderPreBuiltUI } from "supertokens-auth-react/recipe/oauth2provider/prebuiltui";
import Session from "supertokens-auth-react/recipe/session";
import { canHandleRoute, getRoutingComponent } from "supertokens-auth-react/ui";

const SCREENS = [EmailPasswordPreBuiltUI, OAuth2ProviderPreBuiltUI];

SuperTokens.init({
    appInfo: {
        appName: "Provider",
        apiDomain: location.origin,
        websiteDomain: location.origin,
        apiBasePath: "/api/auth",
        websiteBasePath: "/auth",
    },
    // A web font would come from elsewhere.
    style: '[data-supertokens~="container"] { --font-family: sans-serif; font-family: sans-serif; }',
    recipeList: [EmailPassword.init(), OAuth2Provider.init(), Session.init()],
});

createRoot(document.getElementById("root")).render(
    <SuperTokensWrapper>{canHandleRoute(SCREENS) ? getRoutingComponent(SCREENS) : <p>Provider</p>}</SuperTokensWrapper>,
);

// The page: the SDK's screens under /auth, and a home for those who are signed in.

import { useEffect, useState } from "react";
import { createRoot } from "react-dom/client";
import SuperTokens, { SuperTokensWrapper } from "supertokens-auth-react";
import EmailPassword from "supertokens-auth-react/recipe/emailpassword";
import { EmailPasswordPreBuiltUI } from "supertokens-auth-react/recipe/emailpassword/prebuiltui";
import EmailVerification from "supertokens-auth-react/recipe/emailverification";
import { EmailVerificationPreBuiltUI } from "supertokens-auth-react/recipe/emailverification/prebuiltui";
import MultiFactorAuth from "supertokens-auth-react/recipe/multifactorauth";
import { MultiFactorAuthPreBuiltUI } from "supertokens-auth-react/recipe/multifactorauth/prebuiltui";
import Session, { SessionAuth } from "supertokens-auth-react/recipe/session";
import Totp from "supertokens-auth-react/recipe/totp";
import { TOTPPreBuiltUI } from "supertokens-auth-react/recipe/totp/prebuiltui";
import WebAuthn from "supertokens-auth-react/recipe/webauthn";
import { WebauthnPreBuiltUI } from "supertokens-auth-react/recipe/webauthn/prebuiltui";
import { canHandleRoute, getRoutingComponent } from "supertokens-auth-react/ui";

const SCREENS = [
    EmailPasswordPreBuiltUI,
    EmailVerificationPreBuiltUI,
    MultiFactorAuthPreBuiltUI,
    TOTPPreBuiltUI,
    WebauthnPreBuiltUI,
];

SuperTokens.init({
    appInfo: {
        appName: "Site",
        apiDomain: location.origin,
        websiteDomain: location.origin,
        apiBasePath: "/api/auth",
        websiteBasePath: "/auth",
    },
    // A web font would come from elsewhere.
    style: '[data-supertokens~="container"] { --font-family: sans-serif; font-family: sans-serif; }',
    recipeList: [
        EmailPassword.init(),
        EmailVerification.init({ mode: "REQUIRED" }),
        MultiFactorAuth.init({ firstFactors: ["emailpassword", "webauthn"] }),
        Session.init(),
        Totp.init(),
        WebAuthn.init(),
    ],
});

function Home() {
    const [user, setUser] = useState();
    useEffect(() => {
        fetch("/api/me").then(async (reply) => setUser(reply.ok ? (await reply.json()).userId : `${reply.status}`));
    }, []);
    return (
        <main style={{ fontFamily: "sans-serif", margin: "40px" }}>
            <h1>Welcome</h1>
            <p>
                You are <code id="user">{user}</code>
            </p>
            <button id="add" onClick={() => MultiFactorAuth.redirectToFactor({ factorId: "totp", forceSetup: true })}>
                Add an authenticator app
            </button>{" "}
            <button id="out" onClick={() => Session.signOut().then(() => location.assign("/auth"))}>
                Sign out
            </button>
        </main>
    );
}

const Page = () => (canHandleRoute(SCREENS) ? getRoutingComponent(SCREENS) : <SessionAuth><Home /></SessionAuth>);

createRoot(document.getElementById("root")).render(
    <SuperTokensWrapper>
        <Page />
    </SuperTokensWrapper>
);

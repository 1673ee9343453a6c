// The page: the SDK's screens under /auth, and a home for those who are signed in.

import { useEffect, useState } from "react";
import { createRoot } from "react-dom/client";
import SuperTokens, { SuperTokensWrapper } from "supertokens-auth-react";
import Session, { SessionAuth } from "supertokens-auth-react/recipe/session";
import ThirdParty from "supertokens-auth-react/recipe/thirdparty";
import { ThirdPartyPreBuiltUI } from "supertokens-auth-react/recipe/thirdparty/prebuiltui";
import { canHandleRoute, getRoutingComponent } from "supertokens-auth-react/ui";

const SCREENS = [ThirdPartyPreBuiltUI];

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
        Session.init(),
        ThirdParty.init({ signInAndUpFeature: { providers: [{ id: "saml", name: "Acme" }] } }),
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
            <button id="out" onClick={() => Session.signOut().then(() => location.assign("/auth"))}>
                Sign out
            </button>
        </main>
    );
}

/** Where browsers arrive when the login began at the provider. */
function Started() {
    useEffect(() => {
        const code = new URLSearchParams(location.search).get("code");
        const headers = { "content-type": "application/json" };
        fetch("/api/started", { method: "POST", headers, body: JSON.stringify({ code }) }).then(() => location.replace("/"));
    }, []);
    return <p>One moment</p>;
}

function Page() {
    if (canHandleRoute(SCREENS)) {
        return getRoutingComponent(SCREENS);
    }
    return location.pathname === "/started" ? <Started /> : <SessionAuth><Home /></SessionAuth>;
}

createRoot(document.getElementById("root")).render(
    <SuperTokensWrapper>
        <Page />
    </SuperTokensWrapper>
);

// What the pages of the small sites have in common: the SDK's screens under /auth, and a home for those who are signed in.

import { useEffect, useState } from "react";
import { createRoot } from "react-dom/client";
import SuperTokens, { SuperTokensWrapper } from "supertokens-auth-react";
import Session from "supertokens-auth-react/recipe/session";
import { canHandleRoute, getRoutingComponent } from "supertokens-auth-react/ui";

export function initialise(recipeList, appName = "Site") {
    SuperTokens.init({
        appInfo: {
            appName,
            apiDomain: location.origin,
            websiteDomain: location.origin,
            apiBasePath: "/api/auth",
            websiteBasePath: "/auth",
        },
        // A web font would come from elsewhere.
        style: '[data-supertokens~="container"] { --font-family: sans-serif; font-family: sans-serif; }',
        recipeList,
    });
}

/** `children`: what else can be done there. */
export function Home({ children }) {
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
            {children}
            <button id="out" onClick={() => Session.signOut().then(() => location.assign("/auth"))}>
                Sign out
            </button>
        </main>
    );
}

/** Shows one of the SDK's screens where the address is one's, else `page`. */
export function show(screens, page) {
    createRoot(document.getElementById("root")).render(
        <SuperTokensWrapper>{canHandleRoute(screens) ? getRoutingComponent(screens) : page}</SuperTokensWrapper>,
    );
}

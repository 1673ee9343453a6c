// The page: the SDK's screens with the company's button, a home, and where a login arrives that began at the provider.

import { useEffect } from "react";
import Session, { SessionAuth } from "supertokens-auth-react/recipe/session";
import ThirdParty from "supertokens-auth-react/recipe/thirdparty";
import { ThirdPartyPreBuiltUI } from "supertokens-auth-react/recipe/thirdparty/prebuiltui";
import { Home, initialise, show } from "../frontend";

initialise([
    Session.init(),
    ThirdParty.init({ signInAndUpFeature: { providers: [{ id: "saml", name: "Acme" }] } }),
]);

/** Where browsers arrive when the login began at the provider. */
function Started() {
    useEffect(() => {
        const code = new URLSearchParams(location.search).get("code");
        const headers = { "content-type": "application/json" };
        fetch("/api/started", { method: "POST", headers, body: JSON.stringify({ code }) }).then(() => location.replace("/"));
    }, []);
    return <p>One moment</p>;
}

show([ThirdPartyPreBuiltUI], location.pathname === "/started" ? <Started /> : <SessionAuth><Home /></SessionAuth>);

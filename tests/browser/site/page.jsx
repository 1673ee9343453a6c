// The page: the SDK's screens, and a home from which an authenticator app can be added.

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
import { Home, initialise, show } from "../frontend";

const SCREENS = [
    EmailPasswordPreBuiltUI,
    EmailVerificationPreBuiltUI,
    MultiFactorAuthPreBuiltUI,
    TOTPPreBuiltUI,
    WebauthnPreBuiltUI,
];

initialise([
    EmailPassword.init(),
    EmailVerification.init({ mode: "REQUIRED" }),
    MultiFactorAuth.init({ firstFactors: ["emailpassword", "webauthn"] }),
    Session.init(),
    Totp.init(),
    WebAuthn.init(),
]);

const addApp = () => MultiFactorAuth.redirectToFactor({ factorId: "totp", forceSetup: true });

show(
    SCREENS,
    <SessionAuth>
        <Home>
            <button id="add" onClick={addApp}>
                Add an authenticator app
            </button>{" "}
        </Home>
    </SessionAuth>,
);

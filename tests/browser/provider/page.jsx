// The provider's page: the SDK's sign-in, which goes on with an OAuth 2 login where one has begun.

import EmailPassword from "supertokens-auth-react/recipe/emailpassword";
import { EmailPasswordPreBuiltUI } from "supertokens-auth-react/recipe/emailpassword/prebuiltui";
import OAuth2Provider from "supertokens-auth-react/recipe/oauth2provider";
import { OAuth2ProviderPreBuiltUI } from "supertokens-auth-react/recipe/oauth2provider/prebuiltui";
import Session from "supertokens-auth-react/recipe/session";
import { initialise, show } from "../frontend";

initialise([EmailPassword.init(), OAuth2Provider.init(), Session.init()], "Provider");
show([EmailPasswordPreBuiltUI, OAuth2ProviderPreBuiltUI], <p>Provider</p>);

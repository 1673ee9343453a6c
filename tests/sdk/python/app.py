"""A small application: Flask, supertokens-python, and one protected page."""
import os

from flask import Flask, g, jsonify
from supertokens_python import InputAppInfo, SupertokensConfig, init
from supertokens_python.framework.flask import Middleware
from supertokens_python.ingredients.emaildelivery.types import EmailDeliveryConfig
from supertokens_python.recipe import emailpassword, session, thirdparty, userroles
from supertokens_python.recipe.session.framework.flask import verify_session
from supertokens_python.recipe.thirdparty.provider import (
    ProviderClientConfig,
    ProviderConfig,
    ProviderInput,
)

# The links of the password-reset emails that would have been sent.
reset_links = []


def _keep_instead_of_sending(original):
    async def send_email(template_vars, user_context):
        reset_links.append(template_vars.password_reset_link)

    original.send_email = send_email
    return original


def create(connection_uri, oidc_url):
    init(
        app_info=InputAppInfo(
            app_name="Walk",
            api_domain="http://127.0.0.1",
            website_domain="http://127.0.0.1",
            api_base_path="/auth",
        ),
        framework="flask",
        supertokens_config=SupertokensConfig(
            connection_uri, api_key=os.environ.get("GATEHOUSE_API_KEY") or None
        ),
        telemetry=False,
        recipe_list=[
            emailpassword.init(email_delivery=EmailDeliveryConfig(override=_keep_instead_of_sending)),
            thirdparty.init(thirdparty.SignInAndUpFeature([_oidc_provider(oidc_url)])),
            session.init(anti_csrf="VIA_TOKEN"),
            userroles.init(),
        ],
    )
    app = Flask("walk")
    Middleware(app)

    @app.post("/protected")
    @verify_session()
    def protected():
        return jsonify(
            handle=g.supertokens.get_handle(),
            userId=g.supertokens.get_user_id(),
            payload=g.supertokens.get_access_token_payload(),
        )

    return app


def _oidc_provider(oidc_url):
    return ProviderInput(
        ProviderConfig(
            third_party_id="local",
            name="Local",
            oidc_discovery_endpoint=oidc_url + "/.well-known/openid-configuration",
            clients=[ProviderClientConfig("walk-client", "walk-secret", scope=["openid", "email"])],
        )
    )

"""supertokens-python 0.15 (CDI 3.0), behind Flask."""
import os
from uuid import uuid4

import pytest
from browser import Browser, form_fields
from flask import Flask, g, jsonify
from supertokens_python import InputAppInfo, SupertokensConfig, init
from supertokens_python.framework.flask import Middleware
from supertokens_python.recipe import emailpassword, session
from supertokens_python.recipe.emailpassword.syncio import get_user_by_id
from supertokens_python.recipe.session import syncio as sessions
from supertokens_python.recipe.session.framework.flask import verify_session

PASSWORD = "correct horse 1"


@pytest.fixture(scope="session")
def application():
    init(
        app_info=InputAppInfo(
            app_name="Walk",
            api_domain="http://127.0.0.1",
            website_domain="http://127.0.0.1",
            api_base_path="/auth",
        ),
        framework="flask",
        supertokens_config=SupertokensConfig(
            os.environ["GATEHOUSE_URL"], api_key=os.environ.get("GATEHOUSE_API_KEY") or None
        ),
        telemetry=False,
        recipe_list=[emailpassword.init(), session.init(anti_csrf="VIA_TOKEN")],
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


@pytest.fixture(params=["cookie", "header"])
def browser(application, request):
    return Browser(application, request.param)


def signed_up(browser):
    email = f"old-{uuid4()}@walk.example"
    reply = browser.post("/auth/signup", form_fields(email=email, password=PASSWORD))
    assert (reply.status, reply.body["status"]) == (200, "OK")
    assert browser.signed_in
    return email, reply.body["user"]


def test_signs_up_in_and_out(browser):
    email, user = signed_up(browser)
    assert browser.post("/protected").body["userId"] == user["id"]
    taken = browser.copy().post("/auth/signup", form_fields(email=email, password=PASSWORD))
    assert taken.body["status"] == "FIELD_ERROR"
    before = browser.copy()
    assert browser.post("/auth/signout").body == {"status": "OK"}
    assert not browser.signed_in
    assert browser.post("/protected").status == 401
    assert before.post("/auth/session/refresh").status == 401
    wrong = browser.post("/auth/signin", form_fields(email=email, password="wrong horse 1"))
    assert wrong.body["status"] == "WRONG_CREDENTIALS_ERROR"
    right = browser.post("/auth/signin", form_fields(email=email, password=PASSWORD))
    assert right.body["status"] == "OK"
    assert browser.post("/protected").body["userId"] == user["id"]


def test_refreshes_and_revokes_the_session_of_a_stolen_token(browser):
    signed_up(browser)
    handle = browser.post("/protected").body["handle"]
    thief = browser.copy()
    assert browser.post("/auth/session/refresh").status == 200
    assert browser.post("/protected").body["handle"] == handle
    theft = thief.post("/auth/session/refresh")
    assert (theft.status, theft.body) == (401, {"message": "token theft detected"})
    assert sessions.get_session_information(handle) is None
    assert browser.post("/auth/session/refresh").status == 401


def test_changes_and_lists_sessions_by_function(browser):
    email, user = signed_up(browser)
    handle = browser.post("/protected").body["handle"]
    assert get_user_by_id(user["id"]).email == email
    assert sessions.get_all_session_handles_for_user(user["id"]) == [handle]
    assert sessions.update_session_data_in_database(handle, {"secret": 7}) is True
    assert sessions.get_session_information(handle).session_data_in_database == {"secret": 7}
    assert sessions.merge_into_access_token_payload(handle, {"colour": "blue"}) is True
    assert browser.post("/auth/session/refresh").status == 200
    assert browser.post("/protected").body["payload"]["colour"] == "blue"
    assert sessions.revoke_session(handle) is True
    assert browser.post("/auth/session/refresh").status == 401

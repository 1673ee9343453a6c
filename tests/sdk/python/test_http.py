"""The SDK's HTTP interface behind Flask, as a front end calls it, with tokens in cookies and in headers."""
from urllib.parse import parse_qs, urlencode, urlsplit
from uuid import uuid4

import pytest
import requests
from app import reset_links
from browser import Browser, form_fields
from supertokens_python.recipe.session.syncio import get_session_information

PASSWORD = "correct horse 1"
CALLBACK = "http://127.0.0.1/auth/callback/local"


@pytest.fixture(params=["cookie", "header"])
def browser(application, request):
    return Browser(application, request.param)


def signed_up(browser):
    email = f"http-{uuid4()}@walk.example"
    reply = browser.post("/auth/signup", form_fields(email=email, password=PASSWORD))
    assert (reply.status, reply.body["status"]) == (200, "OK")
    assert browser.signed_in
    return email, reply.body["user"]


def test_signs_up_in_and_out(browser):
    email, user = signed_up(browser)
    page = browser.post("/protected")
    assert (page.status, page.body["userId"]) == (200, user["id"])
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
    assert get_session_information(handle) is None
    assert browser.post("/auth/session/refresh").status == 401


def test_signs_in_with_a_provider(browser):
    name = str(uuid4())
    first = sign_in_with_provider(browser, name)
    assert first["status"] == "OK"
    assert first["createdNewRecipeUser"] is True
    assert first["user"]["emails"] == [f"{name}@oidc.example"]
    assert first["user"]["thirdParty"] == [{"id": "local", "userId": f"oidc-{name}"}]
    assert browser.post("/protected").body["userId"] == first["user"]["id"]
    again = sign_in_with_provider(browser, name)
    assert again["createdNewRecipeUser"] is False
    assert again["user"]["id"] == first["user"]["id"]


def test_asks_for_the_anti_csrf_token_where_cookies_carry_the_session(application):
    browser = Browser(application, "cookie")
    signed_up(browser)
    assert browser.post("/protected", send_anti_csrf=False).status == 401
    assert browser.post("/protected").status == 200


def test_resets_a_forgotten_password(browser):
    email, _ = signed_up(browser)
    asked = browser.post("/auth/user/password/reset/token", form_fields(email=email))
    assert asked.body == {"status": "OK"}
    token = parse_qs(urlsplit(reset_links.pop()).query)["token"][0]
    form = {"method": "token", "token": token, **form_fields(password="after reset 1")}
    assert browser.post("/auth/user/password/reset", form).body["status"] == "OK"
    used = browser.post("/auth/user/password/reset", form)
    assert used.body["status"] == "RESET_PASSWORD_INVALID_TOKEN_ERROR"
    old = browser.post("/auth/signin", form_fields(email=email, password=PASSWORD))
    assert old.body["status"] == "WRONG_CREDENTIALS_ERROR"
    new = browser.post("/auth/signin", form_fields(email=email, password="after reset 1"))
    assert new.body["status"] == "OK"


def sign_in_with_provider(browser, user_name):
    """The whole way: the provider's address from the SDK, a visit there, and back with the code."""
    query = urlencode({"thirdPartyId": "local", "redirectURIOnProviderDashboard": CALLBACK})
    start = browser.get("/auth/authorisationurl?" + query).body
    assert start["status"] == "OK"
    address = start["urlWithQueryParams"] + "&" + urlencode({"login_hint": user_name})
    visit = requests.get(address, allow_redirects=False, timeout=10)
    assert visit.status_code == 302
    code = parse_qs(urlsplit(visit.headers["Location"]).query)["code"][0]
    body = {
        "thirdPartyId": "local",
        "redirectURIInfo": {
            "redirectURIOnProviderDashboard": CALLBACK,
            "redirectURIQueryParams": {"code": code},
            "pkceCodeVerifier": start.get("pkceCodeVerifier"),
        },
    }
    return browser.post("/auth/signinup", body).body

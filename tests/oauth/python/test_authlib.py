"""Authlib as a relying party, and joserfc for what its tokens say."""
import os

import pytest
import requests
from authlib.common.security import generate_token
from authlib.integrations.requests_client import OAuth2Session, OAuthError
from joserfc import jwt
from joserfc.jwk import KeySet

PROVIDER = os.environ["PROVIDER_URL"]
# The provider of the test is served without TLS.
os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"


@pytest.fixture(scope="module")
def parties():
    return requests.get(PROVIDER + "/parties", timeout=30).json()


@pytest.fixture(scope="module")
def metadata(parties):
    return requests.get(parties["issuer"] + "/.well-known/openid-configuration", timeout=30).json()


@pytest.fixture(scope="module")
def keys(metadata):
    return KeySet.import_key_set(requests.get(metadata["jwks_uri"], timeout=30).json())


@pytest.fixture
def user():
    return requests.post(PROVIDER + "/browser/new", timeout=30).json()


def visit(user, address):
    return requests.post(PROVIDER + "/browser/" + user["user"], json={"address": address}, timeout=30).json()


def session(parties, name, method, scope="openid offline_access email"):
    party = parties["clients"][name]
    return OAuth2Session(party["id"], party.get("secret"), scope=scope, redirect_uri=parties["callback"], token_endpoint_auth_method=method,
                         revocation_endpoint_auth_method=method, code_challenge_method="S256")


def log_in(client, metadata, user):
    verifier, nonce = generate_token(48), generate_token(20)
    address, state = client.create_authorization_url(metadata["authorization_endpoint"], code_verifier=verifier, nonce=nonce)
    back = visit(user, address)["address"]
    tokens = client.fetch_token(metadata["token_endpoint"], authorization_response=back, state=state, code_verifier=verifier)
    return tokens, nonce


@pytest.mark.parametrize("name, method", [("basic", "client_secret_basic"), ("post", "client_secret_post"), ("public", "none")])
def test_code_userinfo_refresh_introspection_revocation(parties, metadata, keys, user, name, method):
    client = session(parties, name, method)
    tokens, nonce = log_in(client, metadata, user)
    claims = jwt.decode(tokens["id_token"], keys, algorithms=["RS256"]).claims
    jwt.JWTClaimsRegistry(iss={"essential": True, "value": parties["issuer"]}, aud={"essential": True, "value": client.client_id},
                          sub={"essential": True, "value": user["user"]}, nonce={"essential": True, "value": nonce}, exp={"essential": True}).validate(claims)
    assert client.get(metadata["userinfo_endpoint"]).json()["email"] == user["email"]

    new = client.refresh_token(metadata["token_endpoint"])
    assert jwt.decode(new["id_token"], keys, algorithms=["RS256"]).claims["sub"] == user["user"]
    access = jwt.decode(new["access_token"], keys, algorithms=["RS256"]).claims
    assert (access["sub"], access["client_id"], access["iss"]) == (user["user"], client.client_id, parties["issuer"])

    endpoint = metadata["token_introspection_endpoint"]
    assert client.introspect_token(endpoint, token=new["access_token"]).json()["active"]
    about = client.introspect_token(endpoint, token=new["refresh_token"], token_type_hint="refresh_token").json()
    assert (about["active"], about["sub"], about["token_use"]) == (True, user["user"], "refresh_token")

    reply = client.revoke_token(metadata["revocation_endpoint"], token=new["refresh_token"], token_type_hint="refresh_token")
    assert reply.status_code == 200, reply.text
    for token in (tokens["access_token"], new["access_token"], new["refresh_token"]):
        assert client.introspect_token(endpoint, token=token).json()["active"] is False
    with pytest.raises(OAuthError, match="invalid_grant"):
        client.refresh_token(metadata["token_endpoint"], refresh_token=new["refresh_token"])


def test_another_clients_code_and_verifier(parties, metadata, user):
    client = session(parties, "public", "none")
    verifier = generate_token(48)
    address, state = client.create_authorization_url(metadata["authorization_endpoint"], code_verifier=verifier)
    back = visit(user, address)["address"]
    for thief, shown in ((session(parties, "post", "client_secret_post"), verifier), (session(parties, "public", "none"), generate_token(48))):
        with pytest.raises(OAuthError, match="invalid_grant"):
            thief.fetch_token(metadata["token_endpoint"], authorization_response=back, state=state, code_verifier=shown)
    assert "access_token" in client.fetch_token(metadata["token_endpoint"], authorization_response=back, state=state, code_verifier=verifier)


def test_only_its_own_client_revokes_a_token(parties, metadata, user):
    client, other = session(parties, "basic", "client_secret_basic"), session(parties, "post", "client_secret_post")
    tokens, _ = log_in(client, metadata, user)
    assert other.revoke_token(metadata["revocation_endpoint"], token=tokens["refresh_token"]).status_code >= 400
    assert client.introspect_token(metadata["token_introspection_endpoint"], token=tokens["refresh_token"]).json()["active"]


def test_logout(parties, metadata, user):
    client = session(parties, "basic", "client_secret_basic")
    tokens, _ = log_in(client, metadata, user)
    query = requests.models.PreparedRequest()
    query.prepare_url(metadata["end_session_endpoint"], {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": parties["after_logout"], "state": "s&t"})
    assert visit(user, query.url)["address"] == parties["after_logout"] + "?state=s%26t"
    assert client.introspect_token(metadata["token_introspection_endpoint"], token=tokens["refresh_token"]).json()["active"] is False


def test_client_credentials(parties, metadata, keys):
    client = session(parties, "machine", "client_secret_basic", scope="read")
    tokens = client.fetch_token(metadata["token_endpoint"], grant_type="client_credentials", audience=parties["audience"])
    claims = jwt.decode(tokens["access_token"], keys, algorithms=["RS256"]).claims
    assert (claims["sub"], claims["scp"], claims["aud"]) == (client.client_id, ["read"], parties["audience"])
    with pytest.raises(OAuthError, match="invalid_scope"):
        session(parties, "machine", "client_secret_basic", scope="admin").fetch_token(metadata["token_endpoint"], grant_type="client_credentials")

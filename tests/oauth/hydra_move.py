#!/usr/bin/env python3
"""The move from a real Ory Hydra, with `gatehouse migrate --hydra-dsn-file`: clients of every kind and their refresh tokens go on.

Usage: GATEHOUSE_BIN=build/release/bin tests/oauth/hydra_move.py HYDRA

HYDRA is the program of an Ory Hydra 2.x, which starts on a PostgreSQL database of its own. What the core keeps beside it (oauth_clients, oauth_sessions) is written here as a core writes it.
"""
import json
import os
import secrets
import subprocess
import sys
import tempfile
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, ".."), os.path.join(HERE, "..", "bench")]
from integration import harness  # noqa: E402
from oauth_costs import CALLBACK, SCOPE, Connection, Hydra, basic, parameters  # noqa: E402

ISSUER, APP = "https://api.example.com/auth", "public"
GRANTS = ["authorization_code", "refresh_token", "client_credentials"]
LIFESPANS = {"authorization_code_grant_access_token_lifespan": "1h30m0s", "authorization_code_grant_refresh_token_lifespan": "48h0m0s", "client_credentials_grant_access_token_lifespan": "17m0s",
             "refresh_token_grant_access_token_lifespan": "8m0s", "refresh_token_grant_refresh_token_lifespan": "36h0m0s", "implicit_grant_id_token_lifespan": "2h0m0s"}
KINDS = {
    "basic": {}, "post": {"token_endpoint_auth_method": "client_secret_post"}, "public": {"token_endpoint_auth_method": "none"}, "rotating": {}, "lifetimes": LIFESPANS,
    "machine": {"grant_types": ["client_credentials"], "redirect_uris": [], "scope": "read write", "audience": ["https://api.example.com"]},
    "everything": {"client_name": "Ünïcode", "audience": ["https://api.example.com", "https://other.example.com"], "post_logout_redirect_uris": ["https://app.example.com/bye?x=1"],
                   "allowed_cors_origins": ["https://app.example.com"], "policy_uri": "https://app.example.com/p", "tos_uri": "https://app.example.com/t", "client_uri": "https://app.example.com/",
                   "logo_uri": "https://app.example.com/l", "contacts": ["a@example.com"], "metadata": {"a_b": {"c_d": [1, {"e_f": None}]}, "text": "\"'\\ü"}, "jwks_uri": "https://app.example.com/jwks"},
    "signing": {"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [{"kty": "RSA", "n": "sXchTkUwbGU", "e": "AQAB", "kid": "1", "use": "sig", "alg": "RS256"}]}},
}
TEXTS = ("client_name", "scope", "policy_uri", "tos_uri", "client_uri", "logo_uri", "token_endpoint_auth_method")
LISTS = ("redirect_uris", "grant_types", "response_types", "audience", "allowed_cors_origins", "post_logout_redirect_uris")


def camel(name):
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


class Move:
    def __init__(self, program):
        self.postgres = harness.Postgres()
        self.hydra = Hydra(program, self.postgres)
        self.gatehouse = harness.Gatehouse(mode="all-in-one", postgres=self.postgres, environment={"OAUTH_CLIENT_SECRET_ENCRYPTION_KEY": "the-key-of-the-core"}, test_mode=False).start()
        self.connection = Connection(self.gatehouse.port)
        self.clients, self.grants, self.checks = {}, {}, 0

    def check(self, what, found, wanted=True):
        self.checks += 1
        if found != wanted:
            sys.exit("%s: %r, not %r" % (what, found, wanted))

    def core(self, method, path, body=None):
        return self.connection.ask(method, "/recipe/oauth" + path, json.dumps(body) if body is not None else None, {"Content-Type": "application/json", "cdi-version": "5.4"})[1]

    # As the core and its Hydra

    def create(self, kind, **fields):
        secret = "" if fields.get("token_endpoint_auth_method") in ("none", "private_key_jwt") else secrets.token_urlsafe(20)
        made = self.hydra.manage("POST", "/clients", {
            "client_id": "stcl_" + kind, "owner": "_" + APP, "redirect_uris": [CALLBACK], "grant_types": GRANTS, "response_types": ["code"], "scope": SCOPE, "access_token_strategy": "jwt",
            "skip_consent": True, "subject_type": "public", **({"client_secret": secret} if secret else {}), **fields})
        self.clients[kind] = {**made, "client_secret": secret}
        # The core's row, with the encrypted secret; the rest is what a core does not have.
        row = {"clientId": made["client_id"], "enableRefreshTokenRotation": kind == "rotating", "tokenEndpointAuthMethod": "client_secret_basic" if secret else "none"}
        self.check("the core's row", self.core("POST", "/clients", {**row, **({"clientSecret": secret} if secret else {})})["status"], "OK")
        self.gatehouse.sql("DELETE FROM gatehouse_oauth_clients")

    def hydra_token(self, client, **body):
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if client["token_endpoint_auth_method"] == "client_secret_basic":
            headers["Authorization"] = basic(client["client_id"], client["client_secret"])
        else:
            body.update({"client_id": client["client_id"], **({"client_secret": client["client_secret"]} if client["client_secret"] else {})})
        return self.hydra.connection.ask("POST", "/oauth2/token", urllib.parse.urlencode(body), headers)[1]

    def grant(self, kind, name):
        """A code flow; the gid and refresh token are kept, and the core's row is written."""
        client, cookies, gid = self.clients[kind], {}, "gid-" + name
        query = {"client_id": client["client_id"], "response_type": "code", "redirect_uri": CALLBACK, "scope": SCOPE, "state": "a-long-state", "nonce": "nonce-of-" + name,
                 "audience": " ".join(client.get("audience") or [])}

        def visit(query):
            reply, _ = self.hydra.connection.ask("GET", "/oauth2/auth?" + urllib.parse.urlencode(query), headers={"Cookie": "; ".join("%s=%s" % one for one in cookies.items())}, expect=(302, 303))
            for header, line in reply.getheaders():
                if header.lower() == "set-cookie":
                    key, _, value = line.partition(";")[0].partition("=")
                    cookies[key] = value
            return parameters(reply.getheader("Location"))

        def accept(page, challenge, body):
            return parameters(self.hydra.manage("PUT", "/oauth2/auth/requests/%s/accept?%s_challenge=%s" % (page, page, urllib.parse.quote(challenge)), body)["redirect_to"])
        at_consent = visit(accept("login", visit(query)["login_challenge"], {"subject": "user-" + name, "remember": True, "identity_provider_session_id": "handle-" + name, "acr": "1", "amr": ["pwd"]}))
        session = {"iss": ISSUER, "tId": "public", "rsub": "rsub-" + name, "sessionHandle": "handle-" + name, "gid": gid, "initialPayload": {"x": 1}}
        back = visit(accept("consent", at_consent["consent_challenge"], {
            "grant_scope": SCOPE.split(), "grant_access_token_audience": client.get("audience") or [], "remember": True, "session": {"access_token": session, "id_token": {"sid": "handle-" + name}}}))
        token = self.hydra_token(client, grant_type="authorization_code", code=back["code"], redirect_uri=CALLBACK)["refresh_token"]
        self.grants[name] = {"kind": kind, "gid": gid, "external": token, "internal": None, "replaced": None}
        return self.grants[name]

    def refresh_there(self, grant):
        """As the core does it: without rotation the client keeps its first token."""
        new = self.hydra_token(self.clients[grant["kind"]], grant_type="refresh_token", refresh_token=grant["internal"] or grant["external"])["refresh_token"]
        if grant["kind"] == "rotating":
            grant.update(replaced=grant["external"], external=new)
        else:
            grant["internal"] = new

    def write_sessions(self):
        for name, grant in self.grants.items():
            kept = [None if token is None else token.replace("ory_rt_", "st_rt_") for token in (grant["external"], grant["internal"])]
            self.gatehouse.sql("INSERT INTO oauth_sessions (gid, app_id, client_id, session_handle, external_refresh_token, internal_refresh_token, jti, exp) VALUES ('%s', '%s', '%s', '%s', %s, %s, 'jti,', "
                               "extract(epoch FROM now())::bigint + 100000)" % (grant["gid"], APP, "stcl_" + grant["kind"], "handle-" + name, *("NULL" if one is None else "'%s'" % one for one in kept)))

    # Here

    def migrate(self, *more, status=0):
        environment = {**os.environ, **next(iter(self.gatehouse.processes.values())).environment}
        environment.pop("GATEHOUSE_ADMIN_PORT", None)
        with tempfile.TemporaryDirectory() as directory:
            files = {"dsn": self.postgres.uri(self.hydra.database) + "?sslmode=disable&max_conns=8", "secret": "a-secret-of-this-measurement"}
            for name, text in files.items():
                with open(os.path.join(directory, name), "w", encoding="utf-8") as file:
                    file.write(text + "\n")
            done = subprocess.run([os.path.join(harness.BIN, "gatehouse"), "migrate", "--hydra-dsn-file", directory + "/dsn", "--hydra-system-secret-file", directory + "/secret", *more],
                                  env=environment, capture_output=True, text=True)
        if done.returncode != status:
            sys.exit("migrate: %d\n%s%s" % (done.returncode, done.stdout, done.stderr))
        return done.stdout

    def token(self, kind, secret=None, **body):
        client = self.clients[kind]
        request = {"iss": ISSUER, "inputBody": body, "access_token": {}, "id_token": {}}
        secret = client["client_secret"] if secret is None else secret
        if client["token_endpoint_auth_method"] == "client_secret_basic":
            request["authorizationHeader"] = basic(client["client_id"], secret)
        else:
            body.update({"client_id": client["client_id"], **({"client_secret": secret} if secret else {})})
        return self.core("POST", "/token", request)

    def refresh(self, name, token):
        return self.token(self.grants[name]["kind"], grant_type="refresh_token", refresh_token=token.replace("ory_rt_", "st_rt_"))

    def introspect(self, token):
        return self.core("POST", "/introspect", {"token": token.replace("ory_rt_", "st_rt_")})

    def check_clients(self):
        for kind, was in self.clients.items():
            here = self.core("GET", "/clients?clientId=" + was["client_id"])
            if kind == "signing":
                self.check("signing's URIs", here["redirectUris"], [])
                continue
            for field in TEXTS:
                self.check("%s of %s" % (field, kind), here[camel(field)], was[field])
            for field in LISTS:
                self.check("%s of %s" % (field, kind), here.get(camel(field)) or [], was.get(field) or [])
            for field in LIFESPANS:
                self.check("%s of %s" % (field, kind), here[camel(field)], was[field])
            self.check("created_at of " + kind, here["createdAt"], was["created_at"])
            self.check("secret of " + kind, here.get("clientSecret", ""), was["client_secret"])
            if was["client_secret"]:
                made = self.token(kind, grant_type="client_credentials")
                self.check("a token of " + kind, (made["status"], made.get("expires_in")), ("OK", 17 * 60 if kind == "lifetimes" else 3600))
                self.check("a wrong secret of " + kind, self.token(kind, "wrong-secret", grant_type="client_credentials")["error"], "invalid_client")
        self.check("metadata", self.core("GET", "/clients?clientId=stcl_everything")["metadata"], {"aB": {"cD": [1, {"e_f": None}]}, "text": "\"'\\ü"})

    def check_grants(self):
        for name, grant in self.grants.items():
            if name == "revoked":
                self.check("a revoked token", self.refresh(name, grant["external"])["error"], "token_inactive")
                continue
            about = self.introspect(grant["external"])
            self.check("a live token", (about["active"], about["sub"], about["scope"], about["gid"], about["sessionHandle"]), (True, "user-" + name, SCOPE, grant["gid"], "handle-" + name))
            self.check("its audience", sorted(about["aud"]), sorted(self.clients[grant["kind"]].get("audience") or []))
            first = self.refresh(name, grant["external"])
            self.check("refresh of " + name, first["status"], "OK")
            again = self.refresh(name, grant["external"])
            if grant["kind"] != "rotating":
                self.check("another refresh of " + name, again["status"], "OK")
                continue
            self.check("reuse of " + name, again["error"], "token_inactive")
            self.check("what it ended", self.introspect(first["refresh_token"])["active"], False)

    def run(self):
        for kind, fields in KINDS.items():
            self.create(kind, **fields)
        for kind in ("basic", "post", "public", "rotating", "lifetimes", "everything"):
            self.grant(kind, kind + "-new")
            self.refresh_there(self.grant(kind, kind + "-refreshed"))
        reused = self.grant("rotating", "reused")
        self.refresh_there(reused)
        self.hydra.connection.ask("POST", "/oauth2/revoke", urllib.parse.urlencode({"token": self.grant("basic", "revoked")["external"]}),
                                  {"Authorization": basic("stcl_basic", self.clients["basic"]["client_secret"]), "Content-Type": "application/x-www-form-urlencoded"})
        self.write_sessions()
        self.hydra.stop()
        print(self.migrate("--dry-run", status=3))
        said = self.migrate(status=3)
        print(said)
        self.check("what was taken", "Taken from Hydra: 7 clients, 13 refresh tokens." in said)
        self.check("what was taken again", "Taken from Hydra: 0 clients, 0 refresh tokens." in self.migrate(status=3))
        self.check_clients()
        # One that Hydra had replaced comes back: the grant ends.
        self.check("a live grant", self.introspect(reused["external"])["active"])
        self.check("a replaced token", self.refresh("reused", reused["replaced"])["error"], "token_inactive")
        self.check("what it ended", self.introspect(reused["external"])["active"], False)
        del self.grants["reused"]
        self.check_grants()
        print("%d checks passed" % self.checks)

    def stop(self):
        self.hydra.stop()
        self.gatehouse.stop()
        self.postgres.stop()


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    move = Move(sys.argv[1])
    try:
        move.run()
    finally:
        move.stop()


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""What OAuth costs: processor time of the server and of PostgreSQL, and statements, for a code flow, a refresh, an introspection and a client's own token.

Usage: oauth_costs.py [--count 1000] [--json FILE] SERVER ...
A SERVER is a directory of Gatehouse's programs (started all-in-one, or split with GATEHOUSE_MODE=split), or hydra=PROGRAM for an Ory Hydra 2.x, which is started by its own migrations and
configuration, with JWT access tokens as the core of the original makes it use them. That core's own part, which signs each token once more and has statements of its own, is not in Hydra's numbers.
All are measured in turn, operation by operation, in one run, one request after the other, on one PostgreSQL that keeps what it acknowledges (fsync, synchronous_commit).

Processor time is read from /proc in ticks of 10 ms, PostgreSQL's statements and their time from pg_stat_statements. The floor is what the signatures of the tokens cost alone (openssl speed).
"""
import argparse
import base64
import http.client
import json
import os
import re
import subprocess
import sys
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..")]
from integration import harness  # noqa: E402
from processes import cpu_s, cpu_s_of_server, pids_of, wait_until_quiet  # noqa: E402

POSTGRES = ("fsync=on", "synchronous_commit=on", "full_page_writes=on", "shared_buffers=512MB", "shared_preload_libraries=pg_stat_statements", "pg_stat_statements.track=top",
            "pg_stat_statements.track_planning=on")
STATISTICS = ("SELECT coalesce(sum(calls), 0), coalesce(sum(total_plan_time + total_exec_time), 0) FROM pg_stat_statements"
              " WHERE dbid = (SELECT oid FROM pg_database WHERE datname = '%s')")
CALLBACK, SCOPE = "https://app.example.com/cb", "openid offline_access"
REQUEST = {"response_type": "code", "redirect_uri": CALLBACK, "scope": SCOPE, "state": "a-state-of-the-client", "nonce": "a-nonce-of-the-client"}
# RSA-2048 signatures in each.
OPERATIONS = {"code flow": 2, "refresh": 2, "introspection": 0, "client credentials": 1}


def parameters(address):
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(address).query))


def basic(client_id, secret):
    return "Basic " + base64.b64encode(("%s:%s" % (client_id, secret)).encode()).decode()


class Connection:
    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port)

    def ask(self, method, path, body=None, headers=None, expect=(200, 201)):
        self.connection.request(method, path, body, headers or {})
        reply = self.connection.getresponse()
        text = reply.read()
        if reply.status not in expect:
            sys.exit("%s %s: %d %s" % (method, path, reply.status, text[:300]))
        return reply, json.loads(text) if reply.getheader("Content-Type", "").startswith("application/json") else None


class Gatehouse:
    def __init__(self, directory, postgres):
        harness.BIN = os.path.abspath(directory)
        self.name, self.database = directory, postgres.create_database()
        self.gatehouse = harness.Gatehouse(test_mode=False, postgres=postgres, database=self.database, environment={
            "LOG_LEVEL": "WARN", "OAUTH_CLIENT_SECRET_ENCRYPTION_KEY": "a-key-of-this-measurement", "GATEHOUSE_OAUTH_TOKEN_REQUESTS_PER_MINUTE": "60000000"}).start()
        self.pids, self.stop, self.connection = pids_of(self.gatehouse), self.gatehouse.stop, Connection(self.gatehouse.port)
        self.client = self.post("/clients", {"redirectUris": [CALLBACK], "grantTypes": ["authorization_code", "refresh_token", "client_credentials"], "responseTypes": ["code"],
                                             "scope": SCOPE, "enableRefreshTokenRotation": True})

    def close_connections(self):
        self.connection.connection.close()

    def call(self, method, path, body):
        reply = self.connection.ask(method, "/recipe/oauth" + path, json.dumps(body), {"Content-Type": "application/json", "cdi-version": "5.4"})[1]
        if reply["status"] != "OK":
            sys.exit("%s %s: %s" % (method, path, reply))
        return reply

    def post(self, path, body):
        return self.call("POST", path, body)

    def token(self, **body):
        return self.post("/token", {"iss": "https://api.example.com/auth", "inputBody": body, "access_token": {}, "id_token": {},
                                    "authorizationHeader": basic(self.client["clientId"], self.client["clientSecret"])})

    def code_flow(self):
        cookies = {}

        def visit(query):
            reply = self.post("/auth", {"params": query, "iss": "https://api.example.com/auth", "cookies": "; ".join("%s=%s" % one for one in cookies.items())})
            for line in reply["cookies"]:
                name, _, value = line.partition(";")[0].partition("=")
                cookies[name] = value
            return parameters(reply["redirectTo"])
        login = visit({**REQUEST, "client_id": self.client["clientId"]})["login_challenge"]
        consent = visit(parameters(self.call("PUT", "/auth/requests/login/accept?loginChallenge=" + urllib.parse.quote(login), {"subject": "user"})["redirectTo"]))["consent_challenge"]
        back = visit(parameters(self.call("PUT", "/auth/requests/consent/accept?consentChallenge=" + urllib.parse.quote(consent), {
            "grantScope": SCOPE.split(), "iss": "https://api.example.com/auth", "tId": "public", "rsub": "user", "sessionHandle": "", "initialAccessTokenPayload": {},
            "initialIdTokenPayload": {}})["redirectTo"]))
        return self.token(grant_type="authorization_code", code=back["code"], redirect_uri=CALLBACK)

    def introspect(self, token):
        return self.post("/introspect", {"token": token})


class Hydra:
    def __init__(self, program, postgres):
        self.name, self.database = "hydra", postgres.create_database()
        public, admin = harness.free_port(), harness.free_port()
        self.issuer = "http://127.0.0.1:%d" % public
        environment = {**os.environ, "DSN": postgres.uri(self.database) + "?sslmode=disable", "SECRETS_SYSTEM": "a-secret-of-this-measurement", "URLS_SELF_ISSUER": self.issuer,
                       "URLS_LOGIN": "http://127.0.0.1:1/login", "URLS_CONSENT": "http://127.0.0.1:1/consent", "SERVE_PUBLIC_PORT": str(public), "SERVE_ADMIN_PORT": str(admin),
                       "SERVE_COOKIES_SAME_SITE_MODE": "Lax", "LOG_LEVEL": "error", "SQA_OPT_OUT": "true"}
        quiet = {"env": environment, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run([program, "migrate", "sql", "-e", "--yes"], check=True, **quiet)
        self.process = subprocess.Popen([program, "serve", "all", "--dev", "--sqa-opt-out"], **quiet)

        def ready():
            try:
                connection = http.client.HTTPConnection("127.0.0.1", admin, timeout=1)
                connection.request("GET", "/health/ready")
                return connection.getresponse().status == 200
            except OSError:
                return False
        harness.wait_until(ready, 60, "Hydra")

        def has_keys():
            """It makes keys of 4,096 bits for whoever asks first, which takes longer than it lets a request take."""
            try:
                connection = http.client.HTTPConnection("127.0.0.1", public, timeout=60)
                connection.request("GET", "/.well-known/jwks.json")
                return connection.getresponse().status == 200
            except (OSError, http.client.HTTPException):
                return False
        harness.wait_until(has_keys, 300, "Hydra's keys")
        self.pids, self.connection, self.admin = [self.process.pid], Connection(public), Connection(admin)
        self.client = self.manage("POST", "/clients", {"redirect_uris": [CALLBACK], "grant_types": ["authorization_code", "refresh_token", "client_credentials"], "response_types": ["code"],
                                                       "scope": SCOPE, "access_token_strategy": "jwt", "skip_consent": True})
        self.header = {"Authorization": basic(self.client["client_id"], self.client["client_secret"]), "Content-Type": "application/x-www-form-urlencoded"}

    def close_connections(self):
        self.connection.connection.close()
        self.admin.connection.close()

    def stop(self):
        self.process.terminate()
        self.process.wait()

    def manage(self, method, path, body):
        return self.admin.ask(method, "/admin" + path, json.dumps(body), {"Content-Type": "application/json"})[1]

    def token(self, **body):
        return self.connection.ask("POST", "/oauth2/token", urllib.parse.urlencode(body), self.header)[1]

    def code_flow(self):
        cookies = {}

        def visit(query):
            reply, _ = self.connection.ask("GET", "/oauth2/auth?" + urllib.parse.urlencode(query), headers={"Cookie": "; ".join("%s=%s" % one for one in cookies.items())}, expect=(302, 303))
            for name, line in reply.getheaders():
                if name.lower() == "set-cookie":
                    key, _, value = line.partition(";")[0].partition("=")
                    cookies[key] = value
            return parameters(reply.getheader("Location"))
        login = visit({**REQUEST, "client_id": self.client["client_id"]})["login_challenge"]
        consent = visit(parameters(self.manage("PUT", "/oauth2/auth/requests/login/accept?login_challenge=" + urllib.parse.quote(login), {"subject": "user"})["redirect_to"]))["consent_challenge"]
        back = visit(parameters(self.manage("PUT", "/oauth2/auth/requests/consent/accept?consent_challenge=" + urllib.parse.quote(consent), {
            "grant_scope": SCOPE.split(), "session": {"access_token": {"gid": "g"}, "id_token": {}}})["redirect_to"]))
        return self.token(grant_type="authorization_code", code=back["code"], redirect_uri=CALLBACK)

    def introspect(self, token):
        return self.admin.ask("POST", "/admin/oauth2/introspect", urllib.parse.urlencode({"token": token}), {"Content-Type": "application/x-www-form-urlencoded"})[1]


def steps(server):
    """One call of each operation."""
    refresh = [server.code_flow()["refresh_token"]]
    access = server.code_flow()["access_token"]

    def refreshed():
        refresh[0] = server.token(grant_type="refresh_token", refresh_token=refresh[0])["refresh_token"]

    def introspected():
        if not server.introspect(access)["active"]:
            sys.exit("%s: the token is not active" % server.name)
    return {"code flow": server.code_flow, "refresh": refreshed, "introspection": introspected, "client credentials": lambda: server.token(grant_type="client_credentials")}


def used(server, postgres):
    calls, ms = postgres.sql(STATISTICS % server.database, "postgres")[0]
    return [cpu_s(server.pids) * 1000, cpu_s_of_server(postgres.process.pid) * 1000, float(calls), float(ms)]


def signature_ms():
    said = subprocess.run(["openssl", "speed", "-mr", "-seconds", "1", "rsa2048"], check=True, capture_output=True, text=True).stdout
    return 1000 / float(re.search(r"\+F2:\d+:2048:([0-9.]+)", said).group(1))  # it says how many a second


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--json")
    parser.add_argument("servers", nargs="+")
    options = parser.parse_args()
    postgres = harness.Postgres(settings=POSTGRES)
    postgres.sql("CREATE EXTENSION pg_stat_statements", "postgres")
    servers, rows = [], []
    try:
        for one in options.servers:
            servers.append(Hydra(one.partition("=")[2], postgres) if one.startswith("hydra=") else Gatehouse(one, postgres))
        calls = {server: steps(server) for server in servers}
        for server in servers:
            wait_until_quiet(server.pids)
        floor = signature_ms()
        print("%-20s %-24s %9s %12s %12s %7s %9s" % ("for 1,000", "", "server ms", "PostgreSQL*", "PostgreSQL**", "stmts", "floor ms"))
        for name, signatures in OPERATIONS.items():
            for server in servers:
                server.close_connections()  # they may have been idle for too long; the next request opens them
                for _ in range(50):
                    calls[server][name]()  # database connections prepare their statements
                before = used(server, postgres)
                for _ in range(options.count):
                    calls[server][name]()
                spent = [(after - earlier) * 1000 / options.count for earlier, after in zip(before, used(server, postgres))]
                row = {"operation": name, "server": server.name, "server_ms": round(spent[0]), "postgres_cpu_ms": round(spent[1]), "postgres_statement_ms": round(spent[3]),
                       "statements": round(spent[2] / 1000, 2), "floor_ms": round(signatures * floor * 1000)}
                rows.append(row)
                print("%-20s %-24s %9d %12d %12d %7.2f %9d" % (name, server.name[-24:], *(row[key] for key in ("server_ms", "postgres_cpu_ms", "postgres_statement_ms", "statements", "floor_ms"))), flush=True)
        print("* processor time of the whole server, commits included; ** time of statements by pg_stat_statements; stmts: of one operation; floor: its signatures alone")
    finally:
        for server in servers:
            server.stop()
        postgres.stop()
        if options.json:
            with open(options.json, "w", encoding="utf-8") as file:
                json.dump(rows, file, indent=1)


if __name__ == "__main__":
    main()

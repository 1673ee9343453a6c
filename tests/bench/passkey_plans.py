#!/usr/bin/env python3
"""What each statement of the passkeys' operations reads at a million passkeys: pages, by PostgreSQL's own account of the requests (auto_explain).

    GATEHOUSE_BIN=build/release/bin tests/bench/passkey_plans.py [--users 1000000]

With few rows and their statistics, where connections keep the plans that they make; with all rows, those statistics, and those plans or new ones; and after ANALYZE likewise. Exits with 1 if a
statement of a request read more than 200 pages.
"""
import argparse
import os
import re
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from integration import harness, plan_log  # noqa: E402
from integration.passkeys import Authenticator, Site  # noqa: E402

W = "/recipe/webauthn"
LIMIT, FEW = 200, 2000
# Connections keep a plan from the sixth time on that they run a statement.
TIMES = 8
BEGAN = time.monotonic()
SETTINGS = ["auto_explain.log_analyze=on", "auto_explain.log_buffers=on", "auto_explain.log_timing=off", "autovacuum=off", "maintenance_work_mem=256MB", "shared_buffers=512MB",
            "max_wal_size=8GB"]
# A user, with a passkey, a recovery token and options of a ceremony; of tokens and options a half has expired.
ROWS = """
SET auto_explain.log_min_duration = -1; SET session_replication_role = replica;
CREATE TEMP TABLE made AS SELECT i, md5('user' || i)::uuid::text AS id, 'user' || i || '@company' || i %% 1000 || '.example' AS email FROM generate_series(%(first)d, %(last)d) i;
INSERT INTO app_id_to_user_id (app_id, user_id, recipe_id, primary_or_recipe_user_id, is_linked_or_is_a_primary_user, time_joined, primary_or_recipe_user_time_joined)
SELECT '%(app)s', id, 'webauthn', id, false, 1700000000000 + i, 1700000000000 + i FROM made;
INSERT INTO recipe_user_account_infos (app_id, recipe_user_id, recipe_id, account_info_type, account_info_value, third_party_id, third_party_user_id)
SELECT '%(app)s', id, 'webauthn', 'email', email, '', '' FROM made;
INSERT INTO recipe_user_tenants (app_id, recipe_user_id, tenant_id, recipe_id, account_info_type, account_info_value, third_party_id, third_party_user_id)
SELECT '%(app)s', id, 'public', 'webauthn', 'email', email, '', '' FROM made;
INSERT INTO webauthn_users (app_id, user_id, email, rp_id, time_joined) SELECT '%(app)s', id, email, 'example.com', 1700000000000 + i FROM made;
INSERT INTO webauthn_credentials (id, app_id, rp_id, user_id, counter, public_key, transports, created_at, updated_at)
SELECT md5('key' || i) || 'AAAAAAAAAAA', '%(app)s', 'example.com', id, 0, decode(repeat(md5(i::text), 4), 'hex'), '["internal"]', i, i FROM made;
INSERT INTO webauthn_account_recovery_tokens (app_id, tenant_id, user_id, email, token, expires_at)
SELECT '%(app)s', 'public', id, email, repeat(md5(i::text), 2), CASE WHEN i %% 2 = 0 THEN 1 ELSE 4000000000000 END FROM made;
INSERT INTO webauthn_generated_options (app_id, tenant_id, id, challenge, email, rp_id, rp_name, origin, expires_at, created_at)
SELECT '%(app)s', 'public', id, md5(i::text), email, 'example.com', 'Example', 'https://example.com', CASE WHEN i %% 2 = 0 THEN 1 ELSE 4000000000000 END, 1 FROM made;
SELECT gatehouse_recount_users(); SELECT gatehouse_recount_passkeys();
"""


def pages(plan):
    return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]


def scanned(plan):
    """Tables that were read from end to end, with as many rows."""
    here = [(plan["Relation Name"], plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0))] if plan["Node Type"] == "Seq Scan" else []
    return here + [one for child in plan.get("Plans", ()) for one in scanned(child)]


def use(app, name):
    """Every operation, by a user of its own."""
    def get(path, **query):
        return app.get(path, query).json

    site, key, further, email = Site(app), Authenticator(name), Authenticator(name + " 2"), name + "@example.com"
    user = site.sign_up(key, email).json["recipeUserId"]
    assert site.sign_in(key).json["status"] == "OK"
    assert site.add(further, user, email).json["status"] == "OK"
    assert len(get(W + "/user/credential/list", recipeUserId=user)["credentials"]) == 2
    get(W + "/user/credential", recipeUserId=user, webauthnCredentialId=key.id)
    get("/user/id", userId=user)
    found = get("/users/by-accountinfo", webauthnCredentialId=key.id, doUnionOfAccountInfo="false")["users"]
    assert [one["id"] for one in found] == [user]
    options = site.sign_in_options()["webauthnGeneratedOptionsId"]
    get(W + "/options", webauthnGeneratedOptionsId=options)
    app.request("DELETE", W + "/options/remove", query={"webauthnGeneratedOptionsId": options})
    token = app.post(W + "/user/recover/token", {"userId": user, "email": email}).json["token"]
    get(W + "/user/recover", token=token)
    assert app.post(W + "/user/recover/token/consume", {"token": token}).json["status"] == "OK"
    assert app.put(W + "/user/email", {"recipeUserId": user, "email": "new-" + email}).json["status"] == "OK"
    app.request("DELETE", W + "/user/credential/remove", query={"recipeUserId": user, "webauthnCredentialId": further.id})
    assert app.post("/user/remove", {"userId": user}).json["status"] == "OK"


def report(plans, state):
    """The most pages of each statement; those over the limit."""
    most, scans = {}, {}
    for document in plans:
        text = " ".join(document["Query Text"].split())
        if "webauthn" not in text and "passkeys" not in text:
            continue
        most[text] = max(most.get(text, 0), pages(document["Plan"]))
        scans.setdefault(text, []).extend(one for one in scanned(document["Plan"]) if one[1] > 1000)
    print("%s: %d statements, at %.0f s" % (state, len(most), time.monotonic() - BEGAN))
    for text, number in sorted(most.items(), key=lambda item: -item[1]):
        print("  %7d  %s%s" % (number, text[:140], "  SCANS " + str(sorted(set(scans[text]))) if scans[text] else ""))
    sys.stdout.flush()
    return [text for text, number in most.items() if number > LIMIT]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--users", type=int, default=1000000)
    options = parser.parse_args()
    log = plan_log.PlanLog(SETTINGS)
    postgres = harness.Postgres(settings=log.settings, log=log.file)
    # Few connections, so that each keeps its plans; one of them listens.
    environment = {"POSTGRESQL_CONNECTION_POOL_SIZE": "2", "POSTGRESQL_IDLE_CONNECTION_TIMEOUT": "3600000", "GATEHOUSE_REQUEST_TIMEOUT_MS": "120000"}
    gatehouse = harness.Gatehouse(mode="all-in-one", postgres=postgres, environment=environment).start()
    beyond = []

    def measure(state):
        app = gatehouse.client(app=owner.app, cdi="5.6")
        log.take(gatehouse.sql)
        for number in range(TIMES):
            use(app, "%s%d" % (re.sub("[ ,]+", "-", state), number))
        app.close()
        return report(log.take(gatehouse.sql), state)

    def restart():
        gatehouse.kill()
        gatehouse.start()
    try:
        owner = gatehouse.new_app()
        measure("empty tables")
        gatehouse.sql(ROWS % {"first": 1, "last": FEW, "app": owner.app})
        gatehouse.sql("ANALYZE")
        beyond += measure("few rows, analysed")
        gatehouse.sql(ROWS % {"first": FEW + 1, "last": options.users, "app": owner.app})
        beyond += measure("all rows, statistics and plans of few")
        restart()
        beyond += measure("all rows, statistics of few, new plans")
        gatehouse.sql("ANALYZE")
        beyond += measure("analysed, old plans")
        restart()
        beyond += measure("analysed, new plans")
    finally:
        gatehouse.kill()
        postgres.stop()
        log.close()
    print("statements over %d pages: %d" % (LIMIT, len(beyond)))
    return 1 if beyond else 0


if __name__ == "__main__":
    sys.exit(main())

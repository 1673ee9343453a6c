"""Creates users as the core writes them, by SQL, in the public app.

Of every sixty login methods forty are email and password and twenty a third party, one of those linked to the one before it. Every tenth is in the tenant
`branch` too, forty in the tenant `small`, whatever the number; one in five has an external id; three in four were active within the last thirty days. The tenants
must exist. User n joined 700 ms after user n - 1.
"""

import concurrent.futures

FIRST_JOINED_MS = 1700000000000
BATCH = 20000

# Of user i: %(first)d to %(last)d of %(total)d.
_USERS = """
CREATE TEMP TABLE made ON COMMIT DROP AS
SELECT i, md5('user' || i)::uuid::text::bpchar AS id, 'user' || i || '@company' || i %% 1000 || '.example' AS email,
  CASE WHEN i %% 3 = 0 THEN 'thirdparty' ELSE 'emailpassword' END AS recipe, 'g' || i AS tp_user, %(joined)d + i * 700::bigint AS joined,
  i %% 60 IN (59, 0) AND (i %% 60 = 0 OR i < %(total)d) AND i > 1 AS grouped,
  CASE WHEN i %% 60 = 0 THEN md5('user' || i - 1)::uuid::text::bpchar ELSE md5('user' || i)::uuid::text::bpchar END AS lead,
  CASE WHEN i %% 60 = 0 THEN %(joined)d + (i - 1) * 700::bigint ELSE %(joined)d + i * 700::bigint END AS listed
FROM generate_series(%(first)d, %(last)d) i;
CREATE TEMP TABLE homes ON COMMIT DROP AS
SELECT id, lead, grouped, 'public' AS tenant FROM made UNION ALL SELECT id, lead, grouped, 'branch' FROM made WHERE i %% 10 = 7
UNION ALL SELECT id, lead, grouped, 'small' FROM made WHERE i %% greatest(%(total)d / 40, 1) = 1;
CREATE TEMP TABLE infos ON COMMIT DROP AS
SELECT id, lead, grouped, recipe, 'email' AS type, email AS value, CASE recipe WHEN 'thirdparty' THEN 'google' ELSE '' END AS tp,
  CASE recipe WHEN 'thirdparty' THEN tp_user ELSE '' END AS tp_user FROM made
UNION ALL SELECT id, lead, grouped, recipe, 'tparty', 'google::' || tp_user, '', '' FROM made WHERE recipe = 'thirdparty';

INSERT INTO app_id_to_user_id (app_id, user_id, recipe_id, primary_or_recipe_user_id, is_linked_or_is_a_primary_user, time_joined, primary_or_recipe_user_time_joined)
SELECT 'public', id, recipe, lead, grouped, joined, listed FROM made ORDER BY i;
INSERT INTO recipe_user_account_infos (app_id, recipe_user_id, recipe_id, account_info_type, account_info_value, third_party_id, third_party_user_id, primary_user_id)
SELECT 'public', id, recipe, type, value, tp, tp_user, CASE WHEN grouped THEN lead END FROM infos;
INSERT INTO recipe_user_tenants (app_id, recipe_user_id, tenant_id, recipe_id, account_info_type, account_info_value, third_party_id, third_party_user_id)
SELECT 'public', i.id, h.tenant, i.recipe, i.type, i.value, i.tp, i.tp_user FROM infos i JOIN homes h ON h.id = i.id;
INSERT INTO primary_user_tenants (app_id, tenant_id, account_info_type, account_info_value, primary_user_id)
SELECT DISTINCT 'public', h.tenant, i.type, i.value, i.lead FROM infos i JOIN homes h ON h.lead = i.lead WHERE i.grouped;
INSERT INTO emailpassword_users (app_id, user_id, email, password_hash, time_joined)
SELECT 'public', id, email, '$2a$11$' || repeat('x', 53), joined FROM made WHERE recipe = 'emailpassword';
INSERT INTO thirdparty_users (app_id, third_party_id, third_party_user_id, user_id, email, time_joined)
SELECT 'public', 'google', tp_user, id, email, joined FROM made WHERE recipe = 'thirdparty';
INSERT INTO userid_mapping (app_id, supertokens_user_id, external_user_id) SELECT 'public', id, 'external-' || i FROM made WHERE i %% 5 = 3;
INSERT INTO emailverification_verified_emails (app_id, user_id, email)
SELECT 'public', CASE WHEN i %% 5 = 3 THEN 'external-' || i ELSE id END, email FROM made WHERE recipe = 'thirdparty';
INSERT INTO user_last_active (app_id, user_id, last_active_time)
SELECT 'public', id, (extract(epoch FROM now()) * 1000 - random() * 30 * 86400000)::bigint FROM made WHERE i %% 4 <> 0 AND i %% 60 <> 0;
"""


def load(sql, total):
    """Creates users 1 to `total`; `sql` runs a text of statements and returns the last one's rows. Then the statistics that autovacuum would gather."""
    first = 1
    while first <= total:
        # A small batch first: large ones need statistics, which autovacuum would gather within a minute.
        last = min(first + (BATCH if first > 1 else 600) - 1, total)
        make(sql, first, last, total)
        if first == 1:
            sql("ANALYZE")
        first = last + 1
    sql("VACUUM ANALYZE")


def make(sql, first, last, total, before=""):
    sql(before + "BEGIN;" + _USERS % {"first": first, "last": last, "total": total, "joined": FIRST_JOINED_MS} + "COMMIT;")


def load_many(sql, total):
    """The same rows, several times faster: without triggers (foreign keys' too), indexes and the tables for listing, all of which are built at the end."""
    indexes = sql("""SELECT i.indexname, i.indexdef FROM pg_indexes i WHERE i.schemaname = 'public' AND (i.tablename LIKE '%user%' OR i.tablename LIKE 'emailver%')
        AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conname = i.indexname) ORDER BY i.tablename LIKE 'gatehouse%'""")
    sql("".join("DROP INDEX %s;" % name for name, _ in indexes))
    batch = 5 * BATCH
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda first: make(sql, first, min(first + batch - 1, total), total, "SET session_replication_role = replica;"), range(1, total + 1, batch)))
    sql("ANALYZE; SELECT gatehouse_recount_users()")
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda index: sql(index[1]), indexes))
    sql("VACUUM ANALYZE")

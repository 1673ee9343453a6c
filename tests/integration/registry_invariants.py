"""What must hold in the tables whatever clients do at once: each query finds the rows that break one invariant, and must find none.

For a database in mode MIGRATED at rest (no request under way), with all tenants in one schema. A group is the users of one primary user.
"""

from integration import harness

# The users that exist, with the id of their group or NULL when neither linked nor primary.
GROUPS = """groups AS (
  SELECT app_id, user_id, recipe_id, CASE WHEN is_linked_or_is_a_primary_user THEN primary_or_recipe_user_id END AS primary_id FROM app_id_to_user_id)"""

# What gatehouse_listed_users should contain.
LISTED = """wanted AS (
  SELECT u.app_id, p.tenant_id, u.primary_or_recipe_user_id AS primary_user_id,
    bit_or(CASE u.recipe_id WHEN 'emailpassword' THEN 1 WHEN 'thirdparty' THEN 2 WHEN 'passwordless' THEN 4 WHEN 'webauthn' THEN 8 ELSE 16 END)::int AS recipes,
    min(u.primary_or_recipe_user_time_joined) AS time_joined
  FROM app_id_to_user_id u CROSS JOIN LATERAL (
    SELECT DISTINCT unnest(ARRAY[t.tenant_id, '']) AS tenant_id FROM recipe_user_tenants t WHERE t.app_id = u.app_id AND t.recipe_user_id = u.user_id) p
  GROUP BY 1, 2, 3),
listed AS (SELECT app_id, tenant_id, primary_user_id, recipes::int, time_joined FROM gatehouse_listed_users l
  WHERE tenant_id = '' OR EXISTS (SELECT 1 FROM tenants t WHERE t.app_id = l.app_id AND t.tenant_id = l.tenant_id))"""

INVARIANTS = {
    # The registry's rows belong together.
    "a tenant's row has the account's row": """
        SELECT t.app_id, t.recipe_user_id, t.tenant_id, t.account_info_type FROM recipe_user_tenants t
        WHERE NOT EXISTS (SELECT 1 FROM recipe_user_account_infos i WHERE i.app_id = t.app_id AND i.recipe_user_id = t.recipe_user_id
          AND i.recipe_id = t.recipe_id AND i.account_info_type = t.account_info_type AND i.account_info_value = t.account_info_value
          AND i.third_party_id = t.third_party_id AND i.third_party_user_id = t.third_party_user_id)""",
    "in a tenant a user has all of its account's rows, or none": """
        SELECT i.app_id, i.recipe_user_id, t.tenant_id, i.account_info_type FROM recipe_user_account_infos i
        JOIN (SELECT DISTINCT app_id, recipe_user_id, tenant_id FROM recipe_user_tenants) t USING (app_id, recipe_user_id)
        WHERE NOT EXISTS (SELECT 1 FROM recipe_user_tenants r WHERE r.app_id = i.app_id AND r.recipe_user_id = i.recipe_user_id
          AND r.tenant_id = t.tenant_id AND r.account_info_type = i.account_info_type AND r.account_info_value = i.account_info_value)""",
    "an account's row has a user of its recipe": """
        SELECT i.app_id, i.recipe_user_id, i.recipe_id FROM recipe_user_account_infos i
        WHERE NOT EXISTS (SELECT 1 FROM app_id_to_user_id u WHERE u.app_id = i.app_id AND u.user_id = i.recipe_user_id AND u.recipe_id = i.recipe_id)""",
    # A primary user whose own account is gone keeps its id for those linked to it, and for the data stored under it when the last of those is unlinked.
    "a user has an account, or led a group": """
        SELECT u.app_id, u.user_id FROM app_id_to_user_id u
        WHERE NOT EXISTS (SELECT 1 FROM recipe_user_account_infos i WHERE i.app_id = u.app_id AND i.recipe_user_id = u.user_id)
          AND NOT (u.is_linked_or_is_a_primary_user AND u.primary_or_recipe_user_id = u.user_id)""",
    # Credentials.
    "a password has an account with its email": """
        SELECT c.app_id, c.user_id FROM emailpassword_users c
        WHERE NOT EXISTS (SELECT 1 FROM recipe_user_account_infos i WHERE i.app_id = c.app_id AND i.recipe_user_id = c.user_id
          AND i.recipe_id = 'emailpassword' AND i.account_info_type = 'email' AND i.account_info_value = c.email)""",
    "an account with email and password has its password": """
        SELECT i.app_id, i.recipe_user_id FROM recipe_user_account_infos i WHERE i.recipe_id = 'emailpassword'
          AND NOT EXISTS (SELECT 1 FROM emailpassword_users c WHERE c.app_id = i.app_id AND c.user_id = i.recipe_user_id)""",
    "a third-party login has its two account rows": """
        SELECT c.app_id, c.user_id FROM thirdparty_users c WHERE (
          SELECT count(*) FROM recipe_user_account_infos i WHERE i.app_id = c.app_id AND i.recipe_user_id = c.user_id AND i.recipe_id = 'thirdparty' AND (
            (i.account_info_type = 'email' AND i.account_info_value = c.email AND i.third_party_id = c.third_party_id
              AND i.third_party_user_id = c.third_party_user_id)
            OR (i.account_info_type = 'tparty' AND i.account_info_value = c.third_party_id || '::' || c.third_party_user_id
              AND i.third_party_id = '' AND i.third_party_user_id = ''))) <> 2""",
    "a third-party account has its login": """
        SELECT i.app_id, i.recipe_user_id FROM recipe_user_account_infos i WHERE i.recipe_id = 'thirdparty'
          AND NOT EXISTS (SELECT 1 FROM thirdparty_users c WHERE c.app_id = i.app_id AND c.user_id = i.recipe_user_id)""",
    "a passwordless login has its account rows": """
        SELECT c.app_id, c.user_id FROM passwordless_users c WHERE c.email IS DISTINCT FROM (
            SELECT max(i.account_info_value) FROM recipe_user_account_infos i WHERE i.app_id = c.app_id AND i.recipe_user_id = c.user_id
              AND i.recipe_id = 'passwordless' AND i.account_info_type = 'email')
          OR c.phone_number IS DISTINCT FROM (
            SELECT max(i.account_info_value) FROM recipe_user_account_infos i WHERE i.app_id = c.app_id AND i.recipe_user_id = c.user_id
              AND i.recipe_id = 'passwordless' AND i.account_info_type = 'phone')""",
    "a passwordless account has its login": """
        SELECT i.app_id, i.recipe_user_id FROM recipe_user_account_infos i WHERE i.recipe_id = 'passwordless'
          AND NOT EXISTS (SELECT 1 FROM passwordless_users c WHERE c.app_id = i.app_id AND c.user_id = i.recipe_user_id)""",
    # Groups.
    "who is not alone is flagged": """
        SELECT app_id, user_id FROM app_id_to_user_id WHERE primary_or_recipe_user_id <> user_id AND NOT is_linked_or_is_a_primary_user""",
    "who is linked is linked to a primary user": """
        SELECT u.app_id, u.user_id FROM app_id_to_user_id u
        WHERE u.primary_or_recipe_user_id <> u.user_id AND NOT EXISTS (SELECT 1 FROM app_id_to_user_id p WHERE p.app_id = u.app_id
          AND p.user_id = u.primary_or_recipe_user_id AND p.primary_or_recipe_user_id = p.user_id AND p.is_linked_or_is_a_primary_user)""",
    "accounts name the group that users are in": """
        WITH """ + GROUPS + """
        SELECT i.app_id, i.recipe_user_id FROM recipe_user_account_infos i JOIN groups g ON g.app_id = i.app_id AND g.user_id = i.recipe_user_id
        WHERE i.primary_user_id IS DISTINCT FROM g.primary_id""",
    # The user that led the group may be a bare id; an oldest one that was removed leaves the group its place in the list.
    "a group has one time, not after that of a member": """
        SELECT u.app_id, u.user_id FROM app_id_to_user_id u
        JOIN (SELECT app_id, primary_or_recipe_user_id, min(primary_or_recipe_user_time_joined) AS listed,
                min(time_joined) FILTER (WHERE EXISTS (SELECT 1 FROM recipe_user_account_infos i WHERE i.app_id = m.app_id AND i.recipe_user_id = m.user_id)) AS first
              FROM app_id_to_user_id m GROUP BY 1, 2) g USING (app_id, primary_or_recipe_user_id)
        WHERE u.primary_or_recipe_user_time_joined <> g.listed OR g.listed > g.first""",
    "who is alone has its own time": """
        SELECT u.app_id, u.user_id FROM app_id_to_user_id u WHERE NOT is_linked_or_is_a_primary_user AND primary_or_recipe_user_time_joined <> time_joined""",
    # The reservations of groups: their account infos in all of their tenants, and nothing else.
    "a reservation is held by a member's account": """
        SELECT p.app_id, p.tenant_id, p.account_info_type, p.primary_user_id FROM primary_user_tenants p
        WHERE NOT EXISTS (SELECT 1 FROM recipe_user_account_infos i WHERE i.app_id = p.app_id AND i.primary_user_id = p.primary_user_id
          AND i.account_info_type = p.account_info_type AND i.account_info_value = p.account_info_value)""",
    "a reservation is in a tenant of a member": """
        SELECT p.app_id, p.tenant_id, p.primary_user_id FROM primary_user_tenants p
        WHERE NOT EXISTS (SELECT 1 FROM recipe_user_account_infos i JOIN recipe_user_tenants t USING (app_id, recipe_user_id)
          WHERE i.app_id = p.app_id AND i.primary_user_id = p.primary_user_id AND t.tenant_id = p.tenant_id)""",
    "a group has reserved each account info in each of its tenants": """
        WITH infos AS (SELECT DISTINCT app_id, primary_user_id, account_info_type, account_info_value FROM recipe_user_account_infos
                       WHERE primary_user_id IS NOT NULL),
             homes AS (SELECT DISTINCT i.app_id, i.primary_user_id, t.tenant_id FROM recipe_user_account_infos i
                       JOIN recipe_user_tenants t USING (app_id, recipe_user_id) WHERE i.primary_user_id IS NOT NULL)
        SELECT infos.app_id, homes.tenant_id, infos.account_info_type, infos.primary_user_id FROM infos JOIN homes USING (app_id, primary_user_id)
        WHERE NOT EXISTS (SELECT 1 FROM primary_user_tenants p WHERE p.app_id = infos.app_id AND p.tenant_id = homes.tenant_id
          AND p.account_info_type = infos.account_info_type AND p.account_info_value = infos.account_info_value
          AND p.primary_user_id = infos.primary_user_id)""",
    # Other services' rows.
    "a mapping is of a user": """
        SELECT m.app_id, m.supertokens_user_id FROM userid_mapping m
        WHERE NOT EXISTS (SELECT 1 FROM app_id_to_user_id u WHERE u.app_id = m.app_id AND u.user_id = m.supertokens_user_id)""",
    "a session is of a tenant": """
        SELECT s.app_id, s.tenant_id, s.session_handle FROM session_info s
        WHERE NOT EXISTS (SELECT 1 FROM tenants t WHERE t.app_id = s.app_id AND t.tenant_id = s.tenant_id)""",
    "a user's role is of a tenant": """
        SELECT r.app_id, r.tenant_id, r.role FROM user_roles r
        WHERE NOT EXISTS (SELECT 1 FROM tenants t WHERE t.app_id = r.app_id AND t.tenant_id = r.tenant_id)""",
    "a tenant has its configuration": """
        SELECT t.app_id, t.tenant_id FROM tenants t
        WHERE NOT EXISTS (SELECT 1 FROM tenant_configs c WHERE c.app_id = t.app_id AND c.tenant_id = t.tenant_id)""",
    "a configuration has its tenant": """
        SELECT c.app_id, c.tenant_id FROM tenant_configs c
        WHERE NOT EXISTS (SELECT 1 FROM tenants t WHERE t.app_id = c.app_id AND t.tenant_id = c.tenant_id)""",
    # The data for listing and counting follows from the other tables. (A removed tenant may have left rows, which are deleted when one of its name is created.)
    "who should be listed is listed": "WITH " + LISTED + " TABLE wanted EXCEPT TABLE listed",
    "who is listed should be": "WITH " + LISTED + " TABLE listed EXCEPT TABLE wanted",
    "users are counted as they are listed": """
        SELECT app_id, tenant_id, recipes, sum(users) FROM (
          SELECT app_id, tenant_id, recipes, users FROM gatehouse_user_counts
          UNION ALL SELECT app_id, tenant_id, recipes, -1 FROM gatehouse_listed_users) c GROUP BY 1, 2, 3 HAVING sum(users) <> 0""",
    "active users are counted by minute and by day": """
        SELECT app_id, width, starts, sum(users) FROM (
          SELECT app_id, width, starts, users FROM gatehouse_active_counts
          UNION ALL SELECT app_id, width, last_active_time / width * width, -1 FROM user_last_active CROSS JOIN (VALUES (60000::bigint), (86400000)) w (width)) c
        GROUP BY 1, 2, 3 HAVING sum(users) <> 0""",
    "the tables before the registry stay empty": """
        SELECT 'all_auth_recipe_users', user_id FROM all_auth_recipe_users UNION ALL
        SELECT 'emailpassword_user_to_tenant', user_id FROM emailpassword_user_to_tenant UNION ALL
        SELECT 'thirdparty_user_to_tenant', user_id FROM thirdparty_user_to_tenant""",
}


def broken(sql):
    """The invariants that do not hold, with up to five of their rows; `sql` runs a statement and returns its rows."""
    # One round trip for all: each row says which invariant it breaks.
    names = list(INVARIANTS)
    whole = " UNION ALL ".join("(SELECT %d, to_jsonb(x)::text FROM (%s LIMIT 5) x)" % (number, INVARIANTS[name]) for number, name in enumerate(names))
    found = {}
    for number, row in sql(whole):
        found.setdefault(names[int(number)], []).append(row)
    return found


def at_rest(sql):
    """Whether nothing is left to be settled of tenants that were removed while their users were changed: true soon after the last request, while Gatehouse runs."""
    return sql("SELECT count(*) FROM gatehouse_unsettled_users") == [["0"]]


def broken_at_rest(sql):
    """As `broken`, once nothing is left to be settled: for tests that remove tenants."""
    harness.wait_until(lambda: at_rest(sql), 60, "groups in removed tenants")
    return broken(sql)

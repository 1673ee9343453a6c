-- The removal of a tenant changes what groups of users are listed without holding their rows, as
-- everybody else does who changes a group. It holds now those that nobody is changing; the others
-- are looked at again when both are done. To wait for them would let two transactions wait for
-- each other.

-- Users whose group's rows in gatehouse_listed_users may not be what they should.
CREATE TABLE IF NOT EXISTS {gatehouse_unsettled_users} (
  id BIGINT GENERATED ALWAYS AS IDENTITY,
  app_id VARCHAR(64) NOT NULL,
  user_id CHAR(36) NOT NULL,
  CONSTRAINT {~gatehouse_unsettled_users}_pkey PRIMARY KEY (id)
);

-- Holds the first rows of the given users' groups, without waiting; notes the users of those that
-- another transaction holds.
CREATE OR REPLACE FUNCTION {schema}.{~gatehouse_hold_groups}(apps varchar[], users bpchar[])
RETURNS void LANGUAGE plpgsql AS $f$
DECLARE
  held_apps varchar[];
  held bpchar[];
BEGIN
  IF cardinality(apps) > 100 THEN
    PERFORM set_config('plan_cache_mode', 'force_custom_plan', true);
  END IF;
  -- In a transaction that sees one snapshot throughout, holding what has changed since is an error.
  IF current_setting('transaction_isolation') = 'read committed' THEN
    SELECT array_agg(h.app_id), array_agg(h.user_id) INTO held_apps, held FROM (
      SELECT g.app_id, g.user_id FROM {schema}.{~app_id_to_user_id} g
      WHERE (g.app_id, g.user_id) IN (
        SELECT u.app_id, u.primary_or_recipe_user_id FROM unnest(apps, users) AS d(app_id, id)
        JOIN {schema}.{~app_id_to_user_id} u ON u.app_id = d.app_id AND u.user_id = d.id)
      FOR NO KEY UPDATE OF g SKIP LOCKED) h;
  END IF;
  -- By the groups that they are in now: one may have been linked before its row was held.
  INSERT INTO {schema}.{~gatehouse_unsettled_users} (app_id, user_id)
  SELECT u.app_id, u.user_id FROM unnest(apps, users) AS d(app_id, id)
  JOIN {schema}.{~app_id_to_user_id} u ON u.app_id = d.app_id AND u.user_id = d.id
  LEFT JOIN unnest(held_apps, held) AS h(app_id, id)
    ON h.app_id = u.app_id AND h.id = u.primary_or_recipe_user_id
  WHERE h.id IS NULL;
END $f$;

CREATE OR REPLACE FUNCTION {schema}.{~gatehouse_follow_tenants}() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
SET plan_cache_mode = force_generic_plan AS $f$
DECLARE
  apps varchar[];
  tenants varchar[];
  groups bpchar[];
BEGIN
  IF TG_OP = 'INSERT' THEN
    SELECT array_agg(g.app_id), array_agg(g.tenant_id), array_agg(g.id)
    INTO apps, tenants, groups FROM (
      SELECT DISTINCT n.app_id, n.tenant_id, u.primary_or_recipe_user_id AS id FROM new_rows n
      JOIN {schema}.{~app_id_to_user_id} u
        ON u.app_id = n.app_id AND u.user_id = n.recipe_user_id) g;
  ELSIF TG_OP = 'UPDATE' THEN
    SELECT array_agg(g.app_id), array_agg(g.tenant_id), array_agg(g.id)
    INTO apps, tenants, groups FROM (
      SELECT DISTINCT d.app_id, d.tenant_id, u.primary_or_recipe_user_id AS id FROM (
        (SELECT n.app_id, n.tenant_id, n.recipe_user_id FROM new_rows n
         EXCEPT SELECT o.app_id, o.tenant_id, o.recipe_user_id FROM old_rows o)
        UNION ALL
        (SELECT o.app_id, o.tenant_id, o.recipe_user_id FROM old_rows o
         EXCEPT SELECT n.app_id, n.tenant_id, n.recipe_user_id FROM new_rows n)) d
      JOIN {schema}.{~app_id_to_user_id} u
        ON u.app_id = d.app_id AND u.user_id = d.recipe_user_id) g;
  ELSE
    -- All of a tenant's rows go with it.
    PERFORM {schema}.{~gatehouse_unlist}(o.app_id, o.tenant_id)
    FROM (SELECT DISTINCT r.app_id, r.tenant_id FROM old_rows r) o
    WHERE (SELECT 1 FROM {schema}.{~tenants} t
           WHERE t.app_id = o.app_id AND t.tenant_id = o.tenant_id) IS NULL;
    WITH gone AS MATERIALIZED (
      SELECT o.app_id, o.tenant_id
      FROM (SELECT DISTINCT r.app_id, r.tenant_id FROM old_rows r) o
      WHERE (SELECT 1 FROM {schema}.{~apps} a WHERE a.app_id = o.app_id) IS NOT NULL
        AND (SELECT 1 FROM {schema}.{~tenants} t
             WHERE t.app_id = o.app_id AND t.tenant_id = o.tenant_id) IS NULL)
    SELECT array_agg(g.app_id), array_agg(g.recipe_user_id) INTO apps, groups FROM (
      SELECT DISTINCT o.app_id, o.recipe_user_id
      FROM gone JOIN old_rows o ON o.app_id = gone.app_id AND o.tenant_id = gone.tenant_id) g;
    IF apps IS NOT NULL THEN
      PERFORM {schema}.{~gatehouse_hold_groups}(apps, groups);
    END IF;
    -- Its groups may be in no tenant any more.
    WITH kept AS MATERIALIZED (
      SELECT o.app_id, o.tenant_id, COALESCE((SELECT t.tenant_id FROM {schema}.{~tenants} t
        WHERE t.app_id = o.app_id AND t.tenant_id = o.tenant_id), '') AS listed
      FROM (SELECT DISTINCT r.app_id, r.tenant_id FROM old_rows r) o
      WHERE (SELECT 1 FROM {schema}.{~apps} a WHERE a.app_id = o.app_id) IS NOT NULL)
    SELECT array_agg(g.app_id), array_agg(g.tenant_id), array_agg(g.id)
    INTO apps, tenants, groups FROM (
      SELECT DISTINCT o.app_id, kept.listed AS tenant_id, u.primary_or_recipe_user_id AS id
      FROM kept JOIN old_rows o ON o.app_id = kept.app_id AND o.tenant_id = kept.tenant_id
      JOIN {schema}.{~app_id_to_user_id} u
        ON u.app_id = o.app_id AND u.user_id = o.recipe_user_id) g;
  END IF;
  IF apps IS NOT NULL THEN
    PERFORM {schema}.{~gatehouse_list}(apps, tenants, groups);
  END IF;
  RETURN NULL;
END $f$;

-- Makes the rows of one unsettled user's group what they should be, while nobody changes it. False
-- when there was none, or another transaction is at it.
CREATE OR REPLACE FUNCTION {schema}.{~gatehouse_settle_user}() RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
SET plan_cache_mode = force_generic_plan AS $f$
DECLARE
  entry record;
  lead bpchar;
  lead_now bpchar;
BEGIN
  SELECT s.id, s.app_id, s.user_id INTO entry FROM {schema}.{~gatehouse_unsettled_users} s
  ORDER BY s.id LIMIT 1 FOR UPDATE SKIP LOCKED;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  SELECT u.primary_or_recipe_user_id INTO lead FROM {schema}.{~app_id_to_user_id} u
  WHERE u.app_id = entry.app_id AND u.user_id = entry.user_id;
  -- In the order in which everybody holds users' rows.
  PERFORM 1 FROM {schema}.{~app_id_to_user_id} u
  WHERE u.app_id = entry.app_id AND u.user_id IN (entry.user_id, lead)
  ORDER BY u.user_id FOR NO KEY UPDATE;
  SELECT u.primary_or_recipe_user_id INTO lead_now FROM {schema}.{~app_id_to_user_id} u
  WHERE u.app_id = entry.app_id AND u.user_id = entry.user_id;
  IF lead_now = lead THEN
    PERFORM {schema}.{~gatehouse_list_groups}(ARRAY[entry.app_id], ARRAY[lead]);
  ELSIF lead_now IS NOT NULL THEN
    INSERT INTO {schema}.{~gatehouse_unsettled_users} (app_id, user_id)
    VALUES (entry.app_id, entry.user_id);
  END IF;
  DELETE FROM {schema}.{~gatehouse_unsettled_users} s WHERE s.id = entry.id;
  RETURN true;
END $f$;

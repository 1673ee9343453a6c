-- Users that are in no tenant do not count in an app, as by the original before 12.0: the row of
-- gatehouse_listed_users with tenant '' is for a group's members that are in any tenant.

-- Makes the rows of the given groups in the given tenants (by position), and those for the app,
-- what they should be.
CREATE OR REPLACE FUNCTION {schema}.{~gatehouse_list}(
  apps varchar[], tenants varchar[], groups bpchar[])
RETURNS void LANGUAGE plpgsql AS $f$
DECLARE
  fold_apps varchar[];
  fold_tenants varchar[];
BEGIN
  IF cardinality(apps) > 100 THEN
    -- Joined as suits so many; the caller's setting returns with the caller's end.
    PERFORM set_config('plan_cache_mode', 'force_custom_plan', true);
  END IF;
  WITH pairs AS MATERIALIZED (
    SELECT p.app_id, p.tenant_id, p.id FROM unnest(apps, tenants, groups)
      AS p(app_id, tenant_id, id)
    UNION
    SELECT g.app_id, ''::varchar, g.id FROM unnest(apps, groups) AS g(app_id, id)),
  wanted AS MATERIALIZED (
    SELECT p.app_id, p.tenant_id, p.id,
      bit_or({schema}.{~gatehouse_recipe_bit}(u.recipe_id)) AS recipes,
      min(u.primary_or_recipe_user_time_joined) AS time_joined
    FROM pairs p JOIN {schema}.{~app_id_to_user_id} u
      ON u.primary_or_recipe_user_id = p.id AND u.app_id = p.app_id
    -- By the user: before the table's first statistics an index by tenant may look as good.
    WHERE (
      SELECT 1 FROM {schema}.{~recipe_user_tenants} t WHERE t.app_id = p.app_id
        AND t.recipe_user_id = u.user_id
        AND (p.tenant_id = '' OR t.tenant_id || '' = p.tenant_id) LIMIT 1) IS NOT NULL
    GROUP BY p.app_id, p.tenant_id, p.id),
  -- By a set operation, which takes as long as both sets are whatever their sizes were thought.
  stale AS MATERIALIZED (
    SELECT l.app_id, l.tenant_id, l.primary_user_id, l.recipes, l.time_joined
    FROM pairs p JOIN {schema}.{~gatehouse_listed_users} l ON l.app_id = p.app_id
      AND l.primary_user_id = p.id AND l.tenant_id = p.tenant_id
    EXCEPT
    SELECT w.app_id, w.tenant_id, w.id, w.recipes, w.time_joined FROM wanted w),
  gone AS (
    DELETE FROM {schema}.{~gatehouse_listed_users} l USING stale s
    WHERE l.app_id = s.app_id AND l.primary_user_id = s.primary_user_id
      AND l.tenant_id = s.tenant_id
    RETURNING l.app_id, l.tenant_id, l.recipes),
  -- After the deletions: a row that changes is deleted and inserted.
  added AS (
    INSERT INTO {schema}.{~gatehouse_listed_users}
      (app_id, tenant_id, primary_user_id, recipes, time_joined)
    SELECT w.app_id, w.tenant_id, w.id, w.recipes, w.time_joined FROM wanted w
    WHERE (SELECT count(*) FROM gone) IS NOT NULL
    ORDER BY w.app_id, w.tenant_id, w.time_joined
    ON CONFLICT (app_id, primary_user_id, tenant_id) DO NOTHING
    RETURNING app_id, tenant_id, recipes),
  noted AS (
    INSERT INTO {schema}.{~gatehouse_user_counts} (app_id, tenant_id, recipes, users)
    SELECT d.app_id, d.tenant_id, d.recipes, sum(d.users) FROM (
      SELECT app_id, tenant_id, recipes, -1 AS users FROM gone UNION ALL
      SELECT app_id, tenant_id, recipes, 1 FROM added) d
    GROUP BY d.app_id, d.tenant_id, d.recipes HAVING sum(d.users) <> 0
    RETURNING app_id, tenant_id)
  SELECT array_agg(n.app_id), array_agg(n.tenant_id) INTO fold_apps, fold_tenants
  FROM noted n WHERE random() < 1.0 / 64;
  IF fold_apps IS NOT NULL THEN
    PERFORM {schema}.{~gatehouse_fold_users}(d.app_id, d.tenant_id)
    FROM (SELECT DISTINCT f.app_id, f.tenant_id
          FROM unnest(fold_apps, fold_tenants) AS f(app_id, tenant_id)) d;
  END IF;
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

-- Makes everything anew: for this migration, and for an administrator who has written the tables
-- with triggers switched off. Nobody writes them meanwhile.
CREATE OR REPLACE FUNCTION {schema}.{~gatehouse_recount_users}() RETURNS void
LANGUAGE plpgsql AS $f$
BEGIN
  LOCK TABLE {schema}.{~app_id_to_user_id}, {schema}.{~recipe_user_tenants},
    {schema}.{~user_last_active} IN SHARE ROW EXCLUSIVE MODE;
  DELETE FROM {schema}.{~gatehouse_listed_users};
  DELETE FROM {schema}.{~gatehouse_user_counts};
  DELETE FROM {schema}.{~gatehouse_active_counts};
  INSERT INTO {schema}.{~gatehouse_listed_users}
    (app_id, tenant_id, primary_user_id, recipes, time_joined)
  SELECT u.app_id, t.tenant_id, u.primary_or_recipe_user_id,
    bit_or({schema}.{~gatehouse_recipe_bit}(u.recipe_id)),
    min(u.primary_or_recipe_user_time_joined)
  FROM {schema}.{~app_id_to_user_id} u JOIN (
    SELECT DISTINCT r.app_id, r.tenant_id, r.recipe_user_id
    FROM {schema}.{~recipe_user_tenants} r) t
    ON t.app_id = u.app_id AND t.recipe_user_id = u.user_id
  GROUP BY 1, 2, 3 ORDER BY 1, 2, 4, 5;
  INSERT INTO {schema}.{~gatehouse_listed_users}
    (app_id, tenant_id, primary_user_id, recipes, time_joined)
  SELECT u.app_id, '', u.primary_or_recipe_user_id,
    bit_or({schema}.{~gatehouse_recipe_bit}(u.recipe_id)),
    min(u.primary_or_recipe_user_time_joined)
  FROM {schema}.{~app_id_to_user_id} u JOIN (
    SELECT DISTINCT r.app_id, r.recipe_user_id FROM {schema}.{~recipe_user_tenants} r) t
    ON t.app_id = u.app_id AND t.recipe_user_id = u.user_id
  GROUP BY 1, 3;
  INSERT INTO {schema}.{~gatehouse_user_counts} (app_id, tenant_id, recipes, users)
  SELECT l.app_id, l.tenant_id, l.recipes, count(*)
  FROM {schema}.{~gatehouse_listed_users} l GROUP BY 1, 2, 3;
  INSERT INTO {schema}.{~gatehouse_active_counts} (app_id, width, starts, users)
  SELECT a.app_id, w.width, {schema}.{~gatehouse_bucket}(a.last_active_time, w.width), count(*)
  FROM {schema}.{~user_last_active} a
  CROSS JOIN (VALUES (60000::bigint), (86400000::bigint)) AS w(width)
  WHERE a.last_active_time IS NOT NULL GROUP BY 1, 2, 3;
END $f$;

SELECT {schema}.{~gatehouse_recount_users}();

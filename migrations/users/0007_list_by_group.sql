-- gatehouse_list looks up each group's rows by itself, whatever the statistics say. Joins that were
-- planned for a small table read all of the app's users at each sign-up, change of an email and
-- removal once it had grown, until autovacuum came by. OFFSET keeps a look-up from being joined
-- first.

CREATE OR REPLACE FUNCTION {schema}.{~gatehouse_list}(
  apps varchar[], tenants varchar[], groups bpchar[])
RETURNS void LANGUAGE plpgsql AS $f$
DECLARE
  fold_apps varchar[];
  fold_tenants varchar[];
BEGIN
  IF cardinality(apps) > 100 THEN
    -- Planned for so many rows; the setting is restored when the caller ends.
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
    FROM pairs p CROSS JOIN LATERAL (
      SELECT m.user_id, m.recipe_id, m.primary_or_recipe_user_time_joined
      FROM {schema}.{~app_id_to_user_id} m
      WHERE m.primary_or_recipe_user_id = p.id AND m.app_id = p.app_id OFFSET 0) u
    -- By the user: before the table's first statistics an index by tenant may look as good.
    WHERE (
      SELECT 1 FROM {schema}.{~recipe_user_tenants} t WHERE t.app_id = p.app_id
        AND t.recipe_user_id = u.user_id
        AND (p.tenant_id = '' OR t.tenant_id || '' = p.tenant_id) LIMIT 1) IS NOT NULL
    GROUP BY p.app_id, p.tenant_id, p.id),
  -- By a set operation, whose time is linear in both sets whatever their estimated sizes.
  stale AS MATERIALIZED (
    SELECT l.app_id, l.tenant_id, l.primary_user_id, l.recipes, l.time_joined
    FROM pairs p CROSS JOIN LATERAL (
      SELECT k.app_id, k.tenant_id, k.primary_user_id, k.recipes, k.time_joined
      FROM {schema}.{~gatehouse_listed_users} k WHERE k.app_id = p.app_id
        AND k.primary_user_id = p.id AND k.tenant_id = p.tenant_id OFFSET 0) l
    EXCEPT
    SELECT w.app_id, w.tenant_id, w.id, w.recipes, w.time_joined FROM wanted w),
  gone AS (
    DELETE FROM {schema}.{~gatehouse_listed_users} l
    WHERE l.ctid = ANY (ARRAY(
      SELECT k.at FROM stale s CROSS JOIN LATERAL (
        SELECT r.ctid AS at FROM {schema}.{~gatehouse_listed_users} r WHERE r.app_id = s.app_id
          AND r.primary_user_id = s.primary_user_id AND r.tenant_id = s.tenant_id OFFSET 0) k))
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

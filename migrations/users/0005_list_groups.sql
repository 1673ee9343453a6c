-- gatehouse_list_groups reads a group's tenants user by user, whatever the statistics say. A plan
-- that was made before the first ones, for tables that seem empty, joined all tenants of the app's
-- users with all of its users at each sign-up: quadratic, until autovacuum came by.

CREATE OR REPLACE FUNCTION {schema}.{~gatehouse_list_groups}(apps varchar[], groups bpchar[])
RETURNS void LANGUAGE plpgsql AS $f$
DECLARE
  pair_apps varchar[];
  pair_tenants varchar[];
  pair_groups bpchar[];
BEGIN
  IF apps IS NULL THEN
    RETURN;
  END IF;
  IF cardinality(apps) > 100 THEN
    PERFORM set_config('plan_cache_mode', 'force_custom_plan', true);
  END IF;
  WITH given AS MATERIALIZED (
    SELECT g.app_id, g.id FROM unnest(apps, groups) AS g(app_id, id)),
  pairs AS (
    SELECT g.app_id, ''::varchar AS tenant_id, g.id FROM given g
    UNION
    SELECT g.app_id, t.tenant_id, g.id FROM given g
    JOIN {schema}.{~app_id_to_user_id} u
      ON u.primary_or_recipe_user_id = g.id AND u.app_id = g.app_id
    -- OFFSET keeps this from being joined first.
    CROSS JOIN LATERAL (
      SELECT r.tenant_id FROM {schema}.{~recipe_user_tenants} r
      WHERE r.app_id = u.app_id AND r.recipe_user_id = u.user_id OFFSET 0) t
    UNION
    SELECT g.app_id, l.tenant_id, g.id FROM given g
    JOIN {schema}.{~gatehouse_listed_users} l ON l.app_id = g.app_id AND l.primary_user_id = g.id)
  SELECT array_agg(p.app_id), array_agg(p.tenant_id), array_agg(p.id)
  INTO pair_apps, pair_tenants, pair_groups FROM pairs p;
  PERFORM {schema}.{~gatehouse_list}(pair_apps, pair_tenants, pair_groups);
END $f$;

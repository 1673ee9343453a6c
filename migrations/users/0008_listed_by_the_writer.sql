-- A statement that signs a user up knows what to list and to count: a group of one, in one tenant.
-- It writes that itself and says so, by a setting that ends with its transaction. The triggers,
-- which have to look everything up, do the same for all other writers; they cost a sign-up more
-- than all the rest.

-- Each session counts in rows of its own, `writer` being its process, so that no two wait for each
-- other, and a count is the sum of a few rows. Rows that each sign-up appended, to be folded by a
-- later one, left behind what each count and fold had to walk over until the next vacuum. Adding to
-- a row leaves nothing: `users` is in no index, and pages are kept mostly empty, so that PostgreSQL
-- clears the row's older versions away by itself (HOT). The triggers still append: `writer` 0.
ALTER TABLE {gatehouse_user_counts}
  ADD COLUMN IF NOT EXISTS writer INTEGER NOT NULL DEFAULT 0,
  DROP CONSTRAINT IF EXISTS {~gatehouse_user_counts}_pkey;
ALTER TABLE {gatehouse_user_counts}
  ADD CONSTRAINT {~gatehouse_user_counts}_pkey
    PRIMARY KEY (app_id, tenant_id, recipes, writer, id),
  SET (fillfactor = 25);

-- A user that is in no tenant is not listed, so its insertion changes nothing. Writers other than
-- the above insert users before their tenants.
CREATE OR REPLACE FUNCTION {schema}.{~gatehouse_follow_users}() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
SET plan_cache_mode = force_generic_plan AS $f$
DECLARE
  apps varchar[];
  groups bpchar[];
BEGIN
  IF TG_OP = 'INSERT' THEN
    SELECT array_agg(g.app_id), array_agg(g.id) INTO apps, groups FROM (
      SELECT DISTINCT n.app_id, n.primary_or_recipe_user_id AS id FROM new_rows n
      WHERE (SELECT 1 FROM {schema}.{~recipe_user_tenants} t
             WHERE t.app_id = n.app_id AND t.recipe_user_id = n.user_id LIMIT 1) IS NOT NULL) g;
  ELSIF TG_OP = 'UPDATE' THEN
    SELECT array_agg(g.app_id), array_agg(g.id) INTO apps, groups FROM (
      SELECT DISTINCT d.app_id, d.id FROM (
        (SELECT n.app_id, n.primary_or_recipe_user_id AS id, n.user_id, n.recipe_id,
           n.primary_or_recipe_user_time_joined FROM new_rows n
         EXCEPT
         SELECT o.app_id, o.primary_or_recipe_user_id, o.user_id, o.recipe_id,
           o.primary_or_recipe_user_time_joined FROM old_rows o)
        UNION ALL
        (SELECT o.app_id, o.primary_or_recipe_user_id, o.user_id, o.recipe_id,
           o.primary_or_recipe_user_time_joined FROM old_rows o
         EXCEPT
         SELECT n.app_id, n.primary_or_recipe_user_id, n.user_id, n.recipe_id,
           n.primary_or_recipe_user_time_joined FROM new_rows n)) d) g;
  ELSE
    PERFORM {schema}.{~gatehouse_unlist}(o.app_id, NULL)
    FROM (SELECT DISTINCT r.app_id FROM old_rows r) o
    WHERE (SELECT 1 FROM {schema}.{~apps} a WHERE a.app_id = o.app_id) IS NULL;
    SELECT array_agg(g.app_id), array_agg(g.id) INTO apps, groups FROM (
      SELECT DISTINCT o.app_id, o.primary_or_recipe_user_id AS id FROM old_rows o) g
    WHERE (SELECT 1 FROM {schema}.{~apps} a WHERE a.app_id = g.app_id) IS NOT NULL;
  END IF;
  PERFORM {schema}.{~gatehouse_list_groups}(apps, groups);
  RETURN NULL;
END $f$;

DROP TRIGGER IF EXISTS gatehouse_insert ON {app_id_to_user_id};
CREATE TRIGGER gatehouse_insert AFTER INSERT ON {app_id_to_user_id}
  REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT
  WHEN (current_setting('gatehouse.lists_itself', true) IS DISTINCT FROM 'on')
  EXECUTE PROCEDURE {schema}.{~gatehouse_follow_users}();

DROP TRIGGER IF EXISTS gatehouse_insert ON {recipe_user_tenants};
CREATE TRIGGER gatehouse_insert AFTER INSERT ON {recipe_user_tenants}
  REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT
  WHEN (current_setting('gatehouse.lists_itself', true) IS DISTINCT FROM 'on')
  EXECUTE PROCEDURE {schema}.{~gatehouse_follow_tenants}();

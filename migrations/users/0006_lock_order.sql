-- One order in which rows are locked, whoever changes users. See docs/adr, decision 13.

-- Keeps an app, and tenants of it, from being removed while the transaction lasts: a removal waits,
-- before it holds anything that others wait for. With the owner's rights: the tables are another
-- service's. True, so that a statement can ask for it in a condition.
CREATE OR REPLACE FUNCTION {schema}.{~gatehouse_hold_tenants}(app varchar, ids varchar[])
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp AS $f$
BEGIN
  PERFORM 1 FROM {schema}.{~apps} a WHERE a.app_id = app FOR KEY SHARE;
  IF cardinality(ids) > 0 THEN
    PERFORM 1 FROM {schema}.{~tenants} t WHERE t.app_id = app AND t.tenant_id = ANY (ids)
    ORDER BY t.tenant_id FOR KEY SHARE;
  END IF;
  RETURN true;
END $f$;

-- As in 0005, with the group's first row before the user's.
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
  PERFORM {schema}.{~gatehouse_hold_tenants}(entry.app_id, NULL);
  SELECT u.primary_or_recipe_user_id INTO lead FROM {schema}.{~app_id_to_user_id} u
  WHERE u.app_id = entry.app_id AND u.user_id = entry.user_id;
  PERFORM 1 FROM {schema}.{~app_id_to_user_id} u
  WHERE u.app_id = entry.app_id AND u.user_id = lead FOR NO KEY UPDATE;
  PERFORM 1 FROM {schema}.{~app_id_to_user_id} u
  WHERE u.app_id = entry.app_id AND u.user_id = entry.user_id FOR NO KEY UPDATE;
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

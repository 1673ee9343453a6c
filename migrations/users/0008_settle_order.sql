-- As in 0006, but looks before it waits for the user's row: a user that has left the group since
-- belongs to another, who may be waiting for the row that is held here. Nobody leaves a group whose
-- first row is held.
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
  SELECT u.primary_or_recipe_user_id INTO lead_now FROM {schema}.{~app_id_to_user_id} u
  WHERE u.app_id = entry.app_id AND u.user_id = entry.user_id;
  IF lead_now = lead THEN
    PERFORM 1 FROM {schema}.{~app_id_to_user_id} u
    WHERE u.app_id = entry.app_id AND u.user_id = entry.user_id FOR NO KEY UPDATE;
    PERFORM {schema}.{~gatehouse_list_groups}(ARRAY[entry.app_id], ARRAY[lead]);
  ELSIF lead_now IS NOT NULL THEN
    INSERT INTO {schema}.{~gatehouse_unsettled_users} (app_id, user_id)
    VALUES (entry.app_id, entry.user_id);
  END IF;
  DELETE FROM {schema}.{~gatehouse_unsettled_users} s WHERE s.id = entry.id;
  RETURN true;
END $f$;

-- A core of 12.3 or newer writes who was active to activity_log only, and copies it to
-- user_last_active every ten minutes: what it had not copied when it stopped is in the log alone.
-- This copies the last 31 days, as that core's own job does, under its lock: only users that there
-- are, never an earlier time, and without those that were linked into another user since. Returns
-- how many rows it changed; again, it changes none. Logs of older cores, and ours, have no such
-- events.
CREATE OR REPLACE FUNCTION {schema}.{~gatehouse_fold_activity}() RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $f$
DECLARE
  since CONSTANT bigint :=
      (extract(epoch FROM now()) * 1000)::bigint - 31 * bigint '86400000';
  changed bigint;
  dropped bigint;
BEGIN
  -- The core is doing it this very moment.
  IF NOT pg_try_advisory_xact_lock(hashtext('last_active_rollup')) THEN
    RETURN 0;
  END IF;

  INSERT INTO {schema}.{~user_last_active} AS kept (app_id, user_id, last_active_time)
  SELECT log.app_id, log.primary_or_recipe_user_id, max(log.created_at)
  FROM {schema}.{~activity_log} log
  WHERE log.created_at >= since
    AND log.event_type IN ('sign_in', 'sign_out', 'token_refresh', 'session_create',
                           'oauth_token_exchange', 'oauth_authorize', 'user_creation',
                           'account_linking')
    AND EXISTS (SELECT FROM {schema}.{~app_id_to_user_id} known
                WHERE known.app_id = log.app_id
                  AND known.user_id = log.primary_or_recipe_user_id::bpchar)
  GROUP BY log.app_id, log.primary_or_recipe_user_id
  ORDER BY log.app_id, log.primary_or_recipe_user_id
  ON CONFLICT (app_id, user_id) DO UPDATE SET last_active_time = EXCLUDED.last_active_time
  WHERE kept.last_active_time < EXCLUDED.last_active_time;
  GET DIAGNOSTICS changed = ROW_COUNT;

  DELETE FROM {schema}.{~user_last_active} linked
  USING {schema}.{~activity_log} log
  WHERE log.event_type = 'account_linking' AND log.created_at >= since
    AND log.app_id = linked.app_id AND log.recipe_user_id = linked.user_id
    AND log.created_at >= linked.last_active_time;
  GET DIAGNOSTICS dropped = ROW_COUNT;
  RETURN changed + dropped;
END
$f$;

SELECT {schema}.{~gatehouse_fold_activity}();

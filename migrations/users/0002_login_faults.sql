-- Login methods whose registry rows and credentials do not belong together: what an attempt that
-- was interrupted between two services leaves behind. With the owner's rights: the tables belong to
-- several services. Users that an older core left for `migrate` (time_joined 0) are skipped.

-- What is wrong with a login method: 'missing' (the registry has it, its recipe has not), 'differs',
-- 'left over' (of a primary user whose own login method is gone), or NULL.
CREATE OR REPLACE FUNCTION {schema}.{~gatehouse_login_fault}(app varchar, id bpchar)
RETURNS varchar LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
SET plan_cache_mode = force_generic_plan AS $f$
DECLARE
  registered record;
  info record;
  kept record;
BEGIN
  SELECT u.recipe_id, u.is_linked_or_is_a_primary_user AND u.primary_or_recipe_user_id = u.user_id
    AS leads INTO registered FROM {schema}.{~app_id_to_user_id} u
  WHERE u.app_id = app AND u.user_id = id AND u.time_joined <> 0;
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  SELECT count(*) AS rows,
    max(i.account_info_value) FILTER (WHERE i.account_info_type = 'email') AS email,
    max(i.account_info_value) FILTER (WHERE i.account_info_type = 'phone') AS phone
  INTO info FROM {schema}.{~recipe_user_account_infos} i
  WHERE i.app_id = app AND i.recipe_user_id = id;
  IF registered.recipe_id = 'thirdparty' THEN
    SELECT c.email, NULL::varchar AS phone INTO kept FROM {schema}.{~thirdparty_users} c
    WHERE c.app_id = app AND c.user_id = id;
  ELSIF registered.recipe_id = 'passwordless' THEN
    SELECT c.email, c.phone_number AS phone INTO kept FROM {schema}.{~passwordless_users} c
    WHERE c.app_id = app AND c.user_id = id;
  ELSIF registered.recipe_id = 'webauthn' THEN
    SELECT c.email, NULL::varchar AS phone INTO kept FROM {schema}.{~webauthn_users} c
    WHERE c.app_id = app AND c.user_id = id;
  ELSE
    RETURN NULL;
  END IF;
  IF NOT FOUND THEN
    -- Nobody but the user has a passkey: the next sign-up with the email completes this one.
    RETURN CASE WHEN info.rows > 0 AND registered.recipe_id <> 'webauthn' THEN 'missing' END;
  ELSIF info.rows = 0 THEN
    RETURN CASE WHEN registered.leads THEN 'left over' END;
  ELSIF kept.email IS DISTINCT FROM info.email OR kept.phone IS DISTINCT FROM info.phone THEN
    RETURN 'differs';
  END IF;
  RETURN NULL;
END $f$;

-- Makes a login method's credentials match its registry rows. Locks the user's row first, so that
-- other changes of the user have ended. Returns the fault that it repaired, or NULL.
CREATE OR REPLACE FUNCTION {schema}.{~gatehouse_mend_login}(app varchar, id bpchar)
RETURNS varchar LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
SET plan_cache_mode = force_generic_plan AS $f$
DECLARE
  fault varchar;
  recipe varchar;
BEGIN
  SELECT u.recipe_id INTO recipe FROM {schema}.{~app_id_to_user_id} u
  WHERE u.app_id = app AND u.user_id = id FOR KEY SHARE;
  fault := {schema}.{~gatehouse_login_fault}(app, id);
  IF fault = 'left over' THEN
    DELETE FROM {schema}.{~thirdparty_users} c
    WHERE recipe = 'thirdparty' AND c.app_id = app AND c.user_id = id;
    DELETE FROM {schema}.{~passwordless_users} c
    WHERE recipe = 'passwordless' AND c.app_id = app AND c.user_id = id;
    DELETE FROM {schema}.{~webauthn_users} c
    WHERE recipe = 'webauthn' AND c.app_id = app AND c.user_id = id;
  ELSIF fault IS NOT NULL AND recipe = 'webauthn' THEN
    UPDATE {schema}.{~webauthn_users} c SET email = i.account_info_value
    FROM {schema}.{~recipe_user_account_infos} i
    WHERE c.app_id = app AND c.user_id = id AND i.app_id = app AND i.recipe_user_id = id
      AND i.account_info_type = 'email';
  ELSIF fault IS NOT NULL AND recipe = 'thirdparty' THEN
    INSERT INTO {schema}.{~thirdparty_users}
      (app_id, user_id, third_party_id, third_party_user_id, email, time_joined)
    SELECT u.app_id, u.user_id, i.third_party_id, i.third_party_user_id, i.account_info_value,
      u.time_joined
    FROM {schema}.{~app_id_to_user_id} u JOIN {schema}.{~recipe_user_account_infos} i
      ON i.app_id = u.app_id AND i.recipe_user_id = u.user_id AND i.account_info_type = 'email'
    WHERE u.app_id = app AND u.user_id = id
    ON CONFLICT (app_id, user_id) DO UPDATE SET email = EXCLUDED.email;
  ELSIF fault IS NOT NULL THEN
    INSERT INTO {schema}.{~passwordless_users}
      (app_id, user_id, email, phone_number, time_joined)
    SELECT u.app_id, u.user_id,
      max(i.account_info_value) FILTER (WHERE i.account_info_type = 'email'),
      max(i.account_info_value) FILTER (WHERE i.account_info_type = 'phone'), u.time_joined
    FROM {schema}.{~app_id_to_user_id} u JOIN {schema}.{~recipe_user_account_infos} i
      ON i.app_id = u.app_id AND i.recipe_user_id = u.user_id
    WHERE u.app_id = app AND u.user_id = id GROUP BY u.app_id, u.user_id, u.time_joined
    ON CONFLICT (app_id, user_id) DO UPDATE
      SET email = EXCLUDED.email, phone_number = EXCLUDED.phone_number;
  END IF;
  RETURN fault;
END $f$;

-- Checks the next `batch` users after the given one, until the first faulty one. Returns the last
-- user checked, its fault or NULL, and whether there may be more; no row if there are no users.
-- `recipe`: only of that recipe, or NULL.
CREATE OR REPLACE FUNCTION {schema}.{~gatehouse_next_login_fault}(
  recipe varchar, after_app varchar, after_user bpchar, batch integer)
RETURNS TABLE (at_app varchar, at_user bpchar, of_recipe varchar, fault varchar, more boolean)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
SET plan_cache_mode = force_generic_plan AS $f$
DECLARE
  looked_at integer := 0;
BEGIN
  FOR at_app, at_user, of_recipe IN
    SELECT u.app_id, u.user_id, u.recipe_id FROM {schema}.{~app_id_to_user_id} u
    WHERE (u.app_id, u.user_id) > (after_app, after_user)
    ORDER BY u.app_id, u.user_id LIMIT batch
  LOOP
    looked_at := looked_at + 1;
    IF recipe IS NULL OR of_recipe = recipe THEN
      fault := {schema}.{~gatehouse_login_fault}(at_app, at_user);
      EXIT WHEN fault IS NOT NULL;
    END IF;
  END LOOP;
  IF looked_at > 0 THEN
    more := fault IS NOT NULL OR looked_at = batch;
    RETURN NEXT;
  END IF;
END $f$;

-- gatehouse_passkeys has a row for each row of webauthn_credentials that belongs to a user, for all
-- programs that write those (docs/adr/0014). With the owner's rights: a role that may write
-- webauthn_credentials needs none on the copy. In the writer's transaction; the copy's rows are locked after the
-- credential's. A sign-in, which changes a counter, fires nothing.

CREATE OR REPLACE FUNCTION {schema}.{~gatehouse_copy_passkeys}() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
BEGIN
  INSERT INTO {schema}.{~gatehouse_passkeys} (app_id, user_id, rp_id, credential_id)
  SELECT c.app_id, c.user_id, c.rp_id, c.id FROM new_credentials c WHERE c.user_id IS NOT NULL
  ORDER BY c.app_id, c.user_id, c.rp_id, c.id
  ON CONFLICT DO NOTHING;
  RETURN NULL;
END $f$;

CREATE OR REPLACE FUNCTION {schema}.{~gatehouse_drop_passkeys}() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off
SET plan_cache_mode = force_generic_plan AS $f$
DECLARE
  gone record;
BEGIN
  -- One by one: a join would be planned for sizes that nobody knows.
  FOR gone IN SELECT c.app_id, c.user_id, c.rp_id, c.id FROM old_credentials c
    WHERE c.user_id IS NOT NULL ORDER BY c.app_id, c.user_id, c.rp_id, c.id
  LOOP
    DELETE FROM {schema}.{~gatehouse_passkeys} k
    WHERE k.app_id = gone.app_id AND k.user_id = gone.user_id AND k.rp_id = gone.rp_id
      AND k.credential_id = gone.id;
  END LOOP;
  RETURN NULL;
END $f$;

-- No core moves a passkey; for an operator who does it with SQL.
CREATE OR REPLACE FUNCTION {schema}.{~gatehouse_move_passkey}() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
BEGIN
  DELETE FROM {schema}.{~gatehouse_passkeys} k
  WHERE k.app_id = OLD.app_id AND k.user_id = OLD.user_id AND k.rp_id = OLD.rp_id
    AND k.credential_id = OLD.id;
  IF NEW.user_id IS NOT NULL THEN
    INSERT INTO {schema}.{~gatehouse_passkeys} (app_id, user_id, rp_id, credential_id)
    VALUES (NEW.app_id, NEW.user_id, NEW.rp_id, NEW.id) ON CONFLICT DO NOTHING;
  END IF;
  RETURN NULL;
END $f$;

CREATE OR REPLACE FUNCTION {schema}.{~gatehouse_forget_passkeys}() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
BEGIN
  DELETE FROM {schema}.{~gatehouse_passkeys};
  RETURN NULL;
END $f$;

-- After webauthn_credentials was written with triggers disabled.
CREATE OR REPLACE FUNCTION {schema}.{~gatehouse_recount_passkeys}() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $f$
BEGIN
  LOCK TABLE {schema}.{~webauthn_credentials} IN SHARE ROW EXCLUSIVE MODE;
  DELETE FROM {schema}.{~gatehouse_passkeys};
  INSERT INTO {schema}.{~gatehouse_passkeys} (app_id, user_id, rp_id, credential_id)
  SELECT c.app_id, c.user_id, c.rp_id, c.id FROM {schema}.{~webauthn_credentials} c
  WHERE c.user_id IS NOT NULL;
END $f$;

DROP TRIGGER IF EXISTS gatehouse_passkeys_insert ON {webauthn_credentials};
DROP TRIGGER IF EXISTS gatehouse_passkeys_delete ON {webauthn_credentials};
DROP TRIGGER IF EXISTS gatehouse_passkeys_update ON {webauthn_credentials};
DROP TRIGGER IF EXISTS gatehouse_passkeys_truncate ON {webauthn_credentials};
CREATE TRIGGER gatehouse_passkeys_insert AFTER INSERT ON {webauthn_credentials}
  REFERENCING NEW TABLE AS new_credentials FOR EACH STATEMENT
  EXECUTE FUNCTION {schema}.{~gatehouse_copy_passkeys}();
CREATE TRIGGER gatehouse_passkeys_delete AFTER DELETE ON {webauthn_credentials}
  REFERENCING OLD TABLE AS old_credentials FOR EACH STATEMENT
  EXECUTE FUNCTION {schema}.{~gatehouse_drop_passkeys}();
CREATE TRIGGER gatehouse_passkeys_update AFTER UPDATE OF app_id, user_id, rp_id, id
  ON {webauthn_credentials} FOR EACH ROW
  EXECUTE FUNCTION {schema}.{~gatehouse_move_passkey}();
CREATE TRIGGER gatehouse_passkeys_truncate AFTER TRUNCATE ON {webauthn_credentials}
  FOR EACH STATEMENT EXECUTE FUNCTION {schema}.{~gatehouse_forget_passkeys}();

SELECT {schema}.{~gatehouse_recount_passkeys}();

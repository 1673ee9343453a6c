-- Cores before 12.0 made these foreign keys without ON UPDATE CASCADE. Nothing to do otherwise.
-- A recovery token belonged to a user in a tenant; since then it belongs to the user.

DO $$ BEGIN
  IF EXISTS (SELECT 1 FROM pg_constraint
             WHERE conrelid = '{webauthn_users}'::regclass
             AND conname = '{~webauthn_users}_user_id_fkey'::name
             AND confupdtype <> 'c') THEN
    ALTER TABLE {webauthn_users}
      DROP CONSTRAINT {~webauthn_users}_user_id_fkey,
      ADD CONSTRAINT {~webauthn_users}_user_id_fkey
        FOREIGN KEY (app_id, user_id)
        REFERENCES {app_id_to_user_id} (app_id, user_id) ON DELETE CASCADE ON UPDATE CASCADE;
  END IF;
END $$;
DO $$ BEGIN
  IF EXISTS (SELECT 1 FROM pg_constraint
             WHERE conrelid = '{webauthn_account_recovery_tokens}'::regclass
             AND conname = '{~webauthn_account_recovery_token}_user_id_fkey'::name
             AND confupdtype <> 'c') THEN
    ALTER TABLE {webauthn_account_recovery_tokens}
      DROP CONSTRAINT {~webauthn_account_recovery_token}_user_id_fkey,
      ADD CONSTRAINT {~webauthn_account_recovery_token}_user_id_fkey
        FOREIGN KEY (app_id, user_id)
        REFERENCES {app_id_to_user_id} (app_id, user_id) ON DELETE CASCADE ON UPDATE CASCADE;
  END IF;
END $$;

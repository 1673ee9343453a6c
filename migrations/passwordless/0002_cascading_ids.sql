-- Cores before 12.0 made these foreign keys without ON UPDATE CASCADE. Nothing to do otherwise.

DO $$ BEGIN
  IF EXISTS (SELECT 1 FROM pg_constraint
             WHERE conrelid = '{passwordless_users}'::regclass
             AND conname = '{~passwordless_users}_user_id_fkey'::name
             AND confupdtype <> 'c') THEN
    ALTER TABLE {passwordless_users}
      DROP CONSTRAINT {~passwordless_users}_user_id_fkey,
      ADD CONSTRAINT {~passwordless_users}_user_id_fkey
        FOREIGN KEY (app_id, user_id)
        REFERENCES {app_id_to_user_id} (app_id, user_id) ON DELETE CASCADE ON UPDATE CASCADE;
  END IF;
END $$;

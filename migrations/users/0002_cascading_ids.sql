-- Cores before 12.0 made these foreign keys without ON UPDATE CASCADE. Nothing to do otherwise.

DO $$ BEGIN
  IF EXISTS (SELECT 1 FROM pg_constraint
             WHERE conrelid = '{app_id_to_user_id}'::regclass
             AND conname = '{~app_id_to_user_id}_primary_or_recipe_user_id_fkey'::name
             AND confupdtype <> 'c') THEN
    ALTER TABLE {app_id_to_user_id}
      DROP CONSTRAINT {~app_id_to_user_id}_primary_or_recipe_user_id_fkey,
      ADD CONSTRAINT {~app_id_to_user_id}_primary_or_recipe_user_id_fkey
        FOREIGN KEY (app_id, primary_or_recipe_user_id)
        REFERENCES {app_id_to_user_id} (app_id, user_id) ON DELETE CASCADE ON UPDATE CASCADE;
  END IF;
END $$;
DO $$ BEGIN
  IF EXISTS (SELECT 1 FROM pg_constraint
             WHERE conrelid = '{all_auth_recipe_users}'::regclass
             AND conname = '{~all_auth_recipe_users}_primary_or_recipe_user_id_fkey'::name
             AND confupdtype <> 'c') THEN
    ALTER TABLE {all_auth_recipe_users}
      DROP CONSTRAINT {~all_auth_recipe_users}_primary_or_recipe_user_id_fkey,
      ADD CONSTRAINT {~all_auth_recipe_users}_primary_or_recipe_user_id_fkey
        FOREIGN KEY (app_id, primary_or_recipe_user_id)
        REFERENCES {app_id_to_user_id} (app_id, user_id) ON DELETE CASCADE ON UPDATE CASCADE;
  END IF;
END $$;
DO $$ BEGIN
  IF EXISTS (SELECT 1 FROM pg_constraint
             WHERE conrelid = '{all_auth_recipe_users}'::regclass
             AND conname = '{~all_auth_recipe_users}_user_id_fkey'::name
             AND confupdtype <> 'c') THEN
    ALTER TABLE {all_auth_recipe_users}
      DROP CONSTRAINT {~all_auth_recipe_users}_user_id_fkey,
      ADD CONSTRAINT {~all_auth_recipe_users}_user_id_fkey
        FOREIGN KEY (app_id, user_id)
        REFERENCES {app_id_to_user_id} (app_id, user_id) ON DELETE CASCADE ON UPDATE CASCADE;
  END IF;
END $$;
DO $$ BEGIN
  IF EXISTS (SELECT 1 FROM pg_constraint
             WHERE conrelid = '{emailpassword_users}'::regclass
             AND conname = '{~emailpassword_users}_user_id_fkey'::name
             AND confupdtype <> 'c') THEN
    ALTER TABLE {emailpassword_users}
      DROP CONSTRAINT {~emailpassword_users}_user_id_fkey,
      ADD CONSTRAINT {~emailpassword_users}_user_id_fkey
        FOREIGN KEY (app_id, user_id)
        REFERENCES {app_id_to_user_id} (app_id, user_id) ON DELETE CASCADE ON UPDATE CASCADE;
  END IF;
END $$;
DO $$ BEGIN
  IF EXISTS (SELECT 1 FROM pg_constraint
             WHERE conrelid = '{userid_mapping}'::regclass
             AND conname = '{~userid_mapping}_supertokens_user_id_fkey'::name
             AND confupdtype <> 'c') THEN
    ALTER TABLE {userid_mapping}
      DROP CONSTRAINT {~userid_mapping}_supertokens_user_id_fkey,
      ADD CONSTRAINT {~userid_mapping}_supertokens_user_id_fkey
        FOREIGN KEY (app_id, supertokens_user_id)
        REFERENCES {app_id_to_user_id} (app_id, user_id) ON DELETE CASCADE ON UPDATE CASCADE;
  END IF;
END $$;

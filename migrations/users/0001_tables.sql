-- Tables of users: the identity registry, email and password, email verification, metadata, id
-- mapping, and the registry of cores before 12.0 (all_auth_recipe_users, *_user_to_tenant).

CREATE TABLE IF NOT EXISTS {app_id_to_user_id} (
  app_id VARCHAR(64) NOT NULL DEFAULT 'public',
  user_id CHAR(36) NOT NULL,
  recipe_id VARCHAR(128) NOT NULL,
  primary_or_recipe_user_id CHAR(36) NOT NULL,
  is_linked_or_is_a_primary_user BOOLEAN NOT NULL DEFAULT FALSE,
  time_joined BIGINT NOT NULL DEFAULT 0,
  primary_or_recipe_user_time_joined BIGINT NOT NULL DEFAULT 0,
  CONSTRAINT {~app_id_to_user_id}_pkey PRIMARY KEY (app_id, user_id),
  CONSTRAINT {~app_id_to_user_id}_primary_or_recipe_user_id_fkey
      FOREIGN KEY (app_id, primary_or_recipe_user_id)
      REFERENCES {app_id_to_user_id} (app_id, user_id) ON DELETE CASCADE ON UPDATE CASCADE,
  CONSTRAINT {~app_id_to_user_id}_app_id_fkey FOREIGN KEY (app_id)
      REFERENCES {apps} (app_id) ON DELETE CASCADE
);
-- For tables that an older core made.
ALTER TABLE {app_id_to_user_id}
  ADD COLUMN IF NOT EXISTS time_joined BIGINT NOT NULL DEFAULT 0,
  ADD COLUMN IF NOT EXISTS primary_or_recipe_user_time_joined BIGINT NOT NULL DEFAULT 0;
CREATE INDEX IF NOT EXISTS app_id_to_user_id_app_id_index ON {app_id_to_user_id} (app_id);
CREATE INDEX IF NOT EXISTS app_id_to_user_id_primary_user_id_index
  ON {app_id_to_user_id} (primary_or_recipe_user_id, app_id);
CREATE INDEX IF NOT EXISTS app_id_to_user_id_user_id_index ON {app_id_to_user_id} (user_id,
    app_id);
CREATE INDEX IF NOT EXISTS app_id_to_user_id_pagination_index1
  ON {app_id_to_user_id}
  (app_id, primary_or_recipe_user_time_joined DESC, primary_or_recipe_user_id DESC);
CREATE INDEX IF NOT EXISTS app_id_to_user_id_pagination_index2
  ON {app_id_to_user_id}
  (app_id, primary_or_recipe_user_time_joined, primary_or_recipe_user_id DESC);
CREATE INDEX IF NOT EXISTS app_id_to_user_id_pagination_index3
  ON {app_id_to_user_id}
  (recipe_id, app_id, primary_or_recipe_user_time_joined DESC, primary_or_recipe_user_id DESC);
CREATE INDEX IF NOT EXISTS app_id_to_user_id_pagination_index4
  ON {app_id_to_user_id}
  (recipe_id, app_id, primary_or_recipe_user_time_joined, primary_or_recipe_user_id DESC);
CREATE INDEX IF NOT EXISTS app_id_to_user_id_linked_flag_index
  ON {app_id_to_user_id} (app_id, user_id, is_linked_or_is_a_primary_user);

CREATE TABLE IF NOT EXISTS {all_auth_recipe_users} (
  app_id VARCHAR(64) DEFAULT 'public',
  tenant_id VARCHAR(64) DEFAULT 'public',
  user_id CHAR(36) NOT NULL,
  primary_or_recipe_user_id CHAR(36) NOT NULL,
  is_linked_or_is_a_primary_user BOOLEAN NOT NULL DEFAULT FALSE,
  recipe_id VARCHAR(128) NOT NULL,
  time_joined BIGINT NOT NULL,
  primary_or_recipe_user_time_joined BIGINT NOT NULL,
  CONSTRAINT {~all_auth_recipe_users}_pkey PRIMARY KEY (app_id, tenant_id, user_id),
  CONSTRAINT {~all_auth_recipe_users}_tenant_id_fkey FOREIGN KEY (app_id, tenant_id)
      REFERENCES {tenants} (app_id, tenant_id) ON DELETE CASCADE,
  CONSTRAINT {~all_auth_recipe_users}_primary_or_recipe_user_id_fkey
      FOREIGN KEY (app_id, primary_or_recipe_user_id)
      REFERENCES {app_id_to_user_id} (app_id, user_id) ON DELETE CASCADE ON UPDATE CASCADE,
  CONSTRAINT {~all_auth_recipe_users}_user_id_fkey FOREIGN KEY (app_id, user_id)
      REFERENCES {app_id_to_user_id} (app_id, user_id) ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE INDEX IF NOT EXISTS all_auth_recipe_user_id_index ON {all_auth_recipe_users} (user_id);
CREATE INDEX IF NOT EXISTS all_auth_recipe_user_id_app_id_index
  ON {all_auth_recipe_users} (app_id, user_id);
CREATE INDEX IF NOT EXISTS all_auth_recipe_user_app_id_index ON {all_auth_recipe_users} (app_id);
CREATE INDEX IF NOT EXISTS all_auth_recipe_tenant_id_index
  ON {all_auth_recipe_users} (app_id, tenant_id);
CREATE INDEX IF NOT EXISTS all_auth_recipe_users_pagination_index1
  ON {all_auth_recipe_users}
  (app_id, tenant_id, primary_or_recipe_user_time_joined DESC, primary_or_recipe_user_id DESC);
CREATE INDEX IF NOT EXISTS all_auth_recipe_users_pagination_index2
  ON {all_auth_recipe_users}
  (app_id, tenant_id, primary_or_recipe_user_time_joined, primary_or_recipe_user_id DESC);
CREATE INDEX IF NOT EXISTS all_auth_recipe_users_pagination_index3
  ON {all_auth_recipe_users}
  (recipe_id, app_id, tenant_id, primary_or_recipe_user_time_joined DESC,
    primary_or_recipe_user_id DESC);
CREATE INDEX IF NOT EXISTS all_auth_recipe_users_pagination_index4
  ON {all_auth_recipe_users}
  (recipe_id, app_id, tenant_id, primary_or_recipe_user_time_joined,
    primary_or_recipe_user_id DESC);
CREATE INDEX IF NOT EXISTS all_auth_recipe_users_primary_user_id_index
  ON {all_auth_recipe_users} (primary_or_recipe_user_id, app_id);
CREATE INDEX IF NOT EXISTS all_auth_recipe_users_recipe_id_index
  ON {all_auth_recipe_users} (app_id, recipe_id, tenant_id);

CREATE TABLE IF NOT EXISTS {user_last_active} (
  app_id VARCHAR(64) DEFAULT 'public',
  user_id VARCHAR(128),
  last_active_time BIGINT,
  CONSTRAINT {~user_last_active}_pkey PRIMARY KEY (app_id, user_id),
  CONSTRAINT {~user_last_active}_app_id_fkey FOREIGN KEY (app_id)
      REFERENCES {apps} (app_id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS user_last_active_app_id_index ON {user_last_active} (app_id);
CREATE INDEX IF NOT EXISTS user_last_active_last_active_time_index
  ON {user_last_active} (last_active_time DESC, app_id DESC);
CREATE INDEX IF NOT EXISTS user_last_active_app_id_last_active_time_index
  ON {user_last_active} (app_id, last_active_time);

CREATE TABLE IF NOT EXISTS {emailpassword_users} (
  app_id VARCHAR(64) DEFAULT 'public',
  user_id CHAR(36) NOT NULL,
  email VARCHAR(256) NOT NULL,
  password_hash VARCHAR(256) NOT NULL,
  time_joined BIGINT NOT NULL,
  CONSTRAINT {~emailpassword_users}_pkey PRIMARY KEY (app_id, user_id),
  CONSTRAINT {~emailpassword_users}_user_id_fkey FOREIGN KEY (app_id, user_id)
      REFERENCES {app_id_to_user_id} (app_id, user_id) ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE INDEX IF NOT EXISTS emailpassword_users_email_index ON {emailpassword_users} (app_id,
    email);

CREATE TABLE IF NOT EXISTS {emailpassword_user_to_tenant} (
  app_id VARCHAR(64) DEFAULT 'public',
  tenant_id VARCHAR(64) DEFAULT 'public',
  user_id CHAR(36) NOT NULL,
  email VARCHAR(256) NOT NULL,
  CONSTRAINT {~emailpassword_user_to_tenant}_pkey PRIMARY KEY (app_id, tenant_id, user_id),
  CONSTRAINT {~emailpassword_user_to_tenant}_email_key UNIQUE (app_id, tenant_id, email),
  CONSTRAINT {~emailpassword_user_to_tenant}_user_id_fkey FOREIGN KEY (app_id, tenant_id, user_id)
      REFERENCES {all_auth_recipe_users} (app_id, tenant_id, user_id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS emailpassword_user_to_tenant_email_index
  ON {emailpassword_user_to_tenant} (app_id, tenant_id, email);

CREATE TABLE IF NOT EXISTS {emailpassword_pswd_reset_tokens} (
  app_id VARCHAR(64) DEFAULT 'public',
  user_id CHAR(36) NOT NULL,
  token VARCHAR(128) NOT NULL,
  email VARCHAR(256),
  token_expiry BIGINT NOT NULL,
  CONSTRAINT {~emailpassword_pswd_reset_tokens}_pkey PRIMARY KEY (app_id, user_id, token),
  CONSTRAINT {~emailpassword_pswd_reset_tokens}_token_key UNIQUE (token),
  CONSTRAINT {~emailpassword_pswd_reset_tokens}_user_id_fkey FOREIGN KEY (app_id, user_id)
      REFERENCES {app_id_to_user_id} (app_id, user_id) ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE INDEX IF NOT EXISTS emailpassword_pswd_reset_tokens_user_id_index
  ON {emailpassword_pswd_reset_tokens} (app_id, user_id);
CREATE INDEX IF NOT EXISTS emailpassword_password_reset_token_expiry_index
  ON {emailpassword_pswd_reset_tokens} (token_expiry);

CREATE TABLE IF NOT EXISTS {emailverification_verified_emails} (
  app_id VARCHAR(64) DEFAULT 'public',
  user_id VARCHAR(128) NOT NULL,
  email VARCHAR(256) NOT NULL,
  CONSTRAINT {~emailverification_verified_emails}_pkey PRIMARY KEY (app_id, user_id, email),
  CONSTRAINT {~emailverification_verified_emails}_app_id_fkey FOREIGN KEY (app_id)
      REFERENCES {apps} (app_id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS emailverification_verified_emails_app_id_index
  ON {emailverification_verified_emails} (app_id);
CREATE INDEX IF NOT EXISTS emailverification_verified_emails_app_id_email_index
  ON {emailverification_verified_emails} (app_id, email);

CREATE TABLE IF NOT EXISTS {emailverification_tokens} (
  app_id VARCHAR(64) DEFAULT 'public',
  tenant_id VARCHAR(64) DEFAULT 'public',
  user_id VARCHAR(128) NOT NULL,
  email VARCHAR(256) NOT NULL,
  token VARCHAR(128) NOT NULL,
  token_expiry BIGINT NOT NULL,
  CONSTRAINT {~emailverification_tokens}_pkey
      PRIMARY KEY (app_id, tenant_id, user_id, email, token),
  CONSTRAINT {~emailverification_tokens}_token_key UNIQUE (token),
  CONSTRAINT {~emailverification_tokens}_tenant_id_fkey FOREIGN KEY (app_id, tenant_id)
      REFERENCES {tenants} (app_id, tenant_id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS emailverification_tokens_tenant_id_index
  ON {emailverification_tokens} (app_id, tenant_id);
CREATE INDEX IF NOT EXISTS emailverification_tokens_index
  ON {emailverification_tokens} (token_expiry);

CREATE TABLE IF NOT EXISTS {thirdparty_user_to_tenant} (
  app_id VARCHAR(64) DEFAULT 'public',
  tenant_id VARCHAR(64) DEFAULT 'public',
  user_id CHAR(36) NOT NULL,
  third_party_id VARCHAR(28) NOT NULL,
  third_party_user_id VARCHAR(256) NOT NULL,
  CONSTRAINT {~thirdparty_user_to_tenant}_pkey PRIMARY KEY (app_id, tenant_id, user_id),
  CONSTRAINT {~thirdparty_user_to_tenant}_third_party_user_id_key
      UNIQUE (app_id, tenant_id, third_party_id, third_party_user_id),
  CONSTRAINT {~thirdparty_user_to_tenant}_user_id_fkey FOREIGN KEY (app_id, tenant_id, user_id)
      REFERENCES {all_auth_recipe_users} (app_id, tenant_id, user_id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS thirdparty_user_to_tenant_third_party_user_id_index
  ON {thirdparty_user_to_tenant} (app_id, tenant_id, third_party_id, third_party_user_id);

CREATE TABLE IF NOT EXISTS {passwordless_user_to_tenant} (
  app_id VARCHAR(64) DEFAULT 'public',
  tenant_id VARCHAR(64) DEFAULT 'public',
  user_id CHAR(36) NOT NULL,
  email VARCHAR(256),
  phone_number VARCHAR(256),
  CONSTRAINT {~passwordless_user_to_tenant}_pkey PRIMARY KEY (app_id, tenant_id, user_id),
  CONSTRAINT {~passwordless_user_to_tenant}_email_key UNIQUE (app_id, tenant_id, email),
  CONSTRAINT {~passwordless_user_to_tenant}_phone_number_key
      UNIQUE (app_id, tenant_id, phone_number),
  CONSTRAINT {~passwordless_user_to_tenant}_user_id_fkey FOREIGN KEY (app_id, tenant_id, user_id)
      REFERENCES {all_auth_recipe_users} (app_id, tenant_id, user_id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS passwordless_user_to_tenant_email_index
  ON {passwordless_user_to_tenant} (app_id, tenant_id, email);
CREATE INDEX IF NOT EXISTS passwordless_user_to_tenant_phone_number_index
  ON {passwordless_user_to_tenant} (app_id, tenant_id, phone_number);

CREATE TABLE IF NOT EXISTS {user_metadata} (
  app_id VARCHAR(64) DEFAULT 'public',
  user_id VARCHAR(128) NOT NULL,
  user_metadata TEXT NOT NULL,
  CONSTRAINT {~user_metadata}_pkey PRIMARY KEY (app_id, user_id),
  CONSTRAINT {~user_metadata}_app_id_fkey FOREIGN KEY (app_id)
      REFERENCES {apps} (app_id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS user_metadata_app_id_index ON {user_metadata} (app_id);

CREATE TABLE IF NOT EXISTS {userid_mapping} (
  app_id VARCHAR(64) DEFAULT 'public',
  supertokens_user_id CHAR(36) NOT NULL,
  external_user_id VARCHAR(128) NOT NULL,
  external_user_id_info TEXT,
  CONSTRAINT {~userid_mapping}_pkey PRIMARY KEY (app_id, supertokens_user_id, external_user_id),
  CONSTRAINT {~userid_mapping}_supertokens_user_id_key UNIQUE (app_id, supertokens_user_id),
  CONSTRAINT {~userid_mapping}_external_user_id_key UNIQUE (app_id, external_user_id),
  CONSTRAINT {~userid_mapping}_supertokens_user_id_fkey FOREIGN KEY (app_id, supertokens_user_id)
      REFERENCES {app_id_to_user_id} (app_id, user_id) ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE INDEX IF NOT EXISTS userid_mapping_supertokens_user_id_index
  ON {userid_mapping} (app_id, supertokens_user_id);

CREATE TABLE IF NOT EXISTS {webauthn_user_to_tenant} (
  app_id VARCHAR(64) NOT NULL DEFAULT 'public',
  tenant_id VARCHAR(64) NOT NULL DEFAULT 'public',
  user_id CHAR(36) NOT NULL,
  email VARCHAR(256) NOT NULL,
  CONSTRAINT {~webauthn_user_to_tenant}_pkey PRIMARY KEY (app_id, tenant_id, user_id),
  CONSTRAINT {~webauthn_user_to_tenant}_email_key UNIQUE (app_id, tenant_id, email),
  CONSTRAINT {~webauthn_user_to_tenant}_user_id_fkey FOREIGN KEY (app_id, tenant_id, user_id)
      REFERENCES {all_auth_recipe_users} (app_id, tenant_id, user_id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS webauthn_user_to_tenant_email_index
  ON {webauthn_user_to_tenant} (app_id, email);

CREATE TABLE IF NOT EXISTS {recipe_user_account_infos} (
  app_id VARCHAR(64) NOT NULL,
  recipe_user_id CHAR(36) NOT NULL,
  recipe_id VARCHAR(128) NOT NULL,
  account_info_type VARCHAR(8) NOT NULL,
  account_info_value TEXT NOT NULL,
  third_party_id VARCHAR(28),
  third_party_user_id VARCHAR(256),
  primary_user_id CHAR(36),
  CONSTRAINT {~recipe_user_account_infos}_pkey
      PRIMARY KEY (app_id, recipe_id, recipe_user_id, account_info_type, third_party_id,
        third_party_user_id),
  CONSTRAINT {~recipe_user_account_infos}_tenant_id_fkey FOREIGN KEY (app_id)
      REFERENCES {apps} (app_id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS idx_recipe_user_account_infos_app_recipe_user
  ON {recipe_user_account_infos} (app_id, recipe_user_id);
CREATE INDEX IF NOT EXISTS idx_recipe_user_account_infos_app_primary_user
  ON {recipe_user_account_infos} (app_id, primary_user_id);
CREATE INDEX IF NOT EXISTS idx_recipe_user_account_infos_account_info
  ON {recipe_user_account_infos} (app_id, account_info_type, account_info_value);

CREATE TABLE IF NOT EXISTS {recipe_user_tenants} (
  app_id VARCHAR(64) NOT NULL,
  recipe_user_id CHAR(36) NOT NULL,
  tenant_id VARCHAR(64) NOT NULL,
  recipe_id VARCHAR(128) NOT NULL,
  account_info_type VARCHAR(8) NOT NULL,
  account_info_value TEXT NOT NULL,
  third_party_id VARCHAR(28),
  third_party_user_id VARCHAR(256),
  CONSTRAINT {~recipe_user_tenants}_pkey
      PRIMARY KEY (app_id, tenant_id, recipe_id, account_info_type, third_party_id,
        third_party_user_id, account_info_value),
  CONSTRAINT {~recipe_user_tenants}_tenant_id_fkey FOREIGN KEY (app_id, tenant_id)
      REFERENCES {tenants} (app_id, tenant_id) ON DELETE CASCADE
);
-- Replaced by idx_recipe_user_tenants_account_info_pattern.
DROP INDEX IF EXISTS {schema}.idx_recipe_user_tenants_account_info;
CREATE INDEX IF NOT EXISTS idx_recipe_user_tenants_tenant
  ON {recipe_user_tenants} (app_id, tenant_id);
CREATE INDEX IF NOT EXISTS idx_recipe_user_tenants_recipe_user_id
  ON {recipe_user_tenants} (app_id, recipe_user_id);
CREATE INDEX IF NOT EXISTS idx_recipe_user_tenants_tenant_recipe_user
  ON {recipe_user_tenants} (app_id, tenant_id, recipe_user_id);
CREATE INDEX IF NOT EXISTS idx_recipe_user_tenants_account_info_pattern
  ON {recipe_user_tenants}
  (app_id, tenant_id, account_info_type, account_info_value text_pattern_ops);
CREATE INDEX IF NOT EXISTS idx_recipe_user_tenants_search_domain
  ON {recipe_user_tenants}
  (app_id, tenant_id, lower(split_part(account_info_value, '@', 2)) text_pattern_ops)
  WHERE account_info_type = 'email';
CREATE INDEX IF NOT EXISTS idx_recipe_user_tenants_search_tparty
  ON {recipe_user_tenants}
  (app_id, tenant_id, lower(account_info_value) text_pattern_ops)
  WHERE account_info_type = 'tparty';

CREATE TABLE IF NOT EXISTS {primary_user_tenants} (
  app_id VARCHAR(64) NOT NULL,
  tenant_id VARCHAR(64) NOT NULL,
  account_info_type VARCHAR(8) NOT NULL,
  account_info_value TEXT NOT NULL,
  primary_user_id CHAR(36) NOT NULL,
  CONSTRAINT {~primary_user_tenants}_pkey
      PRIMARY KEY (app_id, tenant_id, account_info_type, account_info_value),
  CONSTRAINT {~primary_user_tenants}_app_id_fkey FOREIGN KEY (app_id, tenant_id)
      REFERENCES {tenants} (app_id, tenant_id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS idx_primary_user_tenants_primary
  ON {primary_user_tenants} (primary_user_id);
CREATE INDEX IF NOT EXISTS idx_primary_user_tenants_tenant_primary
  ON {primary_user_tenants} (app_id, tenant_id, primary_user_id);

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

-- What GET /users lists and counts, and how many users were active when: maintained by triggers on
-- the tables that it derives from, whichever program writes them. See docs/adr, decision 8.
--
-- Nothing here waits for a transaction that is not waited for anyway: every change of a group (by
-- this core and the original) holds its rows of app_id_to_user_id, and counts are only appended.

-- A row for each group of linked users (or user alone) in each tenant that one of them is in, and
-- one with tenant '' for the group in the whole app.
CREATE TABLE IF NOT EXISTS {gatehouse_listed_users} (
  app_id VARCHAR(64) NOT NULL,
  tenant_id VARCHAR(64) NOT NULL,
  primary_user_id CHAR(36) NOT NULL,
  recipes SMALLINT NOT NULL,  -- of the members there: gatehouse_recipe_bit's, added up
  time_joined BIGINT NOT NULL,
  CONSTRAINT {~gatehouse_listed_users}_pkey PRIMARY KEY (app_id, primary_user_id, tenant_id)
);
CREATE INDEX IF NOT EXISTS {~gatehouse_listed_users}_ascending ON {gatehouse_listed_users}
  (app_id, tenant_id, recipes, time_joined, primary_user_id DESC) WHERE tenant_id <> '';
CREATE INDEX IF NOT EXISTS {~gatehouse_listed_users}_descending ON {gatehouse_listed_users}
  (app_id, tenant_id, recipes, time_joined DESC, primary_user_id DESC) WHERE tenant_id <> '';

-- How many rows of gatehouse_listed_users there are: the sum of `users`. Each change adds a row,
-- so that no two wait for each other; some fold a tenant's rows into one.
CREATE TABLE IF NOT EXISTS {gatehouse_user_counts} (
  app_id VARCHAR(64) NOT NULL,
  tenant_id VARCHAR(64) NOT NULL,
  id BIGINT GENERATED ALWAYS AS IDENTITY,
  recipes SMALLINT NOT NULL,
  users BIGINT NOT NULL,
  CONSTRAINT {~gatehouse_user_counts}_pkey
      PRIMARY KEY (app_id, tenant_id, id) INCLUDE (recipes, users)
) WITH (autovacuum_vacuum_scale_factor = 0.05);

-- How many rows of user_last_active are in the day, and in the minute, that begins at `starts`;
-- summed up as above. `width` and `starts` in milliseconds.
CREATE TABLE IF NOT EXISTS {gatehouse_active_counts} (
  app_id VARCHAR(64) NOT NULL,
  width BIGINT NOT NULL,
  starts BIGINT NOT NULL,
  id BIGINT GENERATED ALWAYS AS IDENTITY,
  users BIGINT NOT NULL,
  CONSTRAINT {~gatehouse_active_counts}_pkey
      PRIMARY KEY (app_id, width, starts, id) INCLUDE (users)
) WITH (autovacuum_vacuum_scale_factor = 0.05);

CREATE OR REPLACE FUNCTION {schema}.{~gatehouse_recipe_bit}(recipe varchar) RETURNS smallint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $f$
  SELECT CASE recipe WHEN 'emailpassword' THEN 1 WHEN 'thirdparty' THEN 2
    WHEN 'passwordless' THEN 4 WHEN 'webauthn' THEN 8 ELSE 16 END::smallint
$f$;

-- The multiple of `width` at or before `at`.
CREATE OR REPLACE FUNCTION {schema}.{~gatehouse_bucket}(at bigint, width bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $f$
  SELECT at - mod(mod(at, width) + width, width)
$f$;

-- In a transaction that sees one snapshot throughout, locking rows that another has folded since
-- would be an error: such transactions leave the folding to others.
CREATE OR REPLACE FUNCTION {schema}.{~gatehouse_fold_users}(app varchar, tenant varchar)
RETURNS void LANGUAGE plpgsql AS $f$
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RETURN;
  END IF;
  WITH folded AS (
    DELETE FROM {schema}.{~gatehouse_user_counts} d WHERE d.ctid = ANY (ARRAY(
      SELECT c.ctid FROM {schema}.{~gatehouse_user_counts} c
      WHERE c.app_id = app AND c.tenant_id = tenant ORDER BY c.id LIMIT 5000
      FOR UPDATE SKIP LOCKED))
    RETURNING d.recipes, d.users)
  INSERT INTO {schema}.{~gatehouse_user_counts} (app_id, tenant_id, recipes, users)
  SELECT app, tenant, f.recipes, sum(f.users) FROM folded f
  GROUP BY f.recipes HAVING sum(f.users) <> 0;
END $f$;

-- Days by the day, minutes by the hour.
CREATE OR REPLACE FUNCTION {schema}.{~gatehouse_fold_active}(app varchar, unit bigint, at bigint)
RETURNS void LANGUAGE plpgsql AS $f$
DECLARE
  span CONSTANT bigint := CASE unit WHEN 60000 THEN 3600000 ELSE unit END;
  first CONSTANT bigint := {schema}.{~gatehouse_bucket}(at, span);
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RETURN;
  END IF;
  WITH folded AS (
    DELETE FROM {schema}.{~gatehouse_active_counts} d WHERE d.ctid = ANY (ARRAY(
      SELECT c.ctid FROM {schema}.{~gatehouse_active_counts} c
      WHERE c.app_id = app AND c.width = unit AND c.starts >= first AND c.starts < first + span
      ORDER BY c.starts, c.id LIMIT 5000 FOR UPDATE SKIP LOCKED))
    RETURNING d.starts, d.users)
  INSERT INTO {schema}.{~gatehouse_active_counts} (app_id, width, starts, users)
  SELECT app, unit, f.starts, sum(f.users) FROM folded f
  GROUP BY f.starts HAVING sum(f.users) <> 0;
END $f$;

-- Users that are in no tenant do not count in an app, as by the original before 12.0: the row of
-- gatehouse_listed_users with tenant '' is for a group's members that are in any tenant.

-- Corrects the rows of the given groups in the given tenants (by position), and those for the app.
CREATE OR REPLACE FUNCTION {schema}.{~gatehouse_list}(
  apps varchar[], tenants varchar[], groups bpchar[])
RETURNS void LANGUAGE plpgsql AS $f$
DECLARE
  fold_apps varchar[];
  fold_tenants varchar[];
BEGIN
  IF cardinality(apps) > 100 THEN
    -- Planned for so many rows; the setting is restored when the caller ends.
    PERFORM set_config('plan_cache_mode', 'force_custom_plan', true);
  END IF;
  WITH pairs AS MATERIALIZED (
    SELECT p.app_id, p.tenant_id, p.id FROM unnest(apps, tenants, groups)
      AS p(app_id, tenant_id, id)
    UNION
    SELECT g.app_id, ''::varchar, g.id FROM unnest(apps, groups) AS g(app_id, id)),
  wanted AS MATERIALIZED (
    SELECT p.app_id, p.tenant_id, p.id,
      bit_or({schema}.{~gatehouse_recipe_bit}(u.recipe_id)) AS recipes,
      min(u.primary_or_recipe_user_time_joined) AS time_joined
    FROM pairs p JOIN {schema}.{~app_id_to_user_id} u
      ON u.primary_or_recipe_user_id = p.id AND u.app_id = p.app_id
    -- By the user: before the table's first statistics an index by tenant may look as good.
    WHERE (
      SELECT 1 FROM {schema}.{~recipe_user_tenants} t WHERE t.app_id = p.app_id
        AND t.recipe_user_id = u.user_id
        AND (p.tenant_id = '' OR t.tenant_id || '' = p.tenant_id) LIMIT 1) IS NOT NULL
    GROUP BY p.app_id, p.tenant_id, p.id),
  -- By a set operation, whose time is linear in both sets whatever their estimated sizes.
  stale AS MATERIALIZED (
    SELECT l.app_id, l.tenant_id, l.primary_user_id, l.recipes, l.time_joined
    FROM pairs p JOIN {schema}.{~gatehouse_listed_users} l ON l.app_id = p.app_id
      AND l.primary_user_id = p.id AND l.tenant_id = p.tenant_id
    EXCEPT
    SELECT w.app_id, w.tenant_id, w.id, w.recipes, w.time_joined FROM wanted w),
  gone AS (
    DELETE FROM {schema}.{~gatehouse_listed_users} l USING stale s
    WHERE l.app_id = s.app_id AND l.primary_user_id = s.primary_user_id
      AND l.tenant_id = s.tenant_id
    RETURNING l.app_id, l.tenant_id, l.recipes),
  -- After the deletions: a row that changes is deleted and inserted.
  added AS (
    INSERT INTO {schema}.{~gatehouse_listed_users}
      (app_id, tenant_id, primary_user_id, recipes, time_joined)
    SELECT w.app_id, w.tenant_id, w.id, w.recipes, w.time_joined FROM wanted w
    WHERE (SELECT count(*) FROM gone) IS NOT NULL
    ORDER BY w.app_id, w.tenant_id, w.time_joined
    ON CONFLICT (app_id, primary_user_id, tenant_id) DO NOTHING
    RETURNING app_id, tenant_id, recipes),
  noted AS (
    INSERT INTO {schema}.{~gatehouse_user_counts} (app_id, tenant_id, recipes, users)
    SELECT d.app_id, d.tenant_id, d.recipes, sum(d.users) FROM (
      SELECT app_id, tenant_id, recipes, -1 AS users FROM gone UNION ALL
      SELECT app_id, tenant_id, recipes, 1 FROM added) d
    GROUP BY d.app_id, d.tenant_id, d.recipes HAVING sum(d.users) <> 0
    RETURNING app_id, tenant_id)
  SELECT array_agg(n.app_id), array_agg(n.tenant_id) INTO fold_apps, fold_tenants
  FROM noted n WHERE random() < 1.0 / 64;
  IF fold_apps IS NOT NULL THEN
    PERFORM {schema}.{~gatehouse_fold_users}(d.app_id, d.tenant_id)
    FROM (SELECT DISTINCT f.app_id, f.tenant_id
          FROM unnest(fold_apps, fold_tenants) AS f(app_id, tenant_id)) d;
  END IF;
END $f$;

-- The same for groups in all tenants.
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
    JOIN {schema}.{~recipe_user_tenants} t ON t.app_id = u.app_id AND t.recipe_user_id = u.user_id
    UNION
    SELECT g.app_id, l.tenant_id, g.id FROM given g
    JOIN {schema}.{~gatehouse_listed_users} l ON l.app_id = g.app_id AND l.primary_user_id = g.id)
  SELECT array_agg(p.app_id), array_agg(p.tenant_id), array_agg(p.id)
  INTO pair_apps, pair_tenants, pair_groups FROM pairs p;
  PERFORM {schema}.{~gatehouse_list}(pair_apps, pair_tenants, pair_groups);
END $f$;

-- Removes all groups from a tenant, or from an app when `tenant` is NULL.
CREATE OR REPLACE FUNCTION {schema}.{~gatehouse_unlist}(app varchar, tenant varchar)
RETURNS void LANGUAGE plpgsql AS $f$
BEGIN
  IF tenant IS NULL THEN
    WITH gone AS (
      DELETE FROM {schema}.{~gatehouse_listed_users} l WHERE l.app_id = app
      RETURNING l.tenant_id, l.recipes)
    INSERT INTO {schema}.{~gatehouse_user_counts} (app_id, tenant_id, recipes, users)
    SELECT app, g.tenant_id, g.recipes, -count(*) FROM gone g GROUP BY g.tenant_id, g.recipes;
    PERFORM {schema}.{~gatehouse_fold_users}(app, c.tenant_id)
    FROM (SELECT DISTINCT k.tenant_id FROM {schema}.{~gatehouse_user_counts} k
          WHERE k.app_id = app) c;
  ELSE
    WITH gone AS (
      DELETE FROM {schema}.{~gatehouse_listed_users} l
      WHERE l.app_id = app AND l.tenant_id = tenant AND l.tenant_id <> ''
      RETURNING l.recipes)
    INSERT INTO {schema}.{~gatehouse_user_counts} (app_id, tenant_id, recipes, users)
    SELECT app, tenant, g.recipes, -count(*) FROM gone g GROUP BY g.recipes;
    PERFORM {schema}.{~gatehouse_fold_users}(app, tenant);
  END IF;
END $f$;

-- The triggers' functions run with the rights of the tables' owner, so that roles that may write
-- the tables need no further rights. They look rows up by index, whatever the statistics at the
-- time.

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
      SELECT DISTINCT n.app_id, n.primary_or_recipe_user_id AS id FROM new_rows n) g;
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

-- The removal of a tenant changes which groups of users are listed without holding their rows,
-- unlike every other change of a group. It now locks those that nobody is changing; the others are
-- checked again when both are done. Waiting for them would deadlock.

-- Users whose group's rows in gatehouse_listed_users may be incorrect.
CREATE TABLE IF NOT EXISTS {gatehouse_unsettled_users} (
  id BIGINT GENERATED ALWAYS AS IDENTITY,
  app_id VARCHAR(64) NOT NULL,
  user_id CHAR(36) NOT NULL,
  CONSTRAINT {~gatehouse_unsettled_users}_pkey PRIMARY KEY (id)
);

-- Locks the first rows of the given users' groups, without waiting; records the users of those that
-- another transaction holds.
CREATE OR REPLACE FUNCTION {schema}.{~gatehouse_hold_groups}(apps varchar[], users bpchar[])
RETURNS void LANGUAGE plpgsql AS $f$
DECLARE
  held_apps varchar[];
  held bpchar[];
BEGIN
  IF cardinality(apps) > 100 THEN
    PERFORM set_config('plan_cache_mode', 'force_custom_plan', true);
  END IF;
  -- In a transaction that sees one snapshot throughout, locking rows that have changed since is an
  -- error.
  IF current_setting('transaction_isolation') = 'read committed' THEN
    SELECT array_agg(h.app_id), array_agg(h.user_id) INTO held_apps, held FROM (
      SELECT g.app_id, g.user_id FROM {schema}.{~app_id_to_user_id} g
      WHERE (g.app_id, g.user_id) IN (
        SELECT u.app_id, u.primary_or_recipe_user_id FROM unnest(apps, users) AS d(app_id, id)
        JOIN {schema}.{~app_id_to_user_id} u ON u.app_id = d.app_id AND u.user_id = d.id)
      FOR NO KEY UPDATE OF g SKIP LOCKED) h;
  END IF;
  -- By their current groups: one may have been linked before its row was locked.
  INSERT INTO {schema}.{~gatehouse_unsettled_users} (app_id, user_id)
  SELECT u.app_id, u.user_id FROM unnest(apps, users) AS d(app_id, id)
  JOIN {schema}.{~app_id_to_user_id} u ON u.app_id = d.app_id AND u.user_id = d.id
  LEFT JOIN unnest(held_apps, held) AS h(app_id, id)
    ON h.app_id = u.app_id AND h.id = u.primary_or_recipe_user_id
  WHERE h.id IS NULL;
END $f$;

CREATE OR REPLACE FUNCTION {schema}.{~gatehouse_follow_tenants}() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
SET plan_cache_mode = force_generic_plan AS $f$
DECLARE
  apps varchar[];
  tenants varchar[];
  groups bpchar[];
BEGIN
  IF TG_OP = 'INSERT' THEN
    SELECT array_agg(g.app_id), array_agg(g.tenant_id), array_agg(g.id)
    INTO apps, tenants, groups FROM (
      SELECT DISTINCT n.app_id, n.tenant_id, u.primary_or_recipe_user_id AS id FROM new_rows n
      JOIN {schema}.{~app_id_to_user_id} u
        ON u.app_id = n.app_id AND u.user_id = n.recipe_user_id) g;
  ELSIF TG_OP = 'UPDATE' THEN
    SELECT array_agg(g.app_id), array_agg(g.tenant_id), array_agg(g.id)
    INTO apps, tenants, groups FROM (
      SELECT DISTINCT d.app_id, d.tenant_id, u.primary_or_recipe_user_id AS id FROM (
        (SELECT n.app_id, n.tenant_id, n.recipe_user_id FROM new_rows n
         EXCEPT SELECT o.app_id, o.tenant_id, o.recipe_user_id FROM old_rows o)
        UNION ALL
        (SELECT o.app_id, o.tenant_id, o.recipe_user_id FROM old_rows o
         EXCEPT SELECT n.app_id, n.tenant_id, n.recipe_user_id FROM new_rows n)) d
      JOIN {schema}.{~app_id_to_user_id} u
        ON u.app_id = d.app_id AND u.user_id = d.recipe_user_id) g;
  ELSE
    -- All of a tenant's rows are removed with it.
    PERFORM {schema}.{~gatehouse_unlist}(o.app_id, o.tenant_id)
    FROM (SELECT DISTINCT r.app_id, r.tenant_id FROM old_rows r) o
    WHERE (SELECT 1 FROM {schema}.{~tenants} t
           WHERE t.app_id = o.app_id AND t.tenant_id = o.tenant_id) IS NULL;
    WITH gone AS MATERIALIZED (
      SELECT o.app_id, o.tenant_id
      FROM (SELECT DISTINCT r.app_id, r.tenant_id FROM old_rows r) o
      WHERE (SELECT 1 FROM {schema}.{~apps} a WHERE a.app_id = o.app_id) IS NOT NULL
        AND (SELECT 1 FROM {schema}.{~tenants} t
             WHERE t.app_id = o.app_id AND t.tenant_id = o.tenant_id) IS NULL)
    SELECT array_agg(g.app_id), array_agg(g.recipe_user_id) INTO apps, groups FROM (
      SELECT DISTINCT o.app_id, o.recipe_user_id
      FROM gone JOIN old_rows o ON o.app_id = gone.app_id AND o.tenant_id = gone.tenant_id) g;
    IF apps IS NOT NULL THEN
      PERFORM {schema}.{~gatehouse_hold_groups}(apps, groups);
    END IF;
    -- Its groups may no longer be in any tenant.
    WITH kept AS MATERIALIZED (
      SELECT o.app_id, o.tenant_id, COALESCE((SELECT t.tenant_id FROM {schema}.{~tenants} t
        WHERE t.app_id = o.app_id AND t.tenant_id = o.tenant_id), '') AS listed
      FROM (SELECT DISTINCT r.app_id, r.tenant_id FROM old_rows r) o
      WHERE (SELECT 1 FROM {schema}.{~apps} a WHERE a.app_id = o.app_id) IS NOT NULL)
    SELECT array_agg(g.app_id), array_agg(g.tenant_id), array_agg(g.id)
    INTO apps, tenants, groups FROM (
      SELECT DISTINCT o.app_id, kept.listed AS tenant_id, u.primary_or_recipe_user_id AS id
      FROM kept JOIN old_rows o ON o.app_id = kept.app_id AND o.tenant_id = kept.tenant_id
      JOIN {schema}.{~app_id_to_user_id} u
        ON u.app_id = o.app_id AND u.user_id = o.recipe_user_id) g;
  END IF;
  IF apps IS NOT NULL THEN
    PERFORM {schema}.{~gatehouse_list}(apps, tenants, groups);
  END IF;
  RETURN NULL;
END $f$;

-- All changes of users lock rows in one order. See docs/adr, decision 13.

-- Keeps an app, and tenants of it, from being removed during the transaction: a removal waits,
-- before it holds anything that others wait for. With the owner's rights: the tables are another
-- service's. Returns true, so that a statement can call it in a condition.
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

-- Corrects the rows of one unsettled user's group, while nobody changes it. False when there was
-- none, or another transaction is working on it. Checks before it waits for the user's row: a user
-- that has left the group since belongs to another group, whose change may be waiting for the row
-- that is held here. Nobody leaves a group whose first row is held.
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

-- A group that was unlinked while its tenant was being removed may have left a row there.
CREATE OR REPLACE FUNCTION {schema}.{~gatehouse_begin_tenant}() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
SET plan_cache_mode = force_generic_plan AS $f$
BEGIN
  PERFORM {schema}.{~gatehouse_unlist}(n.app_id, n.tenant_id) FROM new_rows n
  WHERE (SELECT 1 FROM {schema}.{~gatehouse_listed_users} l WHERE l.app_id = n.app_id
    AND l.tenant_id = n.tenant_id AND l.tenant_id <> '' LIMIT 1) IS NOT NULL;
  RETURN NULL;
END $f$;

CREATE OR REPLACE FUNCTION {schema}.{~gatehouse_note_active}(
  apps varchar[], times bigint[], changes bigint[])
RETURNS void LANGUAGE plpgsql AS $f$
DECLARE
  fold_apps varchar[];
  fold_widths bigint[];
  fold_starts bigint[];
BEGIN
  WITH noted AS (
    INSERT INTO {schema}.{~gatehouse_active_counts} (app_id, width, starts, users)
    SELECT d.app_id, w.width, {schema}.{~gatehouse_bucket}(d.at, w.width), sum(d.users)
    FROM unnest(apps, times, changes) AS d(app_id, at, users)
    CROSS JOIN (VALUES (60000::bigint), (86400000::bigint)) AS w(width)
    GROUP BY 1, 2, 3 HAVING sum(d.users) <> 0
    RETURNING app_id, width, starts)
  SELECT array_agg(n.app_id), array_agg(n.width), array_agg(n.starts)
  INTO fold_apps, fold_widths, fold_starts FROM noted n
  WHERE random() < CASE n.width WHEN 60000 THEN 1.0 / 64 ELSE 1.0 / 16 END;
  IF fold_apps IS NOT NULL THEN
    PERFORM {schema}.{~gatehouse_fold_active}(d.app_id, d.width, d.starts)
    FROM (SELECT DISTINCT f.app_id, f.width,
            {schema}.{~gatehouse_bucket}(f.starts, GREATEST(f.width, 3600000)) AS starts
          FROM unnest(fold_apps, fold_widths, fold_starts) AS f(app_id, width, starts)) d;
  END IF;
END $f$;

CREATE OR REPLACE FUNCTION {schema}.{~gatehouse_follow_activity}() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET enable_seqscan = off SET jit = off
SET plan_cache_mode = force_generic_plan AS $f$
DECLARE
  apps varchar[];
  times bigint[];
  changes bigint[];
BEGIN
  -- By the minute; changes that cancel out are omitted.
  IF TG_OP = 'INSERT' THEN
    SELECT array_agg(d.app_id), array_agg(d.at), array_agg(d.users) INTO apps, times, changes
    FROM (SELECT n.app_id, {schema}.{~gatehouse_bucket}(n.last_active_time, 60000) AS at,
            count(*) AS users FROM new_rows n
          WHERE n.last_active_time IS NOT NULL GROUP BY 1, 2) d;
  ELSIF TG_OP = 'UPDATE' THEN
    SELECT array_agg(d.app_id), array_agg(d.at), array_agg(d.users) INTO apps, times, changes
    FROM (SELECT c.app_id, {schema}.{~gatehouse_bucket}(c.last_active_time, 60000) AS at,
            sum(c.users)::bigint AS users
          FROM (SELECT n.app_id, n.last_active_time, 1 AS users FROM new_rows n UNION ALL
                SELECT o.app_id, o.last_active_time, -1 FROM old_rows o) c
          WHERE c.last_active_time IS NOT NULL GROUP BY 1, 2 HAVING sum(c.users) <> 0) d;
  ELSE
    SELECT array_agg(d.app_id), array_agg(d.at), array_agg(d.users) INTO apps, times, changes
    FROM (SELECT o.app_id, {schema}.{~gatehouse_bucket}(o.last_active_time, 60000) AS at,
            -count(*) AS users FROM old_rows o
          WHERE o.last_active_time IS NOT NULL GROUP BY 1, 2) d;
  END IF;
  IF apps IS NOT NULL THEN
    PERFORM {schema}.{~gatehouse_note_active}(apps, times, changes);
  END IF;
  RETURN NULL;
END $f$;

-- Rebuilds everything: for the migration, and for an administrator who has written the tables with
-- triggers disabled. Nobody can write them meanwhile.
CREATE OR REPLACE FUNCTION {schema}.{~gatehouse_recount_users}() RETURNS void
LANGUAGE plpgsql AS $f$
BEGIN
  LOCK TABLE {schema}.{~app_id_to_user_id}, {schema}.{~recipe_user_tenants},
    {schema}.{~user_last_active} IN SHARE ROW EXCLUSIVE MODE;
  DELETE FROM {schema}.{~gatehouse_listed_users};
  DELETE FROM {schema}.{~gatehouse_user_counts};
  DELETE FROM {schema}.{~gatehouse_active_counts};
  INSERT INTO {schema}.{~gatehouse_listed_users}
    (app_id, tenant_id, primary_user_id, recipes, time_joined)
  SELECT u.app_id, t.tenant_id, u.primary_or_recipe_user_id,
    bit_or({schema}.{~gatehouse_recipe_bit}(u.recipe_id)),
    min(u.primary_or_recipe_user_time_joined)
  FROM {schema}.{~app_id_to_user_id} u JOIN (
    SELECT DISTINCT r.app_id, r.tenant_id, r.recipe_user_id
    FROM {schema}.{~recipe_user_tenants} r) t
    ON t.app_id = u.app_id AND t.recipe_user_id = u.user_id
  GROUP BY 1, 2, 3 ORDER BY 1, 2, 4, 5;
  INSERT INTO {schema}.{~gatehouse_listed_users}
    (app_id, tenant_id, primary_user_id, recipes, time_joined)
  SELECT u.app_id, '', u.primary_or_recipe_user_id,
    bit_or({schema}.{~gatehouse_recipe_bit}(u.recipe_id)),
    min(u.primary_or_recipe_user_time_joined)
  FROM {schema}.{~app_id_to_user_id} u JOIN (
    SELECT DISTINCT r.app_id, r.recipe_user_id FROM {schema}.{~recipe_user_tenants} r) t
    ON t.app_id = u.app_id AND t.recipe_user_id = u.user_id
  GROUP BY 1, 3;
  INSERT INTO {schema}.{~gatehouse_user_counts} (app_id, tenant_id, recipes, users)
  SELECT l.app_id, l.tenant_id, l.recipes, count(*)
  FROM {schema}.{~gatehouse_listed_users} l GROUP BY 1, 2, 3;
  INSERT INTO {schema}.{~gatehouse_active_counts} (app_id, width, starts, users)
  SELECT a.app_id, w.width, {schema}.{~gatehouse_bucket}(a.last_active_time, w.width), count(*)
  FROM {schema}.{~user_last_active} a
  CROSS JOIN (VALUES (60000::bigint), (86400000::bigint)) AS w(width)
  WHERE a.last_active_time IS NOT NULL GROUP BY 1, 2, 3;
END $f$;

CREATE OR REPLACE FUNCTION {schema}.{~gatehouse_follow_truncation}() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $f$
BEGIN
  PERFORM {schema}.{~gatehouse_recount_users}();
  RETURN NULL;
END $f$;

DROP TRIGGER IF EXISTS gatehouse_insert ON {app_id_to_user_id};
CREATE TRIGGER gatehouse_insert AFTER INSERT ON {app_id_to_user_id}
  REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE PROCEDURE {schema}.{~gatehouse_follow_users}();

DROP TRIGGER IF EXISTS gatehouse_update ON {app_id_to_user_id};
CREATE TRIGGER gatehouse_update AFTER UPDATE ON {app_id_to_user_id}
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE PROCEDURE {schema}.{~gatehouse_follow_users}();

DROP TRIGGER IF EXISTS gatehouse_delete ON {app_id_to_user_id};
CREATE TRIGGER gatehouse_delete AFTER DELETE ON {app_id_to_user_id}
  REFERENCING OLD TABLE AS old_rows
  FOR EACH STATEMENT EXECUTE PROCEDURE {schema}.{~gatehouse_follow_users}();

DROP TRIGGER IF EXISTS gatehouse_truncate ON {app_id_to_user_id};
CREATE TRIGGER gatehouse_truncate AFTER TRUNCATE ON {app_id_to_user_id}
  FOR EACH STATEMENT EXECUTE PROCEDURE {schema}.{~gatehouse_follow_truncation}();

DROP TRIGGER IF EXISTS gatehouse_insert ON {recipe_user_tenants};
CREATE TRIGGER gatehouse_insert AFTER INSERT ON {recipe_user_tenants}
  REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE PROCEDURE {schema}.{~gatehouse_follow_tenants}();

DROP TRIGGER IF EXISTS gatehouse_update ON {recipe_user_tenants};
CREATE TRIGGER gatehouse_update AFTER UPDATE ON {recipe_user_tenants}
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE PROCEDURE {schema}.{~gatehouse_follow_tenants}();

DROP TRIGGER IF EXISTS gatehouse_delete ON {recipe_user_tenants};
CREATE TRIGGER gatehouse_delete AFTER DELETE ON {recipe_user_tenants}
  REFERENCING OLD TABLE AS old_rows
  FOR EACH STATEMENT EXECUTE PROCEDURE {schema}.{~gatehouse_follow_tenants}();

DROP TRIGGER IF EXISTS gatehouse_truncate ON {recipe_user_tenants};
CREATE TRIGGER gatehouse_truncate AFTER TRUNCATE ON {recipe_user_tenants}
  FOR EACH STATEMENT EXECUTE PROCEDURE {schema}.{~gatehouse_follow_truncation}();

DROP TRIGGER IF EXISTS gatehouse_insert ON {user_last_active};
CREATE TRIGGER gatehouse_insert AFTER INSERT ON {user_last_active}
  REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE PROCEDURE {schema}.{~gatehouse_follow_activity}();

DROP TRIGGER IF EXISTS gatehouse_update ON {user_last_active};
CREATE TRIGGER gatehouse_update AFTER UPDATE ON {user_last_active}
  REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE PROCEDURE {schema}.{~gatehouse_follow_activity}();

DROP TRIGGER IF EXISTS gatehouse_delete ON {user_last_active};
CREATE TRIGGER gatehouse_delete AFTER DELETE ON {user_last_active}
  REFERENCING OLD TABLE AS old_rows
  FOR EACH STATEMENT EXECUTE PROCEDURE {schema}.{~gatehouse_follow_activity}();

DROP TRIGGER IF EXISTS gatehouse_truncate ON {user_last_active};
CREATE TRIGGER gatehouse_truncate AFTER TRUNCATE ON {user_last_active}
  FOR EACH STATEMENT EXECUTE PROCEDURE {schema}.{~gatehouse_follow_truncation}();

DROP TRIGGER IF EXISTS gatehouse_insert ON {tenants};
CREATE TRIGGER gatehouse_insert AFTER INSERT ON {tenants}
  REFERENCING NEW TABLE AS new_rows
  FOR EACH STATEMENT EXECUTE PROCEDURE {schema}.{~gatehouse_begin_tenant}();

SELECT {schema}.{~gatehouse_recount_users}();

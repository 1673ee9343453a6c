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

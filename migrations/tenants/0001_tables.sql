-- Tables of tenants: apps, tenants and their configuration; settings per tenant; the activity log.

CREATE TABLE IF NOT EXISTS {apps} (
  app_id VARCHAR(64) NOT NULL DEFAULT 'public',
  created_at_time BIGINT,
  CONSTRAINT {~apps}_pkey PRIMARY KEY (app_id)
);

CREATE TABLE IF NOT EXISTS {tenants} (
  app_id VARCHAR(64) NOT NULL DEFAULT 'public',
  tenant_id VARCHAR(64) NOT NULL DEFAULT 'public',
  created_at_time BIGINT,
  CONSTRAINT {~tenants}_pkey PRIMARY KEY (app_id, tenant_id),
  CONSTRAINT {~tenants}_app_id_fkey FOREIGN KEY (app_id)
      REFERENCES {apps} (app_id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS tenants_app_id_index ON {tenants} (app_id);

CREATE TABLE IF NOT EXISTS {key_value} (
  app_id VARCHAR(64) DEFAULT 'public',
  tenant_id VARCHAR(64) DEFAULT 'public',
  name VARCHAR(128),
  value TEXT,
  created_at_time BIGINT,
  CONSTRAINT {~key_value}_pkey PRIMARY KEY (app_id, tenant_id, name),
  CONSTRAINT {~key_value}_tenant_id_fkey FOREIGN KEY (app_id, tenant_id)
      REFERENCES {tenants} (app_id, tenant_id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS key_value_tenant_id_index ON {key_value} (app_id, tenant_id);

CREATE TABLE IF NOT EXISTS {tenant_configs} (
  connection_uri_domain VARCHAR(256) DEFAULT '',
  app_id VARCHAR(64) DEFAULT 'public',
  tenant_id VARCHAR(64) DEFAULT 'public',
  core_config TEXT,
  email_password_enabled BOOLEAN,
  passwordless_enabled BOOLEAN,
  third_party_enabled BOOLEAN,
  is_first_factors_null BOOLEAN,
  CONSTRAINT {~tenant_configs}_pkey PRIMARY KEY (connection_uri_domain, app_id, tenant_id)
);

CREATE TABLE IF NOT EXISTS {tenant_thirdparty_providers} (
  connection_uri_domain VARCHAR(256) DEFAULT '',
  app_id VARCHAR(64) DEFAULT 'public',
  tenant_id VARCHAR(64) DEFAULT 'public',
  third_party_id VARCHAR(28) NOT NULL,
  name VARCHAR(64),
  authorization_endpoint TEXT,
  authorization_endpoint_query_params TEXT,
  token_endpoint TEXT,
  token_endpoint_body_params TEXT,
  user_info_endpoint TEXT,
  user_info_endpoint_query_params TEXT,
  user_info_endpoint_headers TEXT,
  jwks_uri TEXT,
  oidc_discovery_endpoint TEXT,
  require_email BOOLEAN,
  user_info_map_from_id_token_payload_user_id VARCHAR(64),
  user_info_map_from_id_token_payload_email VARCHAR(64),
  user_info_map_from_id_token_payload_email_verified VARCHAR(64),
  user_info_map_from_user_info_endpoint_user_id VARCHAR(64),
  user_info_map_from_user_info_endpoint_email VARCHAR(64),
  user_info_map_from_user_info_endpoint_email_verified VARCHAR(64),
  CONSTRAINT {~tenant_thirdparty_providers}_pkey
      PRIMARY KEY (connection_uri_domain, app_id, tenant_id, third_party_id),
  CONSTRAINT {~tenant_thirdparty_providers}_tenant_id_fkey
      FOREIGN KEY (connection_uri_domain, app_id, tenant_id)
      REFERENCES {tenant_configs} (connection_uri_domain, app_id, tenant_id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS tenant_thirdparty_providers_tenant_id_index
  ON {tenant_thirdparty_providers} (connection_uri_domain, app_id, tenant_id);

CREATE TABLE IF NOT EXISTS {tenant_first_factors} (
  connection_uri_domain VARCHAR(256) DEFAULT '',
  app_id VARCHAR(64) DEFAULT 'public',
  tenant_id VARCHAR(64) DEFAULT 'public',
  factor_id VARCHAR(128),
  CONSTRAINT {~tenant_first_factors}_pkey
      PRIMARY KEY (connection_uri_domain, app_id, tenant_id, factor_id),
  CONSTRAINT {~tenant_first_factors}_tenant_id_fkey
      FOREIGN KEY (connection_uri_domain, app_id, tenant_id)
      REFERENCES {tenant_configs} (connection_uri_domain, app_id, tenant_id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS tenant_first_factors_tenant_id_index
  ON {tenant_first_factors} (connection_uri_domain, app_id, tenant_id);

CREATE TABLE IF NOT EXISTS {tenant_required_secondary_factors} (
  connection_uri_domain VARCHAR(256) DEFAULT '',
  app_id VARCHAR(64) DEFAULT 'public',
  tenant_id VARCHAR(64) DEFAULT 'public',
  factor_id VARCHAR(128),
  CONSTRAINT {~tenant_required_secondary_factors}_pkey
      PRIMARY KEY (connection_uri_domain, app_id, tenant_id, factor_id),
  CONSTRAINT {~tenant_required_secondary_factors}_tenant_id_fkey
      FOREIGN KEY (connection_uri_domain, app_id, tenant_id)
      REFERENCES {tenant_configs} (connection_uri_domain, app_id, tenant_id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS tenant_default_required_factor_ids_tenant_id_index
  ON {tenant_required_secondary_factors} (connection_uri_domain, app_id, tenant_id);

CREATE TABLE IF NOT EXISTS {tenant_thirdparty_provider_clients} (
  connection_uri_domain VARCHAR(256) DEFAULT '',
  app_id VARCHAR(64) DEFAULT 'public',
  tenant_id VARCHAR(64) DEFAULT 'public',
  third_party_id VARCHAR(28) NOT NULL,
  client_type VARCHAR(64) NOT NULL DEFAULT '',
  client_id VARCHAR(256) NOT NULL,
  client_secret TEXT,
  scope VARCHAR(128)[],
  force_pkce BOOLEAN,
  additional_config TEXT,
  CONSTRAINT {~tenant_thirdparty_provider_clients}_pkey
      PRIMARY KEY (connection_uri_domain, app_id, tenant_id, third_party_id, client_type),
  CONSTRAINT {~tenant_thirdparty_provider_clients}_third_party_id_fkey
      FOREIGN KEY (connection_uri_domain, app_id, tenant_id, third_party_id)
      REFERENCES {tenant_thirdparty_providers} (connection_uri_domain, app_id, tenant_id,
        third_party_id)
      ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS tenant_thirdparty_provider_clients_third_party_id_index
  ON {tenant_thirdparty_provider_clients}
  (connection_uri_domain, app_id, tenant_id, third_party_id);

CREATE TABLE IF NOT EXISTS {activity_log} (
  id BIGINT GENERATED ALWAYS AS IDENTITY,
  app_id VARCHAR(64) NOT NULL DEFAULT 'public',
  tenant_id VARCHAR(64) NOT NULL DEFAULT 'public',
  recipe_user_id VARCHAR(128),
  primary_or_recipe_user_id VARCHAR(128),
  event_type VARCHAR(64) NOT NULL,
  status VARCHAR(128),
  auth_principal VARCHAR(256),
  identifier VARCHAR(256),
  created_at BIGINT NOT NULL,
  payload TEXT
) PARTITION BY RANGE (created_at);
CREATE TABLE IF NOT EXISTS {activity_log_default} PARTITION OF {activity_log} DEFAULT;
CREATE INDEX IF NOT EXISTS activity_log_created_at_brin ON {activity_log} USING brin (created_at);

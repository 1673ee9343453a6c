-- Tables of passwordless: codes and magic links.

CREATE TABLE IF NOT EXISTS {passwordless_users} (
  app_id VARCHAR(64) DEFAULT 'public',
  user_id CHAR(36) NOT NULL,
  email VARCHAR(256),
  phone_number VARCHAR(256),
  time_joined BIGINT NOT NULL,
  CONSTRAINT {~passwordless_users}_pkey PRIMARY KEY (app_id, user_id),
  CONSTRAINT {~passwordless_users}_user_id_fkey FOREIGN KEY (app_id, user_id)
      REFERENCES {app_id_to_user_id} (app_id, user_id) ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE INDEX IF NOT EXISTS passwordless_users_email_index ON {passwordless_users} (app_id, email);
CREATE INDEX IF NOT EXISTS passwordless_users_phone_number_index
  ON {passwordless_users} (app_id, phone_number);

CREATE TABLE IF NOT EXISTS {passwordless_devices} (
  app_id VARCHAR(64) DEFAULT 'public',
  tenant_id VARCHAR(64) DEFAULT 'public',
  device_id_hash CHAR(44) NOT NULL,
  email VARCHAR(256),
  phone_number VARCHAR(256),
  link_code_salt CHAR(44) NOT NULL,
  failed_attempts INTEGER NOT NULL,
  CONSTRAINT {~passwordless_devices}_pkey PRIMARY KEY (app_id, tenant_id, device_id_hash),
  CONSTRAINT {~passwordless_devices}_tenant_id_fkey FOREIGN KEY (app_id, tenant_id)
      REFERENCES {tenants} (app_id, tenant_id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS passwordless_devices_tenant_id_index
  ON {passwordless_devices} (app_id, tenant_id);
CREATE INDEX IF NOT EXISTS passwordless_devices_email_index
  ON {passwordless_devices} (app_id, tenant_id, email);
CREATE INDEX IF NOT EXISTS passwordless_devices_phone_number_index
  ON {passwordless_devices} (app_id, tenant_id, phone_number);

CREATE TABLE IF NOT EXISTS {passwordless_codes} (
  app_id VARCHAR(64) DEFAULT 'public',
  tenant_id VARCHAR(64) DEFAULT 'public',
  code_id CHAR(36) NOT NULL,
  device_id_hash CHAR(44) NOT NULL,
  link_code_hash CHAR(44) NOT NULL,
  created_at BIGINT NOT NULL,
  CONSTRAINT {~passwordless_codes}_pkey PRIMARY KEY (app_id, tenant_id, code_id),
  CONSTRAINT {~passwordless_codes}_link_code_hash_key UNIQUE (app_id, tenant_id, link_code_hash),
  CONSTRAINT {~passwordless_codes}_device_id_hash_fkey
      FOREIGN KEY (app_id, tenant_id, device_id_hash)
      REFERENCES {passwordless_devices} (app_id, tenant_id, device_id_hash)
      ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE INDEX IF NOT EXISTS passwordless_codes_device_id_hash_index
  ON {passwordless_codes} (app_id, tenant_id, device_id_hash);
CREATE INDEX IF NOT EXISTS passwordless_codes_created_at_index
  ON {passwordless_codes} (app_id, tenant_id, created_at);

-- Tables of session: sessions.

CREATE TABLE IF NOT EXISTS {session_info} (
  app_id VARCHAR(64) DEFAULT 'public',
  tenant_id VARCHAR(64) DEFAULT 'public',
  session_handle VARCHAR(255) NOT NULL,
  user_id VARCHAR(128) NOT NULL,
  refresh_token_hash_2 VARCHAR(128) NOT NULL,
  session_data TEXT,
  expires_at BIGINT NOT NULL,
  created_at_time BIGINT NOT NULL,
  jwt_user_payload TEXT,
  use_static_key BOOLEAN NOT NULL,
  prev_refresh_token_hash_2 VARCHAR(128),
  refresh_token_rotated_at BIGINT,
  CONSTRAINT {~session_info}_pkey PRIMARY KEY (app_id, tenant_id, session_handle),
  CONSTRAINT {~session_info}_tenant_id_fkey FOREIGN KEY (app_id, tenant_id)
      REFERENCES {tenants} (app_id, tenant_id) ON DELETE CASCADE
);
-- For tables that an older core created.
ALTER TABLE {session_info}
  ADD COLUMN IF NOT EXISTS prev_refresh_token_hash_2 VARCHAR(128),
  ADD COLUMN IF NOT EXISTS refresh_token_rotated_at BIGINT;
CREATE INDEX IF NOT EXISTS session_info_tenant_id_index ON {session_info} (app_id, tenant_id);
CREATE INDEX IF NOT EXISTS session_expiry_index ON {session_info} (expires_at);
CREATE INDEX IF NOT EXISTS session_info_user_id_app_id_index ON {session_info} (user_id, app_id);

-- Tables of jwks: signing keys.

CREATE TABLE IF NOT EXISTS {session_access_token_signing_keys} (
  app_id VARCHAR(64) DEFAULT 'public',
  created_at_time BIGINT NOT NULL,
  value TEXT,
  CONSTRAINT {~session_access_token_signing_keys}_pkey PRIMARY KEY (app_id, created_at_time),
  CONSTRAINT {~session_access_token_signing_keys}_app_id_fkey FOREIGN KEY (app_id)
      REFERENCES {apps} (app_id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS access_token_signing_keys_app_id_index
  ON {session_access_token_signing_keys} (app_id);

CREATE TABLE IF NOT EXISTS {jwt_signing_keys} (
  app_id VARCHAR(64) DEFAULT 'public',
  key_id VARCHAR(255) NOT NULL,
  key_string TEXT NOT NULL,
  algorithm VARCHAR(10) NOT NULL,
  created_at BIGINT,
  CONSTRAINT {~jwt_signing_keys}_pkey PRIMARY KEY (app_id, key_id),
  CONSTRAINT {~jwt_signing_keys}_app_id_fkey FOREIGN KEY (app_id)
      REFERENCES {apps} (app_id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS jwt_signing_keys_app_id_index ON {jwt_signing_keys} (app_id);

-- Tables of oauth: OAuth 2 provider.

CREATE TABLE IF NOT EXISTS {oauth_clients} (
  app_id VARCHAR(64),
  client_id VARCHAR(255) NOT NULL,
  client_secret TEXT,
  enable_refresh_token_rotation BOOLEAN NOT NULL,
  is_client_credentials_only BOOLEAN NOT NULL,
  CONSTRAINT {~oauth_clients}_pkey PRIMARY KEY (app_id, client_id),
  CONSTRAINT {~oauth_clients}_app_id_fkey FOREIGN KEY (app_id)
      REFERENCES {apps} (app_id) ON DELETE CASCADE
);

CREATE TABLE IF NOT EXISTS {oauth_sessions} (
  gid VARCHAR(255),
  app_id VARCHAR(64) DEFAULT 'public',
  client_id VARCHAR(255) NOT NULL,
  session_handle VARCHAR(128),
  external_refresh_token VARCHAR(255),
  internal_refresh_token VARCHAR(255),
  jti TEXT NOT NULL,
  exp BIGINT NOT NULL,
  CONSTRAINT {~oauth_sessions}_pkey PRIMARY KEY (gid),
  CONSTRAINT {~oauth_sessions}_external_refresh_token_key UNIQUE (external_refresh_token),
  CONSTRAINT {~oauth_sessions}_internal_refresh_token_key UNIQUE (internal_refresh_token),
  CONSTRAINT {~oauth_sessions}_client_id_fkey FOREIGN KEY (app_id, client_id)
      REFERENCES {oauth_clients} (app_id, client_id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS oauth_session_exp_index ON {oauth_sessions} (exp DESC);
CREATE INDEX IF NOT EXISTS oauth_session_external_refresh_token_index
  ON {oauth_sessions} (app_id, external_refresh_token DESC);
CREATE INDEX IF NOT EXISTS oauth_session_client_id_index ON {oauth_sessions} (app_id, client_id);
CREATE INDEX IF NOT EXISTS oauth_session_session_handle_index
  ON {oauth_sessions} (app_id, session_handle);

CREATE TABLE IF NOT EXISTS {oauth_m2m_tokens} (
  app_id VARCHAR(64) DEFAULT 'public',
  client_id VARCHAR(255) NOT NULL,
  iat BIGINT NOT NULL,
  exp BIGINT NOT NULL,
  CONSTRAINT {~oauth_m2m_tokens}_pkey PRIMARY KEY (app_id, client_id, iat),
  CONSTRAINT {~oauth_m2m_tokens}_client_id_fkey FOREIGN KEY (app_id, client_id)
      REFERENCES {oauth_clients} (app_id, client_id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS oauth_m2m_token_iat_index ON {oauth_m2m_tokens} (iat DESC, app_id DESC);
CREATE INDEX IF NOT EXISTS oauth_m2m_token_exp_index ON {oauth_m2m_tokens} (exp DESC);

CREATE TABLE IF NOT EXISTS {oauth_logout_challenges} (
  app_id VARCHAR(64) DEFAULT 'public',
  challenge VARCHAR(128) NOT NULL,
  client_id VARCHAR(255) NOT NULL,
  post_logout_redirect_uri VARCHAR(1024),
  session_handle VARCHAR(128),
  state VARCHAR(128),
  time_created BIGINT NOT NULL,
  CONSTRAINT {~oauth_logout_challenges}_pkey PRIMARY KEY (app_id, challenge),
  CONSTRAINT {~oauth_logout_challenges}_client_id_fkey FOREIGN KEY (app_id, client_id)
      REFERENCES {oauth_clients} (app_id, client_id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS oauth_logout_challenges_time_created_index
  ON {oauth_logout_challenges} (time_created DESC);

CREATE TABLE IF NOT EXISTS {oauth_m2m_token_stats} (
  app_id VARCHAR(64) DEFAULT 'public',
  iat_bucket BIGINT NOT NULL,
  exp_bucket BIGINT NOT NULL,
  count BIGINT NOT NULL DEFAULT 0,
  CONSTRAINT {~oauth_m2m_token_stats}_pkey PRIMARY KEY (app_id, iat_bucket, exp_bucket)
);
CREATE INDEX IF NOT EXISTS oauth_m2m_token_stats_exp_bucket_index
  ON {oauth_m2m_token_stats} (app_id, exp_bucket);
-- Once, when the table is new: buckets are hours, tokens have seconds.
INSERT INTO {oauth_m2m_token_stats} (app_id, iat_bucket, exp_bucket, count)
  SELECT app_id, iat / 3600, exp / 3600, COUNT(*) FROM {oauth_m2m_tokens}
  WHERE NOT EXISTS (SELECT 1 FROM {oauth_m2m_token_stats})
  GROUP BY app_id, iat / 3600, exp / 3600
  ON CONFLICT DO NOTHING;

-- What the original leaves to the OAuth server behind it, besides clients' metadata: flows of a
-- browser, codes, grants and remembered logins. Everything secret is here as its SHA-256 in hex.
-- Documents are messages of gatehouse.oauth.v1 in protobuf's JSON. Times are in milliseconds.

-- A login and consent request. Its stages: 1 waits for a login, 2 has one, 3 waits for a consent, 4
-- has one, 5 is answered. The challenge is that of the login page (1, 2), then that of the consent
-- page; the verifier is what the page's answer has to be shown by (2, 4, 5).
CREATE TABLE IF NOT EXISTS {gatehouse_oauth_flows} (
  app_id VARCHAR(64) NOT NULL,
  challenge_hash CHAR(64) NOT NULL,
  verifier_hash CHAR(64),
  csrf_hash CHAR(64) NOT NULL,
  client_id VARCHAR(255) NOT NULL,
  stage SMALLINT NOT NULL,
  flow TEXT NOT NULL,
  expires_at BIGINT NOT NULL,
  CONSTRAINT {~gatehouse_oauth_flows}_pkey PRIMARY KEY (app_id, challenge_hash),
  CONSTRAINT {~gatehouse_oauth_flows}_client_id_fkey FOREIGN KEY (app_id, client_id)
      REFERENCES {oauth_clients} (app_id, client_id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX IF NOT EXISTS gatehouse_oauth_flows_verifier_index
  ON {gatehouse_oauth_flows} (app_id, verifier_hash);
CREATE INDEX IF NOT EXISTS gatehouse_oauth_flows_client_id_index
  ON {gatehouse_oauth_flows} (app_id, client_id);
CREATE INDEX IF NOT EXISTS gatehouse_oauth_flows_expires_at_index
  ON {gatehouse_oauth_flows} (expires_at);

-- A used code stays until it expires, so that its reuse is noticed.
CREATE TABLE IF NOT EXISTS {gatehouse_oauth_codes} (
  app_id VARCHAR(64) NOT NULL,
  code_hash CHAR(64) NOT NULL,
  client_id VARCHAR(255) NOT NULL,
  gid VARCHAR(255) NOT NULL,
  grant_json TEXT NOT NULL,
  used BOOLEAN NOT NULL DEFAULT FALSE,
  wrong_verifiers SMALLINT NOT NULL DEFAULT 0,
  expires_at BIGINT NOT NULL,
  CONSTRAINT {~gatehouse_oauth_codes}_pkey PRIMARY KEY (app_id, code_hash),
  CONSTRAINT {~gatehouse_oauth_codes}_client_id_fkey FOREIGN KEY (app_id, client_id)
      REFERENCES {oauth_clients} (app_id, client_id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS gatehouse_oauth_codes_client_id_index
  ON {gatehouse_oauth_codes} (app_id, client_id);
CREATE INDEX IF NOT EXISTS gatehouse_oauth_codes_expires_at_index
  ON {gatehouse_oauth_codes} (expires_at);

-- What a refresh token of oauth_sessions stands for.
CREATE TABLE IF NOT EXISTS {gatehouse_oauth_grants} (
  gid VARCHAR(255) NOT NULL,
  grant_json TEXT NOT NULL,
  refreshed_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  CONSTRAINT {~gatehouse_oauth_grants}_pkey PRIMARY KEY (gid),
  CONSTRAINT {~gatehouse_oauth_grants}_gid_fkey FOREIGN KEY (gid)
      REFERENCES {oauth_sessions} (gid) ON DELETE CASCADE
);

-- Refresh tokens that were replaced: who shows one of them ends the grant.
CREATE TABLE IF NOT EXISTS {gatehouse_oauth_rotated_tokens} (
  app_id VARCHAR(64) NOT NULL,
  token_hash CHAR(64) NOT NULL,
  gid VARCHAR(255) NOT NULL,
  expires_at BIGINT NOT NULL,
  CONSTRAINT {~gatehouse_oauth_rotated_tokens}_pkey PRIMARY KEY (app_id, token_hash),
  CONSTRAINT {~gatehouse_oauth_rotated_tokens}_gid_fkey FOREIGN KEY (gid)
      REFERENCES {oauth_sessions} (gid) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS gatehouse_oauth_rotated_tokens_gid_index
  ON {gatehouse_oauth_rotated_tokens} (gid);
CREATE INDEX IF NOT EXISTS gatehouse_oauth_rotated_tokens_expires_at_index
  ON {gatehouse_oauth_rotated_tokens} (expires_at);

-- Logins that a browser's cookie stands for.
CREATE TABLE IF NOT EXISTS {gatehouse_oauth_logins} (
  app_id VARCHAR(64) NOT NULL,
  cookie_hash CHAR(64) NOT NULL,
  session_id CHAR(36) NOT NULL,
  subject TEXT NOT NULL,
  authenticated_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  CONSTRAINT {~gatehouse_oauth_logins}_pkey PRIMARY KEY (app_id, cookie_hash),
  CONSTRAINT {~gatehouse_oauth_logins}_app_id_fkey FOREIGN KEY (app_id)
      REFERENCES {apps} (app_id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS gatehouse_oauth_logins_expires_at_index
  ON {gatehouse_oauth_logins} (expires_at);

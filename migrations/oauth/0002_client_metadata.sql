-- Clients' metadata, which the original leaves to the OAuth server behind it. A client of
-- oauth_clients without a row here came from an original: it has everything by default, so no
-- redirect URI, until it is written again.
CREATE TABLE IF NOT EXISTS {gatehouse_oauth_clients} (
  app_id VARCHAR(64) NOT NULL,
  client_id VARCHAR(255) NOT NULL,
  client_name TEXT NOT NULL,
  created_at_s BIGINT NOT NULL,
  updated_at_us BIGINT NOT NULL,
  -- The other fields: a gatehouse.oauth.v1.Client in protobuf's JSON.
  settings TEXT NOT NULL,
  CONSTRAINT {~gatehouse_oauth_clients}_pkey PRIMARY KEY (app_id, client_id),
  CONSTRAINT {~gatehouse_oauth_clients}_client_id_fkey FOREIGN KEY (app_id, client_id)
      REFERENCES {oauth_clients} (app_id, client_id) ON DELETE CASCADE
);

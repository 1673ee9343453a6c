-- What the original's tables have no column for. Rows go with those that they belong to, whichever
-- program removes them.

-- updated_at is that of the client's row when both were written: a core of the original that
-- changes the client makes this row stale, and then it does not count.
CREATE TABLE IF NOT EXISTS {gatehouse_saml_clients} (
  app_id VARCHAR(64) NOT NULL,
  tenant_id VARCHAR(64) NOT NULL,
  client_id VARCHAR(256) NOT NULL,
  updated_at BIGINT NOT NULL,
  idp_signing_certificates TEXT NOT NULL,
  options TEXT NOT NULL,
  CONSTRAINT {~gatehouse_saml_clients}_pkey PRIMARY KEY (app_id, tenant_id, client_id),
  CONSTRAINT {~gatehouse_saml_clients}_client_fkey FOREIGN KEY (app_id, tenant_id, client_id)
      REFERENCES {saml_clients} (app_id, tenant_id, client_id) ON DELETE CASCADE
);

-- The request that a relay state was made for.
CREATE TABLE IF NOT EXISTS {gatehouse_saml_logins} (
  app_id VARCHAR(64) NOT NULL,
  tenant_id VARCHAR(64) NOT NULL,
  relay_state VARCHAR(256) NOT NULL,
  request_id VARCHAR(64) NOT NULL,
  acs_url TEXT NOT NULL,
  CONSTRAINT {~gatehouse_saml_logins}_pkey PRIMARY KEY (app_id, tenant_id, relay_state),
  CONSTRAINT {~gatehouse_saml_logins}_relay_state_fkey FOREIGN KEY (app_id, tenant_id, relay_state)
      REFERENCES {saml_relay_state} (app_id, tenant_id, relay_state) ON DELETE CASCADE
);

-- Assertions that have been accepted, by the SHA-256 of provider and id: none counts twice.
CREATE TABLE IF NOT EXISTS {gatehouse_saml_assertions} (
  app_id VARCHAR(64) NOT NULL,
  tenant_id VARCHAR(64) NOT NULL,
  assertion_hash CHAR(64) NOT NULL,
  expires_at BIGINT NOT NULL,
  CONSTRAINT {~gatehouse_saml_assertions}_pkey PRIMARY KEY (app_id, tenant_id, assertion_hash),
  CONSTRAINT {~gatehouse_saml_assertions}_tenant_id_fkey FOREIGN KEY (app_id, tenant_id)
      REFERENCES {tenants} (app_id, tenant_id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS gatehouse_saml_assertions_expires_at_index
  ON {gatehouse_saml_assertions} (expires_at);

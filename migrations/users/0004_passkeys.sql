-- The ids of users' passkeys, a copy that webauthn's migrations keep by triggers
-- (docs/adr/0014): user objects show them, and users are found by them. `user_id` is internal.

CREATE TABLE IF NOT EXISTS {gatehouse_passkeys} (
  app_id VARCHAR(64) NOT NULL,
  user_id CHAR(36) NOT NULL,
  rp_id VARCHAR(256) NOT NULL,
  credential_id VARCHAR(256) NOT NULL,
  CONSTRAINT {~gatehouse_passkeys}_pkey PRIMARY KEY (app_id, user_id, rp_id, credential_id)
);
CREATE INDEX IF NOT EXISTS {~gatehouse_passkeys}_credential_id
  ON {gatehouse_passkeys} (app_id, credential_id);

-- Tables of dashboard: the dashboard's own users.

CREATE TABLE IF NOT EXISTS {dashboard_users} (
  app_id VARCHAR(64) DEFAULT 'public',
  user_id CHAR(36) NOT NULL,
  email VARCHAR(256) NOT NULL,
  password_hash VARCHAR(256) NOT NULL,
  time_joined BIGINT NOT NULL,
  CONSTRAINT {~dashboard_users}_pkey PRIMARY KEY (app_id, user_id),
  CONSTRAINT {~dashboard_users}_email_key UNIQUE (app_id, email),
  CONSTRAINT {~dashboard_users}_app_id_fkey FOREIGN KEY (app_id)
      REFERENCES {apps} (app_id) ON DELETE CASCADE
);
CREATE INDEX IF NOT EXISTS dashboard_users_app_id_index ON {dashboard_users} (app_id);

CREATE TABLE IF NOT EXISTS {dashboard_user_sessions} (
  app_id VARCHAR(64) DEFAULT 'public',
  session_id CHAR(36) NOT NULL,
  user_id CHAR(36) NOT NULL,
  time_created BIGINT NOT NULL,
  expiry BIGINT NOT NULL,
  CONSTRAINT {~dashboard_user_sessions}_pkey PRIMARY KEY (app_id, session_id),
  CONSTRAINT {~dashboard_user_sessions}_user_id_fkey FOREIGN KEY (app_id, user_id)
      REFERENCES {dashboard_users} (app_id, user_id) ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE INDEX IF NOT EXISTS dashboard_user_sessions_expiry_index
  ON {dashboard_user_sessions} (expiry);
CREATE INDEX IF NOT EXISTS dashboard_user_sessions_user_id_index
  ON {dashboard_user_sessions} (app_id, user_id);

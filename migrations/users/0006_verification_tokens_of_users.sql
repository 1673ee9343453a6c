-- The removal of a user, and a change of its id, look for the user's verification tokens in all
-- tenants; the primary key begins with the tenant, so they read all tokens of the app.
CREATE INDEX IF NOT EXISTS emailverification_tokens_user_id_index
  ON {emailverification_tokens} (app_id, user_id);

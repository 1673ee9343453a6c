-- The removal of a user removes the user's recovery tokens by the foreign key, for which the
-- original's tables have no index: each removal, of a user of any recipe, read them all.
CREATE INDEX IF NOT EXISTS webauthn_account_recovery_token_user_id_index
  ON {webauthn_account_recovery_tokens} (app_id, user_id);

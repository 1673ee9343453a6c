"""The tables that each core version left behind, in SQL of our own: those of core 5.0, and each later version's changes to them."""

# Names of keys are PostgreSQL's own, which are the original's too.
CORE_5_0 = """
CREATE TABLE key_value (name VARCHAR(128) PRIMARY KEY, value TEXT, created_at_time BIGINT);
CREATE TABLE all_auth_recipe_users (user_id CHAR(36) PRIMARY KEY, recipe_id VARCHAR(128) NOT NULL, time_joined BIGINT NOT NULL);
CREATE INDEX all_auth_recipe_users_pagination_index ON all_auth_recipe_users (time_joined DESC, user_id DESC);
CREATE TABLE user_last_active (user_id VARCHAR(128) PRIMARY KEY, last_active_time BIGINT);
CREATE TABLE session_access_token_signing_keys (created_at_time BIGINT PRIMARY KEY, value TEXT);
CREATE TABLE session_info (session_handle VARCHAR(255) PRIMARY KEY, user_id VARCHAR(128) NOT NULL, refresh_token_hash_2 VARCHAR(128) NOT NULL,
    session_data TEXT, expires_at BIGINT NOT NULL, created_at_time BIGINT NOT NULL, jwt_user_payload TEXT, use_static_key BOOLEAN NOT NULL);
CREATE TABLE jwt_signing_keys (key_id VARCHAR(255) PRIMARY KEY, key_string TEXT NOT NULL, algorithm VARCHAR(10) NOT NULL, created_at BIGINT);
CREATE TABLE emailpassword_users (user_id CHAR(36) PRIMARY KEY, email VARCHAR(256) NOT NULL UNIQUE, password_hash VARCHAR(256) NOT NULL, time_joined BIGINT NOT NULL);
CREATE TABLE emailpassword_pswd_reset_tokens (user_id CHAR(36) NOT NULL REFERENCES emailpassword_users ON DELETE CASCADE ON UPDATE CASCADE,
    token VARCHAR(128) NOT NULL UNIQUE, token_expiry BIGINT NOT NULL, PRIMARY KEY (user_id, token));
CREATE INDEX emailpassword_password_reset_token_expiry_index ON emailpassword_pswd_reset_tokens (token_expiry);
CREATE TABLE emailverification_verified_emails (user_id VARCHAR(128) NOT NULL, email VARCHAR(256) NOT NULL, PRIMARY KEY (user_id, email));
CREATE TABLE emailverification_tokens (user_id VARCHAR(128) NOT NULL, email VARCHAR(256) NOT NULL, token VARCHAR(128) NOT NULL UNIQUE,
    token_expiry BIGINT NOT NULL, PRIMARY KEY (user_id, email, token));
CREATE INDEX emailverification_tokens_index ON emailverification_tokens (token_expiry);
CREATE TABLE thirdparty_users (third_party_id VARCHAR(28) NOT NULL, third_party_user_id VARCHAR(256) NOT NULL, user_id CHAR(36) NOT NULL UNIQUE,
    email VARCHAR(256) NOT NULL, time_joined BIGINT NOT NULL, PRIMARY KEY (third_party_id, third_party_user_id));
CREATE TABLE passwordless_users (user_id CHAR(36) PRIMARY KEY, email VARCHAR(256) UNIQUE, phone_number VARCHAR(256) UNIQUE, time_joined BIGINT NOT NULL);
CREATE TABLE passwordless_devices (device_id_hash CHAR(44) PRIMARY KEY, email VARCHAR(256), phone_number VARCHAR(256), link_code_salt CHAR(44) NOT NULL,
    failed_attempts INT NOT NULL);
CREATE INDEX passwordless_devices_email_index ON passwordless_devices (email);
CREATE INDEX passwordless_devices_phone_number_index ON passwordless_devices (phone_number);
CREATE TABLE passwordless_codes (code_id CHAR(36) PRIMARY KEY, device_id_hash CHAR(44) NOT NULL REFERENCES passwordless_devices ON DELETE CASCADE ON UPDATE CASCADE,
    link_code_hash CHAR(44) NOT NULL UNIQUE, created_at BIGINT NOT NULL);
CREATE INDEX passwordless_codes_device_id_hash_index ON passwordless_codes (device_id_hash);
CREATE INDEX passwordless_codes_created_at_index ON passwordless_codes (created_at);
CREATE TABLE user_metadata (user_id VARCHAR(128) PRIMARY KEY, user_metadata TEXT NOT NULL);
CREATE TABLE roles (role VARCHAR(255) PRIMARY KEY);
CREATE TABLE role_permissions (role VARCHAR(255) NOT NULL REFERENCES roles ON DELETE CASCADE, permission VARCHAR(255) NOT NULL, PRIMARY KEY (role, permission));
CREATE INDEX role_permissions_permission_index ON role_permissions (permission);
CREATE TABLE user_roles (user_id VARCHAR(128) NOT NULL, role VARCHAR(255) NOT NULL REFERENCES roles ON DELETE CASCADE, PRIMARY KEY (user_id, role));
CREATE INDEX user_roles_role_index ON user_roles (role);
CREATE TABLE userid_mapping (supertokens_user_id CHAR(36) NOT NULL UNIQUE REFERENCES all_auth_recipe_users ON DELETE CASCADE,
    external_user_id VARCHAR(128) NOT NULL UNIQUE, external_user_id_info TEXT, PRIMARY KEY (supertokens_user_id, external_user_id));
CREATE TABLE dashboard_users (user_id CHAR(36) PRIMARY KEY, email VARCHAR(256) NOT NULL UNIQUE, password_hash VARCHAR(256) NOT NULL, time_joined BIGINT NOT NULL);
CREATE TABLE dashboard_user_sessions (session_id CHAR(36) PRIMARY KEY, user_id CHAR(36) NOT NULL REFERENCES dashboard_users ON DELETE CASCADE ON UPDATE CASCADE,
    time_created BIGINT NOT NULL, expiry BIGINT NOT NULL);
CREATE INDEX dashboard_user_sessions_expiry_index ON dashboard_user_sessions (expiry);
CREATE TABLE totp_users (user_id VARCHAR(128) PRIMARY KEY);
CREATE TABLE totp_user_devices (user_id VARCHAR(128) NOT NULL REFERENCES totp_users ON DELETE CASCADE, device_name VARCHAR(256) NOT NULL,
    secret_key VARCHAR(256) NOT NULL, period INTEGER NOT NULL, skew INTEGER NOT NULL, verified BOOLEAN NOT NULL, PRIMARY KEY (user_id, device_name));
CREATE TABLE totp_used_codes (user_id VARCHAR(128) NOT NULL REFERENCES totp_users ON DELETE CASCADE, code VARCHAR(8) NOT NULL, is_valid BOOLEAN NOT NULL,
    expiry_time_ms BIGINT NOT NULL, created_time_ms BIGINT NOT NULL, PRIMARY KEY (user_id, created_time_ms));
CREATE INDEX totp_used_codes_expiry_time_ms_index ON totp_used_codes (expiry_time_ms);
"""

# Core 6.0 put an app, and often a tenant, before every key: (table, primary key, whether of a tenant, unique keys before and after, foreign keys).
_APP, _TENANT = "app_id VARCHAR(64) DEFAULT 'public'", "tenant_id VARCHAR(64) DEFAULT 'public'"
_OF_USER = "(app_id, user_id) REFERENCES app_id_to_user_id ON DELETE CASCADE"
_KEYS_6_0 = [
    ("key_value", "name", True, [], []),
    ("session_info", "session_handle", True, [], []),
    ("session_access_token_signing_keys", "created_at_time", False, [], []),
    ("jwt_signing_keys", "key_id", False, [], []),
    ("emailverification_verified_emails", "user_id, email", False, [], []),
    ("emailverification_tokens", "user_id, email, token", True, [], []),
    ("emailpassword_users", "user_id", False, [("email", None)], [_OF_USER]),
    ("emailpassword_pswd_reset_tokens", "user_id, token", False, [], ["(app_id, user_id) REFERENCES emailpassword_users ON DELETE CASCADE ON UPDATE CASCADE"]),
    ("passwordless_users", "user_id", False, [("email", None), ("phone_number", None)], [_OF_USER]),
    ("passwordless_devices", "device_id_hash", True, [], []),
    ("passwordless_codes", "code_id", True, [("link_code_hash", "app_id, tenant_id, link_code_hash")],
     ["(app_id, tenant_id, device_id_hash) REFERENCES passwordless_devices ON DELETE CASCADE ON UPDATE CASCADE"]),
    ("thirdparty_users", "user_id", False, [("user_id", None)], [_OF_USER]),
    ("userid_mapping", "supertokens_user_id, external_user_id", False,
     [("supertokens_user_id", "app_id, supertokens_user_id"), ("external_user_id", "app_id, external_user_id")],
     ["(app_id, supertokens_user_id) REFERENCES app_id_to_user_id ON DELETE CASCADE"]),
    ("roles", "role", False, [], []),
    ("role_permissions", "role, permission", False, [], ["(app_id, role) REFERENCES roles ON DELETE CASCADE"]),
    ("user_roles", "user_id, role", True, [], ["(app_id, role) REFERENCES roles ON DELETE CASCADE"]),
    ("user_metadata", "user_id", False, [], []),
    ("dashboard_users", "user_id", False, [("email", "app_id, email")], []),
    ("dashboard_user_sessions", "session_id", False, [], ["(app_id, user_id) REFERENCES dashboard_users ON DELETE CASCADE ON UPDATE CASCADE"]),
    ("totp_users", "user_id", False, [], []),
    ("totp_user_devices", "user_id, device_name", False, [], ["(app_id, user_id) REFERENCES totp_users ON DELETE CASCADE"]),
    ("totp_used_codes", "user_id, created_time_ms", True, [], ["(app_id, user_id) REFERENCES totp_users ON DELETE CASCADE"]),
    ("user_last_active", "user_id", False, [], []),
]
_WITHOUT_OWN_APP_KEY = {"emailpassword_users", "emailpassword_pswd_reset_tokens", "passwordless_users", "passwordless_codes", "thirdparty_users", "userid_mapping",
                        "role_permissions", "dashboard_user_sessions", "totp_user_devices"}
_INDEXES_6_0 = {"role_permissions_permission_index": "role_permissions (app_id, permission)", "role_permissions_role_index": "role_permissions (app_id, role)",
                "user_roles_role_index": "user_roles (app_id, tenant_id, role)", "user_roles_tenant_id_index": "user_roles (app_id, tenant_id)",
                "user_roles_app_id_role_index": "user_roles (app_id, role)", "session_expiry_index": "session_info (expires_at)",
                "passwordless_devices_email_index": "passwordless_devices (app_id, tenant_id, email)",
                "passwordless_devices_phone_number_index": "passwordless_devices (app_id, tenant_id, phone_number)",
                "passwordless_codes_created_at_index": "passwordless_codes (app_id, tenant_id, created_at)",
                "passwordless_codes_device_id_hash_index": "passwordless_codes (app_id, tenant_id, device_id_hash)",
                "totp_used_codes_expiry_time_ms_index": "totp_used_codes (app_id, tenant_id, expiry_time_ms)",
                "thirdparty_users_email_index": "thirdparty_users (app_id, email)",
                "thirdparty_users_thirdparty_user_id_index": "thirdparty_users (app_id, third_party_id, third_party_user_id)",
                "all_auth_recipe_users_pagination_index": "all_auth_recipe_users (time_joined DESC, user_id DESC, tenant_id DESC, app_id DESC)",
                "all_auth_recipe_user_id_index": "all_auth_recipe_users (app_id, user_id)",
                "all_auth_recipe_tenant_id_index": "all_auth_recipe_users (app_id, tenant_id)"}
_CONFIG_KEY = "connection_uri_domain VARCHAR(256) DEFAULT '', " + _APP + ", " + _TENANT


def _core_6_0():
    yield """
CREATE TABLE apps (app_id VARCHAR(64) NOT NULL DEFAULT 'public' PRIMARY KEY, created_at_time BIGINT);
INSERT INTO apps VALUES ('public', 0);
CREATE TABLE tenants (app_id VARCHAR(64) NOT NULL DEFAULT 'public' REFERENCES apps ON DELETE CASCADE, tenant_id VARCHAR(64) NOT NULL DEFAULT 'public',
    created_at_time BIGINT, PRIMARY KEY (app_id, tenant_id));
INSERT INTO tenants VALUES ('public', 'public', 0);
CREATE TABLE app_id_to_user_id (app_id VARCHAR(64) NOT NULL DEFAULT 'public' REFERENCES apps ON DELETE CASCADE, user_id CHAR(36) NOT NULL,
    recipe_id VARCHAR(128) NOT NULL, PRIMARY KEY (app_id, user_id));
ALTER TABLE all_auth_recipe_users DROP CONSTRAINT all_auth_recipe_users_pkey CASCADE, ADD COLUMN %s, ADD COLUMN %s, ADD PRIMARY KEY (app_id, tenant_id, user_id),
    ADD CONSTRAINT all_auth_recipe_users_tenant_id_fkey FOREIGN KEY (app_id, tenant_id) REFERENCES tenants ON DELETE CASCADE,
    ADD CONSTRAINT all_auth_recipe_users_user_id_fkey FOREIGN KEY %s;
""" % (_APP, _TENANT, _OF_USER)
    for table, key, of_tenant, uniques, foreign in _KEYS_6_0:
        new_key = "app_id, " + ("tenant_id, " if of_tenant else "") + key
        changes = ["DROP CONSTRAINT %s_pkey CASCADE" % table, "ADD COLUMN " + _APP] + (["ADD COLUMN " + _TENANT] if of_tenant else [])
        changes.append("ADD PRIMARY KEY (%s)" % new_key)
        for before, after in uniques:
            name = "%s_%s_key" % (table, before)
            changes.append("DROP CONSTRAINT IF EXISTS " + name)
            if after:
                changes.append("ADD CONSTRAINT %s UNIQUE (%s)" % (name, after))
        yield "ALTER TABLE %s %s;\n" % (table, ", ".join(changes))
        for references in foreign + (["(app_id, tenant_id) REFERENCES tenants ON DELETE CASCADE"] if of_tenant and table != "passwordless_codes" else []) + (
                ["(app_id) REFERENCES apps ON DELETE CASCADE"] if not of_tenant and table not in _WITHOUT_OWN_APP_KEY else []):
            name = "%s_%s_fkey" % (table, references[1:references.index(")")].split(", ")[-1])
            yield "ALTER TABLE %s DROP CONSTRAINT IF EXISTS %s, ADD CONSTRAINT %s FOREIGN KEY %s;\n" % (table, name, name, references)
    for name, definition in _INDEXES_6_0.items():
        yield "DROP INDEX IF EXISTS %s; CREATE INDEX %s ON %s;\n" % (name, name, definition)
    for table, columns, keys in (("emailpassword", "email VARCHAR(256) NOT NULL", ["email"]),
                                 ("passwordless", "email VARCHAR(256), phone_number VARCHAR(256)", ["email", "phone_number"]),
                                 ("thirdparty", "third_party_id VARCHAR(28) NOT NULL, third_party_user_id VARCHAR(256) NOT NULL", ["third_party_id, third_party_user_id"])):
        name = table + "_user_to_tenant"
        yield "CREATE TABLE %s (%s, %s, user_id CHAR(36) NOT NULL, %s, PRIMARY KEY (app_id, tenant_id, user_id), %s, CONSTRAINT %s_user_id_fkey FOREIGN KEY " \
              "(app_id, tenant_id, user_id) REFERENCES all_auth_recipe_users ON DELETE CASCADE);\n" % (
                  name, _APP, _TENANT, columns,
                  ", ".join("CONSTRAINT %s_%s_key UNIQUE (app_id, tenant_id, %s)" % (name, key.split(", ")[-1], key) for key in keys), name)
    yield """
CREATE TABLE tenant_configs (%(key)s, core_config TEXT, email_password_enabled BOOLEAN, passwordless_enabled BOOLEAN, third_party_enabled BOOLEAN,
    PRIMARY KEY (connection_uri_domain, app_id, tenant_id));
CREATE TABLE tenant_thirdparty_providers (%(key)s, third_party_id VARCHAR(28) NOT NULL, name VARCHAR(64), authorization_endpoint TEXT,
    authorization_endpoint_query_params TEXT, token_endpoint TEXT, token_endpoint_body_params TEXT, user_info_endpoint TEXT, user_info_endpoint_query_params TEXT,
    user_info_endpoint_headers TEXT, jwks_uri TEXT, oidc_discovery_endpoint TEXT, require_email BOOLEAN, user_info_map_from_id_token_payload_user_id VARCHAR(64),
    user_info_map_from_id_token_payload_email VARCHAR(64), user_info_map_from_id_token_payload_email_verified VARCHAR(64),
    user_info_map_from_user_info_endpoint_user_id VARCHAR(64), user_info_map_from_user_info_endpoint_email VARCHAR(64),
    user_info_map_from_user_info_endpoint_email_verified VARCHAR(64), PRIMARY KEY (connection_uri_domain, app_id, tenant_id, third_party_id),
    CONSTRAINT tenant_thirdparty_providers_tenant_id_fkey FOREIGN KEY (connection_uri_domain, app_id, tenant_id) REFERENCES tenant_configs ON DELETE CASCADE);
CREATE TABLE tenant_thirdparty_provider_clients (%(key)s, third_party_id VARCHAR(28) NOT NULL, client_type VARCHAR(64) NOT NULL DEFAULT '',
    client_id VARCHAR(256) NOT NULL, client_secret TEXT, scope VARCHAR(128)[], force_pkce BOOLEAN, additional_config TEXT,
    PRIMARY KEY (connection_uri_domain, app_id, tenant_id, third_party_id, client_type),
    CONSTRAINT tenant_thirdparty_provider_clients_third_party_id_fkey FOREIGN KEY (connection_uri_domain, app_id, tenant_id, third_party_id)
    REFERENCES tenant_thirdparty_providers ON DELETE CASCADE);
INSERT INTO tenant_configs VALUES ('', 'public', 'public', '{}', true, true, true);
""" % {"key": _CONFIG_KEY}


def _factors(table, index):
    return "CREATE TABLE %s (%s, factor_id VARCHAR(128), PRIMARY KEY (connection_uri_domain, app_id, tenant_id, factor_id), CONSTRAINT %s_tenant_id_fkey FOREIGN KEY " \
           "(connection_uri_domain, app_id, tenant_id) REFERENCES tenant_configs ON DELETE CASCADE);\nCREATE INDEX %s ON %s (connection_uri_domain, app_id, tenant_id);\n" % (
               table, _CONFIG_KEY, table, index, table)


_PAGINATION = "CREATE INDEX all_auth_recipe_users_pagination_index%d ON all_auth_recipe_users (%sapp_id, tenant_id, primary_or_recipe_user_time_joined%s, " \
              "primary_or_recipe_user_id DESC);\n"
_TENANT_OF_APP = "app_id VARCHAR(64) NOT NULL DEFAULT 'public', tenant_id VARCHAR(64) NOT NULL DEFAULT 'public'"
_CASCADING = [("app_id_to_user_id", "primary_or_recipe_user_id"), ("all_auth_recipe_users", "primary_or_recipe_user_id"), ("all_auth_recipe_users", "user_id"),
              ("emailpassword_users", "user_id"), ("thirdparty_users", "user_id"), ("passwordless_users", "user_id"), ("webauthn_users", "user_id"),
              ("userid_mapping", "supertokens_user_id")]


def _referring(table, column, how):
    name = "%s_%s_fkey" % (table, column)
    return "ALTER TABLE %s DROP CONSTRAINT IF EXISTS %s, ADD CONSTRAINT %s FOREIGN KEY (app_id, %s) REFERENCES app_id_to_user_id ON DELETE CASCADE%s;\n" % (
        table, name, name, column, how)


# What each version changed; those in between changed nothing. The tables are as its scripts leave them, with their oddities.
CHANGES = [
    ("6.0", "".join(_core_6_0())),
    ("7.0", "".join("ALTER TABLE %s ADD COLUMN primary_or_recipe_user_id CHAR(36) NOT NULL DEFAULT '0', ADD COLUMN is_linked_or_is_a_primary_user BOOLEAN NOT NULL "
                    "DEFAULT FALSE; ALTER TABLE %s ALTER primary_or_recipe_user_id DROP DEFAULT;\n" % (table, table) + _referring(table, "primary_or_recipe_user_id", "")
                    for table in ("all_auth_recipe_users", "app_id_to_user_id"))
     + "ALTER TABLE all_auth_recipe_users ADD COLUMN primary_or_recipe_user_time_joined BIGINT NOT NULL DEFAULT 0; DROP INDEX all_auth_recipe_users_pagination_index;\n"
     + _PAGINATION % (1, "", " DESC") + _PAGINATION % (2, "", "") + _PAGINATION % (3, "recipe_id, ", " DESC") + _PAGINATION % (4, "recipe_id, ", "")
     + _referring("emailpassword_pswd_reset_tokens", "user_id", "") + "ALTER TABLE emailpassword_pswd_reset_tokens ADD COLUMN email VARCHAR(256);\n"),
    ("8.0", "ALTER TABLE user_roles DROP CONSTRAINT user_roles_role_fkey;\n"),
    ("9.0", "ALTER TABLE totp_user_devices ADD COLUMN created_at BIGINT;\n" + _factors("tenant_first_factors", "tenant_first_factors_tenant_id_index")
     + _factors("tenant_required_secondary_factors", "tenant_default_required_factor_ids_tenant_id_index")),
    ("9.1", "ALTER TABLE tenant_configs ADD COLUMN is_first_factors_null BOOLEAN DEFAULT TRUE; ALTER TABLE tenant_configs ALTER is_first_factors_null DROP DEFAULT;\n"),
    ("9.3", """
CREATE TABLE oauth_clients (app_id VARCHAR(64) REFERENCES apps ON DELETE CASCADE, client_id VARCHAR(255) NOT NULL, is_client_credentials_only BOOLEAN NOT NULL,
    PRIMARY KEY (app_id, client_id));
CREATE TABLE oauth_sessions (gid VARCHAR(255) PRIMARY KEY, app_id VARCHAR(64) DEFAULT 'public', client_id VARCHAR(255) NOT NULL, session_handle VARCHAR(128),
    external_refresh_token VARCHAR(255) UNIQUE, internal_refresh_token VARCHAR(255) UNIQUE, jti TEXT NOT NULL, exp BIGINT NOT NULL,
    FOREIGN KEY (app_id, client_id) REFERENCES oauth_clients ON DELETE CASCADE);
INSERT INTO oauth_clients VALUES ('public', 'an-old-client', true);
"""),
    ("10.0", """
CREATE TABLE bulk_import_users (id CHAR(36), app_id VARCHAR(64) NOT NULL DEFAULT 'public', primary_user_id VARCHAR(36), raw_data TEXT NOT NULL,
    status VARCHAR(128) DEFAULT 'NEW', error_msg TEXT, created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL, PRIMARY KEY (app_id, id),
    CONSTRAINT bulk_import_users__app_id_fkey FOREIGN KEY (app_id) REFERENCES apps ON DELETE CASCADE);
CREATE INDEX session_info_user_id_app_id_index ON session_info (user_id, app_id);
"""),
    ("10.1", """
CREATE TABLE webauthn_users (app_id VARCHAR(64) NOT NULL DEFAULT 'public', user_id CHAR(36) NOT NULL, email VARCHAR(256) NOT NULL, rp_id VARCHAR(256) NOT NULL,
    time_joined BIGINT NOT NULL, PRIMARY KEY (app_id, user_id), CONSTRAINT webauthn_users_user_id_fkey FOREIGN KEY %(user)s);
CREATE TABLE webauthn_account_recovery_tokens (%(tenant)s, user_id CHAR(36) NOT NULL, email VARCHAR(256) NOT NULL, token VARCHAR(256) NOT NULL,
    expires_at BIGINT NOT NULL, CONSTRAINT webauthn_account_recovery_token_pkey PRIMARY KEY (app_id, tenant_id, user_id, token),
    CONSTRAINT webauthn_account_recovery_token_user_id_fkey FOREIGN KEY (app_id, tenant_id, user_id) REFERENCES all_auth_recipe_users ON DELETE CASCADE);
CREATE TABLE webauthn_credentials (id VARCHAR(256) NOT NULL, app_id VARCHAR(64) NOT NULL DEFAULT 'public', rp_id VARCHAR(256) NOT NULL, user_id CHAR(36),
    counter BIGINT NOT NULL, public_key BYTEA NOT NULL, transports TEXT NOT NULL, created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL,
    PRIMARY KEY (app_id, rp_id, id), CONSTRAINT webauthn_credentials_user_id_fkey FOREIGN KEY (app_id, user_id) REFERENCES webauthn_users ON DELETE CASCADE);
""" % {"user": _OF_USER, "tenant": _TENANT_OF_APP}),
    ("11.3", """
CREATE TABLE saml_relay_state (%s, relay_state VARCHAR(256) NOT NULL, client_id VARCHAR(256) NOT NULL, state TEXT NOT NULL, redirect_uri TEXT NOT NULL,
    created_at BIGINT NOT NULL, expires_at BIGINT NOT NULL, PRIMARY KEY (app_id, tenant_id, relay_state),
    CONSTRAINT saml_relay_state_app_id_fkey FOREIGN KEY (app_id) REFERENCES apps ON DELETE CASCADE,
    CONSTRAINT saml_relay_state_tenant_id_fkey FOREIGN KEY (app_id, tenant_id) REFERENCES tenants ON DELETE CASCADE);
""" % _TENANT_OF_APP),
    ("12.0", "ALTER TABLE app_id_to_user_id ADD COLUMN time_joined BIGINT NOT NULL DEFAULT 0, ADD COLUMN primary_or_recipe_user_time_joined BIGINT NOT NULL DEFAULT 0;\n"
     + "".join(_referring(table, column, " ON UPDATE CASCADE") for table, column in _CASCADING) + """
ALTER TABLE webauthn_account_recovery_tokens DROP CONSTRAINT webauthn_account_recovery_token_user_id_fkey,
    ADD CONSTRAINT webauthn_account_recovery_token_user_id_fkey FOREIGN KEY (app_id, user_id) REFERENCES app_id_to_user_id ON DELETE CASCADE ON UPDATE CASCADE;
CREATE TABLE recipe_user_tenants (app_id VARCHAR(64) NOT NULL, recipe_user_id CHAR(36) NOT NULL, tenant_id VARCHAR(64) NOT NULL, recipe_id VARCHAR(128) NOT NULL,
    account_info_type VARCHAR(8) NOT NULL, account_info_value TEXT NOT NULL, third_party_id VARCHAR(28), third_party_user_id VARCHAR(256),
    PRIMARY KEY (app_id, tenant_id, recipe_id, account_info_type, third_party_id, third_party_user_id, account_info_value),
    CONSTRAINT recipe_user_tenants_tenant_id_fkey FOREIGN KEY (app_id, tenant_id) REFERENCES tenants ON DELETE CASCADE);
CREATE INDEX idx_recipe_user_tenants_account_info ON recipe_user_tenants (app_id, tenant_id, account_info_type, account_info_value);
"""),
    ("12.1", "ALTER TABLE session_info ADD COLUMN prev_refresh_token_hash_2 VARCHAR(128), ADD COLUMN refresh_token_rotated_at BIGINT;\n"),
]
VERSIONS = ["5.0"] + [version for version, _ in CHANGES]


def number(version):
    return tuple(int(part) for part in version.split("."))


def tables(version):
    """The SQL that creates an installation of core 5.0 which was upgraded to `version` step by step."""
    return CORE_5_0 + "".join(sql for added, sql in CHANGES if number(added) <= number(version))


# From the newest tables, as a fresh installation has them, back to those that each version created.
BACK_FROM_OURS = """
DO $$ DECLARE thing record; BEGIN
  FOR thing IN SELECT tgname, tgrelid::regclass AS relation FROM pg_trigger WHERE NOT tgisinternal LOOP
    EXECUTE format('DROP TRIGGER %I ON %s', thing.tgname, thing.relation);
  END LOOP;
  FOR thing IN SELECT oid::regprocedure AS name FROM pg_proc WHERE proname LIKE 'gatehouse\\_%' LOOP
    EXECUTE format('DROP FUNCTION %s', thing.name);
  END LOOP;
  FOR thing IN SELECT oid::regclass AS name FROM pg_class WHERE relname LIKE 'gatehouse\\_%' AND relkind = 'r' LOOP
    EXECUTE format('DROP TABLE %s', thing.name);
  END LOOP;
END $$;
"""
BACK = {
    "12.0": "ALTER TABLE session_info DROP COLUMN prev_refresh_token_hash_2, DROP COLUMN refresh_token_rotated_at; DROP TABLE oauth_m2m_token_stats;\n",
    "11.3": "DROP TABLE recipe_user_account_infos, recipe_user_tenants, primary_user_tenants, activity_log;\n"
            "ALTER TABLE app_id_to_user_id DROP COLUMN time_joined, DROP COLUMN primary_or_recipe_user_time_joined;\n"
            + "".join(_referring(table, column, "") for table, column in _CASCADING),
    "10.1": "DROP TABLE saml_clients, saml_relay_state, saml_claims;\n",
    "10.0": "DROP TABLE webauthn_users, webauthn_user_to_tenant, webauthn_generated_options, webauthn_credentials, webauthn_account_recovery_tokens CASCADE;\n",
    "9.3": "DROP TABLE bulk_import_users; DROP INDEX session_info_user_id_app_id_index, emailpassword_users_email_index, app_id_to_user_id_user_id_index;\n",
    "9.1": "DROP TABLE oauth_clients, oauth_sessions, oauth_m2m_tokens, oauth_logout_challenges;\n",
    "9.0": "ALTER TABLE tenant_configs DROP COLUMN is_first_factors_null;\n",
    "8.0": "DROP TABLE tenant_first_factors, tenant_required_secondary_factors; ALTER TABLE totp_user_devices DROP COLUMN created_at;\n",
    "7.0": "ALTER TABLE user_roles ADD CONSTRAINT user_roles_role_fkey FOREIGN KEY (app_id, role) REFERENCES roles ON DELETE CASCADE;\n",
    "6.0": "ALTER TABLE app_id_to_user_id DROP COLUMN primary_or_recipe_user_id, DROP COLUMN is_linked_or_is_a_primary_user;\n"
           "ALTER TABLE all_auth_recipe_users DROP COLUMN primary_or_recipe_user_id, DROP COLUMN is_linked_or_is_a_primary_user,\n"
           "  DROP COLUMN primary_or_recipe_user_time_joined;\n"
           "ALTER TABLE emailpassword_pswd_reset_tokens DROP COLUMN email, DROP CONSTRAINT emailpassword_pswd_reset_tokens_user_id_fkey,\n"
           "  ADD CONSTRAINT emailpassword_pswd_reset_tokens_user_id_fkey FOREIGN KEY (app_id, user_id) REFERENCES emailpassword_users ON DELETE CASCADE;\n",
}


def back(version):
    """The SQL that turns tables made by `gatehouse migrate` into those that a fresh installation of core `version` had."""
    return BACK_FROM_OURS + "".join(sql for older, sql in BACK.items() if number(older) >= number(version))

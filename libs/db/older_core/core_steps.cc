#include "libs/db/older_core/core_steps.h"

namespace gatehouse::db {
namespace {

constexpr std::string_view kApp = "VARCHAR(64) NOT NULL DEFAULT 'public'";

}  // namespace

const std::vector<TableStep>& TableSteps() {
  static const auto* const steps = new std::vector<TableStep>{
      {{6, 0}, "apps"},
      {{6, 0}, "tenants"},
      {{6, 0}, "app_id_to_user_id"},
      {{6, 0}, "emailpassword_user_to_tenant"},
      {{6, 0}, "passwordless_user_to_tenant"},
      {{6, 0}, "thirdparty_user_to_tenant"},
      {{6, 0}, "tenant_configs"},
      {{6, 0}, "tenant_thirdparty_providers"},
      {{6, 0}, "tenant_thirdparty_provider_clients"},
      {{9, 0}, "tenant_first_factors"},
      {{9, 0}, "tenant_required_secondary_factors"},
      {{9, 3}, "oauth_clients"},
      {{9, 3}, "oauth_sessions"},
      {{9, 3}, "oauth_m2m_tokens"},
      {{9, 3}, "oauth_logout_challenges"},
      {{10, 0}, "bulk_import_users"},
      {{10, 1}, "webauthn_users"},
      {{10, 1}, "webauthn_user_to_tenant"},
      {{10, 1}, "webauthn_generated_options"},
      {{10, 1}, "webauthn_credentials"},
      {{10, 1}, "webauthn_account_recovery_tokens"},
      {{11, 3}, "saml_clients"},
      {{11, 3}, "saml_relay_state"},
      {{11, 3}, "saml_claims"},
      {{12, 0}, "recipe_user_account_infos"},
      {{12, 0}, "recipe_user_tenants"},
      {{12, 0}, "primary_user_tenants"},
      {{12, 0}, "activity_log"},
      {{12, 1}, "oauth_m2m_token_stats"},
  };
  return *steps;
}

const std::vector<ColumnStep>& ColumnSteps() {
  static const auto* const steps = [] {
    auto* list = new std::vector<ColumnStep>;
    for (const std::string_view table :
         {"key_value", "all_auth_recipe_users", "session_info", "emailverification_tokens",
          "passwordless_devices", "passwordless_codes", "user_roles", "totp_used_codes"}) {
      list->push_back({{6, 0}, table, "app_id", kApp});
      list->push_back({{6, 0}, table, "tenant_id", kApp});
    }
    for (const std::string_view table :
         {"session_access_token_signing_keys", "jwt_signing_keys",
          "emailverification_verified_emails", "emailpassword_users",
          "emailpassword_pswd_reset_tokens", "passwordless_users", "thirdparty_users",
          "userid_mapping", "roles", "role_permissions", "user_metadata", "dashboard_users",
          "dashboard_user_sessions", "totp_users", "totp_user_devices", "user_last_active"}) {
      list->push_back({{6, 0}, table, "app_id", kApp});
    }
    for (const std::string_view table : {"all_auth_recipe_users", "app_id_to_user_id"}) {
      // '0' until the row has its own; then the default is dropped.
      list->push_back(
          {{7, 0}, table, "primary_or_recipe_user_id", "CHAR(36) NOT NULL DEFAULT '0'"});
      list->push_back(
          {{7, 0}, table, "is_linked_or_is_a_primary_user", "BOOLEAN NOT NULL DEFAULT FALSE"});
    }
    list->insert(
        list->end(),
        {{{7, 0},
          "all_auth_recipe_users",
          "primary_or_recipe_user_time_joined",
          "BIGINT NOT NULL DEFAULT 0"},
         {{7, 0}, "emailpassword_pswd_reset_tokens", "email", "VARCHAR(256)"},
         {{9, 0}, "totp_user_devices", "created_at", "BIGINT DEFAULT 0", false},
         {{9, 1}, "tenant_configs", "is_first_factors_null", "BOOLEAN DEFAULT TRUE", false},
         // The changelog's script leaves these two out.
         {{9, 3}, "oauth_clients", "client_secret", "TEXT", true, false},
         {{9, 3},
          "oauth_clients",
          "enable_refresh_token_rotation",
          "BOOLEAN NOT NULL DEFAULT FALSE",
          false,
          false},
         {{12, 0}, "app_id_to_user_id", "time_joined", "BIGINT NOT NULL DEFAULT 0"},
         {{12, 0},
          "app_id_to_user_id",
          "primary_or_recipe_user_time_joined",
          "BIGINT NOT NULL DEFAULT 0"},
         {{12, 1}, "session_info", "prev_refresh_token_hash_2", "VARCHAR(128)"},
         {{12, 1}, "session_info", "refresh_token_rotated_at", "BIGINT"}});
    return list;
  }();
  return *steps;
}

const std::vector<RetiredKey>& RetiredKeys() {
  static const auto* const keys = new std::vector<RetiredKey>{
      {{6, 0}, "emailpassword_users", "email", ""},
      {{6, 0}, "passwordless_users", "email", ""},
      {{6, 0}, "passwordless_users", "phone_number", ""},
      {{6, 0}, "thirdparty_users", "user_id", ""},
      {{6, 0}, "passwordless_codes", "link_code_hash", ""},
      {{6, 0}, "dashboard_users", "email", ""},
      {{6, 0}, "userid_mapping", "supertokens_user_id", ""},
      {{6, 0}, "userid_mapping", "external_user_id", ""},
      {{6, 0}, "userid_mapping", "supertokens_user_id", "all_auth_recipe_users"},
      {{6, 0}, "emailpassword_pswd_reset_tokens", "user_id", "emailpassword_users"},
      {{6, 0}, "passwordless_codes", "device_id_hash", "passwordless_devices"},
      {{6, 0}, "role_permissions", "role", "roles"},
      {{6, 0}, "user_roles", "role", "roles"},
      {{6, 0}, "dashboard_user_sessions", "user_id", "dashboard_users"},
      {{6, 0}, "totp_user_devices", "user_id", "totp_users"},
      {{6, 0}, "totp_used_codes", "user_id", "totp_users"},
      {{7, 0}, "emailpassword_pswd_reset_tokens", "app_id,user_id", "emailpassword_users"},
      {{8, 0}, "user_roles", "app_id,role", "roles"},
      // A recovery token belonged to a user in a tenant; since then it belongs to the user.
      {{12, 0},
       "webauthn_account_recovery_tokens",
       "app_id,tenant_id,user_id",
       "all_auth_recipe_users"},
  };
  return *keys;
}

const std::vector<RetiredIndex>& RetiredIndexes() {
  static const auto* const indexes = new std::vector<RetiredIndex>{
      {{6, 0}, "role_permissions_permission_index", "role_permissions", "permission"},
      {{6, 0}, "user_roles_role_index", "user_roles", "role"},
      {{6, 0}, "passwordless_devices_email_index", "passwordless_devices", "email"},
      {{6, 0}, "passwordless_devices_phone_number_index", "passwordless_devices", "phone_number"},
      {{6, 0}, "passwordless_codes_created_at_index", "passwordless_codes", "created_at"},
      {{6, 0}, "passwordless_codes_device_id_hash_index", "passwordless_codes", "device_id_hash"},
      {{6, 0}, "totp_used_codes_expiry_time_ms_index", "totp_used_codes", "expiry_time_ms"},
      {{6, 0}, "thirdparty_users_email_index", "thirdparty_users", "email"},
      {{6, 0},
       "thirdparty_users_thirdparty_user_id_index",
       "thirdparty_users",
       "third_party_user_id"},
      {{7, 0}, "all_auth_recipe_users_pagination_index", "all_auth_recipe_users", ""},
      {{10, 0}, "all_auth_recipe_user_id_index", "all_auth_recipe_users", "app_id,user_id"},
  };
  return *indexes;
}

const std::vector<TableStep>& OldMarks() {
  static const auto* const marks = new std::vector<TableStep>{
      {{4, 5}, "totp_users"},  {{4, 4}, "dashboard_users"}, {{3, 15}, "userid_mapping"},
      {{3, 13}, "user_roles"}, {{3, 11}, "user_metadata"},  {{3, 8}, "passwordless_users"},
  };
  return *marks;
}

}  // namespace gatehouse::db

#include "libs/config/core_config.h"

#include <gtest/gtest.h>

#include <vector>

#include "absl/strings/str_cat.h"
#include "libs/base/json.h"
#include "libs/base/status.h"
#include "libs/config/connection_uri.h"
#include "libs/config/tenant_config_rules.h"

namespace gatehouse::config {
namespace {

json::Value Json(std::string_view text) { return json::Parse(text).value(); }

std::shared_ptr<const CoreConfig> Resolve(std::vector<std::string> layers, BaseConfig base = {}) {
  std::vector<json::Value> values;
  for (const std::string& layer : layers) values.push_back(Json(layer));
  std::vector<const json::Value*> pointers;
  for (const json::Value& value : values) pointers.push_back(&value);
  auto config = CoreConfig::Resolve(base, pointers);
  EXPECT_TRUE(config.ok()) << config.status();
  return config.ok() ? *config : nullptr;
}

std::string ResolveError(const std::string& layer, BaseConfig base = {}) {
  const json::Value value = Json(layer);
  const json::Value* layers[] = {&value};
  auto config = CoreConfig::Resolve(base, layers);
  return config.ok() ? "accepted" : std::string(config.status().message());
}

BaseConfig TestMode() {
  BaseConfig base;
  base.test_mode = true;
  return base;
}

TEST(CoreConfig, Defaults) {
  const auto config = Resolve({});
  EXPECT_EQ(config->access_token_validity_s(), 3600);
  EXPECT_EQ(config->refresh_token_validity_ms(), 144000LL * 60 * 1000);
  EXPECT_EQ(config->access_token_dynamic_signing_key_update_interval_ms(), 168LL * 3600 * 1000);
  EXPECT_EQ(config->refresh_token_rotation_grace_period_ms(), 30000);
  EXPECT_EQ(config->access_token_validity_jitter(), 0);
  EXPECT_EQ(config->password_hashing_alg(), PasswordHashingAlg::kBcrypt);
  EXPECT_EQ(config->migration_mode(), MigrationMode::kMigrated);
  EXPECT_EQ(config->saml_sp_entity_id(), "https://saml.supertokens.com");
  EXPECT_EQ(config->base_path(), "");
  EXPECT_TRUE(config->api_keys().empty());
  EXPECT_EQ(config->firebase_password_hashing_signer_key(), nullptr);
  EXPECT_FALSE(config->db().configured);
  EXPECT_EQ(config->db().UserPoolId(), "|localhost|5432|supertokens|public");
}

TEST(CoreConfig, MostSpecificLayerWinsAndNullGivesTheDefault) {
  BaseConfig base;
  base.Set(Setting::kTotpMaxAttempts, int64_t{9});
  EXPECT_EQ(Resolve({R"({"totp_max_attempts":1})", R"({"totp_max_attempts":2})"}, base)
                ->totp_max_attempts(),
            1);
  EXPECT_EQ(Resolve({"{}", R"({"totp_max_attempts":"2"})"}, base)->totp_max_attempts(), 2);
  EXPECT_EQ(Resolve({"{}", "{}"}, base)->totp_max_attempts(), 9);
  EXPECT_EQ(Resolve({R"({"totp_max_attempts":null})"}, base)->totp_max_attempts(), 5);
}

TEST(CoreConfig, NullMigrationModeInheritsRatherThanLeavingTheDatabasesMode) {
  BaseConfig base;
  base.Set(Setting::kMigrationMode, std::string("dual_write_read_new"));
  EXPECT_EQ(Resolve({R"({"migration_mode":null})"}, base)->migration_mode(),
            MigrationMode::kDualWriteReadNew);
}

TEST(CoreConfig, LimitsWithTheOriginalsWords) {
  EXPECT_EQ(ResolveError(R"({"access_token_validity":0})"),
            "'access_token_validity' must be between 1 and 86400000 seconds inclusive.");
  EXPECT_EQ(ResolveError(R"({"access_token_validity":86400001})"),
            "'access_token_validity' must be between 1 and 86400000 seconds inclusive.");
  EXPECT_EQ(ResolveError(R"({"refresh_token_validity":60})"),
            "'refresh_token_validity' must be strictly greater than 'access_token_validity'.");
  EXPECT_EQ(ResolveError(R"({"access_token_dynamic_signing_key_update_interval":0.5})"),
            "'access_token_dynamic_signing_key_update_interval' must be greater than, equal to 1 "
            "hour.");
  EXPECT_EQ(ResolveError(R"({"password_reset_token_lifetime":0})"),
            "'password_reset_token_lifetime' must be >= 0");
  EXPECT_EQ(ResolveError(R"({"passwordless_code_lifetime":-1})"),
            "'passwordless_code_lifetime' must be > 0");
  EXPECT_EQ(ResolveError(R"({"password_hashing_alg":"x"})"),
            "'password_hashing_alg' must be one of 'ARGON2' or 'BCRYPT'");
  EXPECT_EQ(ResolveError(R"({"password_hashing_alg":null})"),
            "'password_hashing_alg' must be one of 'ARGON2' or 'BCRYPT'");
  EXPECT_EQ(ResolveError(R"({"ip_deny_regex":"("})"),
            "Provided regular expression is invalid for ip_deny_regex config");
  EXPECT_EQ(ResolveError(R"({"supertokens_max_cdi_version":"9.9"})"),
            "supertokens_max_cdi_version is not a supported version");
  EXPECT_EQ(ResolveError(R"({"supertokens_max_cdi_version":"x"})"),
            "supertokens_max_cdi_version is not a valid semantic version");
  EXPECT_EQ(ResolveError(R"({"oauth_provider_public_service_url":3})"),
            "oauth_provider_public_service_url is not a valid URL");
}

TEST(CoreConfig, TestModeRelaxesSessionLimitsOnly) {
  const auto config = Resolve({R"({"access_token_dynamic_signing_key_update_interval":"0.0004",
                                   "access_token_validity":"7200","refresh_token_validity":1})"},
                              TestMode());
  EXPECT_EQ(config->access_token_dynamic_signing_key_update_interval_ms(), 1440);
  EXPECT_EQ(config->refresh_token_validity_ms(), 60000);
  EXPECT_EQ(Resolve({R"({"access_token_signing_key_update_interval":-1})"}, TestMode())
                ->access_token_dynamic_signing_key_update_interval_ms(),
            1);
  EXPECT_EQ(ResolveError(R"({"access_token_validity":0})", TestMode()),
            "'access_token_validity' must be between 1 and 86400000 seconds inclusive.");
}

TEST(CoreConfig, HugeDurationsDoNotOverflow) {
  const auto config = Resolve(
      {R"({"refresh_token_validity":1e300,"password_reset_token_lifetime":9223372036854775807})"});
  EXPECT_GT(config->refresh_token_validity_ms(), 0);
  EXPECT_LT(config->refresh_token_validity_ms(), int64_t{1} << 60);
  EXPECT_LT(config->password_reset_token_lifetime_ms(), int64_t{1} << 60);
}

TEST(CoreConfig, ApiKeys) {
  const auto config =
      Resolve({R"({"api_keys":" abcdefghijklmnopqrstuvwxyz , 01234567890123456789=-,"})"});
  EXPECT_EQ(config->api_keys().size(), 2u);
  EXPECT_TRUE(config->HasApiKey("abcdefghijklmnopqrstuvwxyz"));
  EXPECT_TRUE(config->HasApiKey("01234567890123456789=-"));
  EXPECT_FALSE(config->HasApiKey("abcdefghijklmnopqrstuvwxy"));
  EXPECT_FALSE(config->HasApiKey(""));
  EXPECT_EQ(ResolveError(R"({"api_keys":"short"})"),
            "One of the API keys is too short. Please use at least 20 characters");
  EXPECT_EQ(ResolveError(R"({"api_keys":"bad chars!!!!!!!!!!!!!!!!"})"),
            "Invalid characters in API key. Please only use '=', '-' and alpha-numeric (including "
            "capitals)");
}

TEST(CoreConfig, ConnectionUriOverridesSingleKeys) {
  const auto config = Resolve({R"({"postgresql_host":"other","postgresql_user":"u",
      "postgresql_connection_uri":
      "postgresql://root:p%40ss%3Aw@db.example:6000/st?currentSchema=auth&sslmode=require"})"});
  const DbSettings& db = config->db();
  EXPECT_TRUE(db.configured);
  EXPECT_EQ(db.user, "root");
  EXPECT_EQ(db.password, "p@ss:w");
  EXPECT_EQ(db.UserPoolId(), "|db.example|6000|st|auth");
  EXPECT_EQ(db.LibpqOptions().at("sslmode"), "require");
  EXPECT_FALSE(db.AllowsClearTextPassword());
  for (const char* methods : {"password", "scram-sha-256,password"}) {
    DbSettings clear;
    clear.connection_attributes = absl::StrCat("a=b&require_auth=", methods);
    EXPECT_TRUE(clear.AllowsClearTextPassword());
  }
  for (const char* methods : {"", "!password", "md5", "passwords"}) {
    DbSettings other;
    other.connection_attributes = absl::StrCat("require_auth=", methods);
    EXPECT_FALSE(other.AllowsClearTextPassword());
  }
  EXPECT_EQ(db.ConnectionPoolId().find("p@ss"), std::string::npos);
  EXPECT_EQ(ResolveError(R"({"postgresql_connection_uri":"nonsense"})"),
            "The provided postgresql connection URI has an incorrect format. Please use a format "
            "like postgresql://[user[:[password]]@]host[:port][/dbname][?attr1=val1&attr2=val2...");
}

TEST(CoreConfig, CredentialsGoOnlyWhereTheyWereGivenFor) {
  constexpr char kRefused[] =
      "another database server, or another way to it, needs its own postgresql_user and "
      "postgresql_password (\"\" for none), or a postgresql_connection_uri with both: credentials "
      "are "
      "sent only to the server that they were given with";
  BaseConfig single;  // from single keys
  single.Set(Setting::kPostgresqlHost, std::string("db"));
  single.Set(Setting::kPostgresqlUser, std::string("gatehouse"));
  single.Set(Setting::kPostgresqlPassword, std::string("secret"));
  single.Set(Setting::kPostgresqlConnectionAttributes, std::string("sslmode=verify-full"));
  BaseConfig uri = single;
  uri.Set(Setting::kPostgresqlConnectionUri,
          std::string("postgresql://gatehouse:secret@db/x?sslmode=verify-full"));
  BaseConfig half = single;  // the address leaves the host to the single key
  half.Set(Setting::kPostgresqlConnectionUri,
           std::string("postgresql://gatehouse:secret@/x?sslmode=verify-full"));

  for (const char* layer :
       {R"({"postgresql_host":"evil"})", R"({"postgresql_port":6666})",
        R"({"postgresql_host":"evil","postgresql_user":"u"})",
        R"({"postgresql_host":"evil","postgresql_password":"p"})",
        R"({"postgresql_host":"evil","postgresql_user":null,"postgresql_password":null})",
        R"({"postgresql_connection_uri":"postgresql://evil/x"})",
        R"({"postgresql_connection_uri":"postgresql://u@evil/x"})",
        R"({"postgresql_connection_uri":"postgresql://:p@evil/x"})",
        R"({"postgresql_connection_attributes":"sslmode=disable"})",
        R"({"postgresql_connection_attributes":"sslmode=verify-full&require_auth=password"})"}) {
    EXPECT_EQ(ResolveError(layer, single), kRefused) << layer;
  }
  for (const char* layer :
       {R"({"postgresql_connection_uri":"postgresql://evil/x"})",
        R"({"postgresql_connection_uri":"postgresql://u@evil/x"})",
        R"({"postgresql_connection_uri":"postgresql://db/x?sslmode=disable"})"}) {
    EXPECT_EQ(ResolveError(layer, uri), kRefused) << layer;
  }
  // Its own credentials differ from those that the base's address imposes.
  EXPECT_EQ(
      ResolveError(R"({"postgresql_host":"evil","postgresql_user":"u","postgresql_password":"p"})",
                   half),
      kRefused);

  for (const char* layer :
       {R"({"postgresql_host":"other","postgresql_user":"u","postgresql_password":"p"})",
        R"({"postgresql_host":"other","postgresql_user":"u","postgresql_password":""})",
        R"({"postgresql_connection_uri":"postgresql://u:p@other/x"})",
        R"({"postgresql_host":"db","postgresql_port":5432,"postgresql_database_name":"own"})",
        R"({"postgresql_user":"u"})", R"({"postgresql_table_schema":"s"})"}) {
    EXPECT_EQ(ResolveError(layer, single), "accepted") << layer;
  }
  // What a base address imposes on individual keys can't lead elsewhere.
  EXPECT_EQ(ResolveError(R"({"postgresql_host":"evil"})", uri), "accepted");
  EXPECT_EQ(Resolve({R"({"postgresql_host":"evil"})"}, uri)->db().host, "db");

  // Between tenant and app as between app and base.
  const char* app = R"({"postgresql_host":"a","postgresql_user":"u","postgresql_password":"p"})";
  const auto error = [&](std::string_view tenant) {
    const json::Value own = Json(tenant);
    const json::Value under = Json(app);
    const std::array<const json::Value*, 2> layers = {&own, &under};
    const auto resolved = CoreConfig::ResolveDatabase(single, layers);
    return resolved.ok() ? "accepted" : std::string(resolved.status().message());
  };
  EXPECT_EQ(error(R"({"postgresql_database_name":"own"})"), "accepted");
  EXPECT_EQ(error(R"({"postgresql_host":"evil"})"), kRefused);
  EXPECT_EQ(error(R"({"postgresql_host":"db"})"), kRefused);
}

TEST(CoreConfig, TableNamesMustBePlainIdentifiers) {
  const auto config = Resolve({R"({"postgresql_table_names_prefix":" pre ",
                                   "postgresql_session_info_table_name":"my_sessions"})"});
  EXPECT_EQ(config->db().table_names_prefix, "pre");
  EXPECT_EQ(config->db().custom_table_names.at("session_info"), "my_sessions");
  EXPECT_NE(ResolveError(R"({"postgresql_table_names_prefix":"a; DROP TABLE x"})"), "accepted");
  EXPECT_NE(ResolveError(R"({"postgresql_table_schema":"a\"b"})"), "accepted");
}

TEST(ConnectionUri, Forms) {
  EXPECT_EQ(ParseConnectionUri("postgresql://[::1]:5433/x")->host, "::1");
  EXPECT_EQ(ParseConnectionUri("postgresql://%2Fvar%2Frun/x")->host, "/var/run");
  EXPECT_FALSE(ParseConnectionUri("postgresql://h:port").has_value());
  EXPECT_FALSE(ParseConnectionUri("postgresql://a b/").has_value());
  EXPECT_FALSE(ParseConnectionUri("postgresql://%0/").has_value());
  EXPECT_FALSE(ParseConnectionUri("").has_value());
}

class TenantUpdates : public ::testing::Test {
 protected:
  void Add(std::string domain, std::string app, std::string tenant, std::string_view config) {
    configs_.push_back(std::make_unique<json::Value>(Json(config)));
    rows_.push_back(
        {{std::move(domain), std::move(app), std::move(tenant)}, configs_.back().get()});
  }

  absl::Status Update(TenantName target, std::string_view config) {
    const json::Value value = Json(config);
    return CheckTenantUpdate(base_, {std::move(target), &value}, rows_).status();
  }

  std::string Error(TenantName target, std::string_view config) {
    const absl::Status status = Update(std::move(target), config);
    if (status.ok()) return "accepted";
    EXPECT_EQ(ReasonOf(status), ErrorReason::kBadInput);
    return std::string(status.message());
  }

  BaseConfig base_;
  std::vector<std::unique_ptr<json::Value>> configs_;
  std::vector<TenantRow> rows_;
};

TEST_F(TenantUpdates, UnknownKeysTypesAndBaseOnlyKeys) {
  const TenantName t1{"", "a", "t1"};
  EXPECT_EQ(Error({}, R"({"totp_max_attempts":1})"), "Cannot modify base config");
  EXPECT_EQ(Error({}, "{}"), "accepted");
  EXPECT_EQ(Error(t1, R"({"nonsense":null})"), "Invalid core config: Invalid config key: nonsense");
  EXPECT_EQ(Error(t1, R"({"":1})"), "Invalid core config: Invalid config key: ");
  EXPECT_EQ(Error(t1, R"({"supertokens_min_cdi_version":"5.0"})"),
            "Invalid core config: Invalid config key: supertokens_min_cdi_version");
  EXPECT_EQ(Error(t1, R"({"port":"x"})"), "Invalid core config: 'port' must be of type int");
  EXPECT_EQ(Error(t1, R"({"port":3})"),
            "Invalid core config: port can only be set via the core's base config setting");
  EXPECT_EQ(Error(t1, R"({"port":null})"),
            "Invalid core config: port can only be set via the core's base config setting");
  EXPECT_EQ(Error(t1, R"({"bcrypt_log_rounds":3})"),
            "Invalid core config: bcrypt_log_rounds can only be set via the core's base config "
            "setting");
  EXPECT_EQ(Error(t1, R"({"log_level":"x"})"),
            "Invalid core config: 'log_level' config must be one of \"NONE\",\"DEBUG\", \"INFO\", "
            "\"WARN\" or \"ERROR\".");
  EXPECT_EQ(Error(t1, R"({"supertokens_saas_secret":"x"})"),
            "Invalid core config: supertokens_saas_secret can only be used when api_key is also "
            "defined");
  EXPECT_EQ(Error(t1, R"({"core_config_version":3})"), "accepted");
}

TEST_F(TenantUpdates, OneValuePerApp) {
  Add("", "a", "public", "{}");
  Add("", "a", "t1", "{}");
  Add("", "a", "t2", "{}");
  const TenantName app{"", "a"};
  const TenantName t1{"", "a", "t1"};
  const std::string conflict =
      "Invalid core config: You cannot set different values for access_token_validity for the same "
      "appId";
  EXPECT_EQ(Error(t1, R"({"access_token_validity":7777})"), conflict);
  EXPECT_EQ(Error(app, R"({"access_token_validity":7777})"), "accepted");
  EXPECT_EQ(Error(t1, R"({"access_token_validity":3600})"), "accepted");
  EXPECT_EQ(Error(t1, R"({"access_token_signing_key_update_interval":3})"),
            "Invalid core config: You cannot set different values for "
            "access_token_dynamic_signing_key_update_interval for the same appId");

  *configs_[0] = Json(R"({"access_token_validity":7777})");
  *configs_[1] = Json(R"({"access_token_validity":7777})");
  EXPECT_EQ(Error(app, R"({"access_token_validity":8888})"), conflict);
  EXPECT_EQ(Error({"", "b"}, R"({"access_token_validity":8888})"), "accepted");
}

TEST_F(TenantUpdates, OneValuePerDomain) {
  const std::string own = R"({"postgresql_database_name":"a","activity_log_retention_days":7})";
  Add("a.example", "public", "public", own);
  Add("a.example", "x", "public", "{}");
  Add("a.example", "x", "t1", "{}");
  const std::string conflict =
      "Invalid core config: You cannot set different values for activity_log_retention_days for "
      "the same connectionUriDomain";
  for (const TenantName& name :
       {TenantName{"a.example", "x"}, TenantName{"a.example", "x", "t1"},
        TenantName{"a.example", "public", "t2"}, TenantName{"a.example", "new"}}) {
    EXPECT_EQ(Error(name, R"({"activity_log_retention_days":8})"), conflict) << name.app_id;
    EXPECT_EQ(Error(name, R"({"activity_log_retention_days":7})"), "accepted");
    // As when it is not set by the domain.
    EXPECT_EQ(Error(name, R"({"max_concurrent_requests_per_cud":3})"),
              "Invalid core config: You cannot set different values for "
              "max_concurrent_requests_per_cud for the same connectionUriDomain");
  }
  EXPECT_EQ(Error({"", "y"}, R"({"activity_log_throttle_enabled":false})"),
            "Invalid core config: You cannot set different values for "
            "activity_log_throttle_enabled for the same connectionUriDomain");
  EXPECT_EQ(Error({"a.example"},
                  R"({"postgresql_database_name":"a","max_concurrent_requests_per_cud":3})"),
            "accepted");
  // An app that agreed with the old value of the domain.
  *configs_[1] = Json(R"({"activity_log_retention_days":7})");
  EXPECT_EQ(Error({"a.example"},
                  R"({"postgresql_database_name":"a","activity_log_retention_days":9})"),
            conflict);
}

TEST_F(TenantUpdates, OneDatabasePerDomain) {
  Add("", "public", "public", "{}");
  Add("a.example", "public", "public", R"({"postgresql_database_name":"a"})");
  EXPECT_EQ(Error({"b.example"}, "{}"),
            "Invalid core config: ConnectionUriDomain:  cannot be mapped to the same user pool as "
            "b.example");
  EXPECT_EQ(Error({"b.example"}, R"({"postgresql_database_name":"a"})"),
            "Invalid core config: ConnectionUriDomain: a.example cannot be mapped to the same user "
            "pool as b.example");
  EXPECT_EQ(Error({"b.example"}, R"({"postgresql_table_schema":"b"})"), "accepted");
  EXPECT_EQ(Error({"", "x"}, R"({"postgresql_table_names_prefix":"x"})"),
            "Invalid core config: You cannot set different values for "
            "postgresql_table_names_prefix for the same user pool");
}

TEST_F(TenantUpdates, ProtectedKeys) {
  const json::Value stored = Json(R"({"ip_deny_regex":"a"})");
  const json::Value same = Json(R"({"ip_deny_regex":"a","totp_max_attempts":2})");
  const json::Value core = Json(R"({"ip_deny_regex":"b"})");
  const json::Value database = Json(R"({"postgresql_host":"h"})");
  auto check = [&](const json::Value& config) {
    return CheckTenantUpdate(base_, {{"", "a"}, &config, &stored, /*prevent_protected=*/true},
                             rows_)
        .status();
  };
  EXPECT_TRUE(check(same).ok());
  EXPECT_EQ(check(Json("{}")).message(), "Not allowed to modify protected configs.");
  EXPECT_EQ(check(core).message(), "Not allowed to modify protected configs.");
  EXPECT_EQ(ReasonOf(check(core)), ErrorReason::kForbidden);
  EXPECT_EQ(check(database).message(), "Not allowed to modify DB related configs.");
  EXPECT_EQ(WithoutProtectedKeys(same), Json(R"({"totp_max_attempts":2})"));
}

// Set, changed, removed, hidden by a null and shown again: each is a difference.
TEST(ProtectedKeys, AnyDifferenceCounts) {
  int keys = 0;
  for (const CoreSetting& setting : CoreSettings()) {
    if (!setting.Has(kProtected)) continue;
    ++keys;
    json::Value none = Json("{}");
    json::Value null = Json("{}");
    null.Set(std::string(setting.name), nullptr);
    json::Value one = Json("{}");
    one.Set(std::string(setting.name), 1);
    json::Value two = Json("{}");
    two.Set(std::string(setting.name), 2);
    const json::Value* const values[] = {nullptr, &none, &null, &one, &two};
    for (const json::Value* const stored : values) {
      for (const json::Value* const next : values) {
        const bool both_absent =
            (stored == nullptr || stored == &none) && (next == nullptr || next == &none);
        EXPECT_EQ(CheckProtectedKeys(stored, next).ok(), stored == next || both_absent)
            << setting.name;
      }
    }
  }
  EXPECT_EQ(keys, 25);
}

TEST(MergeCoreConfig, NullRemovesWhatIsThereAndStaysWhereNothingIs) {
  const json::Value stored = Json(R"({"a":1,"b":2})");
  EXPECT_EQ(MergeCoreConfig(stored, Json(R"({"a":null,"b":3,"c":null})")),
            Json(R"({"b":3,"c":null})"));
}

}  // namespace
}  // namespace gatehouse::config

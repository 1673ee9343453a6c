#include "gateway/routes/core_routes.h"

#include <unistd.h>

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <system_error>
#include <utility>

#include "gatehouse/tenants/v1/app_settings_service.rpc.h"
#include "gatehouse/tenants/v1/tenants_service.rpc.h"
#include "gateway/api/request_stats.h"
#include "gateway/routes/hello_rate_limit.h"
#include "libs/base/clock.h"
#include "libs/base/json.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/config/core_config.h"
#include "libs/tenancy/tenant_directory.h"

namespace gatehouse::gateway {
namespace {

namespace v1 = tenants::v1;

// What SDKs last told of themselves, so that telling it again costs no statement.
class KnownDomains {
 public:
  // True when `value` is new for this app and setting; remembers it.
  bool Changes(const common::v1::Scope& scope, const std::string& name, const std::string& value) {
    const std::string key = StrCat(scope.connection_uri_domain(), "\n", scope.app_id(), "\n",
                                   std::to_string(scope.admission().app_incarnation()), "\n", name);
    std::lock_guard<std::mutex> lock(mutex_);
    if (values_.size() >= kMaxValues && !values_.contains(key)) values_.clear();
    std::string& known = values_[key];
    if (known == value) return false;
    known = value;
    return true;
  }

 private:
  static constexpr size_t kMaxValues = 10000;
  std::mutex mutex_;
  std::map<std::string, std::string> values_;
};

struct Core {
  explicit Core(const CoreRouteParts& parts)
      : tenants(parts.tenants),
        settings(parts.tenants),
        directory(parts.directory),
        stats(parts.stats),
        clock(parts.clock),
        config_path(parts.config_path) {}

  v1::TenantsServiceClient tenants;
  v1::AppSettingsServiceClient settings;
  const tenancy::TenantDirectory& directory;
  const RequestStats& stats;
  const Clock& clock;
  const std::string config_path;
  HelloRateLimit hello_limit;
  KnownDomains known_domains;
};
using Self = std::shared_ptr<Core>;

// Says whether the tenant's database answers, or for a tenant that there is not the app's: whoever
// asks wants to know whether requests to this path work, and another tenant's database has no part in
// that. The answer is true even past the rate limit: it costs nothing, since the tenants service looks
// at most once a second.
absl::StatusOr<Reply> SayHello(const Self& self, ApiRequest& request) {
  ASSIGN_OR_RETURN(const auto app,
                   self->directory.FindApp(request.scope, request.context.deadline));
  v1::CheckStorageRequest call;
  const bool is_tenant = self->directory.Find(request.scope, request.context.deadline).ok();
  *call.mutable_scope() = is_tenant ? request.scope : app->scope();
  const auto response = self->tenants.CheckStorage(request.context, call);
  RETURN_IF_ERROR(response.status());
  const bool limited = !self->hello_limit.Admit(app->scope(), self->clock.NowMs());
  return TextReply(200, limited && app->config->test_mode() ? "RateLimitedHello" : "Hello");
}

// The root path: for a tenant that is there as good as /hello.
absl::StatusOr<Reply> Root(const Self& self, ApiRequest& request) {
  RETURN_IF_ERROR(self->directory.FindApp(request.scope, request.context.deadline).status());
  const absl::Status found =
      self->directory.Find(request.scope, request.context.deadline).status();
  if (ReasonOf(found) == ErrorReason::kTenantNotFound) {
    return MakeError(ErrorReason::kNotFound, "Not found");
  }
  RETURN_IF_ERROR(found);
  return SayHello(self, request);
}

void SaveDomain(const Self& self, ApiRequest& request, const char* name) {
  const auto value = request.Query(name);
  if (!value.has_value()) return;
  v1::SetSettingRequest call;
  *call.mutable_scope() = request.scope;
  call.set_name(name);
  call.set_value(std::string(*value));
  if (!self->known_domains.Changes(request.scope, name, call.value())) return;
  // Best effort: it only serves people who look at the table.
  (void)self->settings.SetSetting(request.context, call);
}

absl::StatusOr<Reply> ApiVersions(const Self& self, ApiRequest& request) {
  ASSIGN_OR_RETURN(const auto app,
                   self->directory.FindApp(request.scope, request.context.deadline));
  RETURN_IF_ERROR(request.RequirePublicTenant());
  std::optional<CdiVersion> newest;
  if (const std::string* configured = app->config->max_cdi_version()) {
    newest = CdiVersion::Parse(*configured);
  }
  json::Value versions = json::Value::Array();
  for (const CdiVersion& version : CdiVersion::Supported()) {
    if (!newest.has_value() || version <= *newest) versions.Append(version.ToString());
  }
  SaveDomain(self, request, "websiteDomain");
  SaveDomain(self, request, "apiDomain");
  return JsonReply(json::Value::Object({{"versions", std::move(versions)}}));
}

// Where the configuration file is, for who knows the process id: so a command line finds the
// process that it started. Without a file, where the original would have looked for one.
absl::StatusOr<Reply> Config(const Self& self, ApiRequest& request) {
  ASSIGN_OR_RETURN(const std::string pid, request.RequireQuery("pid"));
  RETURN_IF_ERROR(self->directory.Find(request.scope, request.context.deadline).status());
  if (!request.scope.connection_uri_domain().empty() || request.scope.app_id() != "public" ||
      !request.is_public_tenant()) {
    return Forbidden(
        "you can call this only from the base connection uri domain, public app and tenant");
  }
  if (pid != std::to_string(getpid())) return StatusReply("NOT_ALLOWED");
  std::string path = self->config_path;
  if (path.empty()) {
    std::error_code error;
    path = std::filesystem::absolute("config.yaml", error).string();
  }
  return JsonReply(json::Value::Object({{"status", "OK"}, {"path", std::move(path)}}));
}

absl::StatusOr<Reply> Telemetry(const Self& self, ApiRequest& request) {
  RETURN_IF_ERROR(request.RequirePublicTenant());
  v1::GetSettingRequest call;
  *call.mutable_scope() = request.scope;
  call.set_name("TELEMETRY_ID");
  ASSIGN_OR_RETURN(const auto response, self->settings.GetSetting(request.context, call));
  if (!response.has_value()) return JsonReply(json::Value::Object({{"exists", false}}));
  return JsonReply(json::Value::Object({{"exists", true}, {"telemetryId", response.value()}}));
}

absl::StatusOr<Reply> Stats(const Self& self, ApiRequest& request) {
  RETURN_IF_ERROR(self->directory.FindApp(request.scope, request.context.deadline).status());
  RETURN_IF_ERROR(request.RequirePublicTenant());
  const RequestStats::Day day = self->stats.Read(request.scope, self->clock.NowMs());
  json::Array averages;
  json::Array peaks;
  averages.reserve(RequestStats::kMinutes);
  peaks.reserve(RequestStats::kMinutes);
  for (const double average : day.average_per_second) {
    averages.push_back(json::Value::Double(average));
  }
  for (const int peak : day.peak_per_second) peaks.emplace_back(peak);
  return JsonReply(
      json::Value::Object({{"atMinute", day.at_minute},
                           {"averageRequestsPerSecond", json::Value::Array(std::move(averages))},
                           {"peakRequestsPerSecond", json::Value::Array(std::move(peaks))},
                           {"status", "OK"}}));
}

absl::StatusOr<Reply> SearchTags(ApiRequest&) {
  json::Value tags = json::Value::Array({"email", "phone", "provider"});
  return JsonReply(json::Value::Object({{"status", "OK"}, {"tags", std::move(tags)}}));
}

// The modes of one app, or, from the base app, of every database by one of its domains. Nothing is
// ever pending: a database that is not read by its new tables is refused at start.
absl::StatusOr<Reply> Migration(const Self& self, ApiRequest& request, bool with_progress) {
  ASSIGN_OR_RETURN(const auto app,
                   self->directory.FindApp(request.scope, request.context.deadline));
  const bool verify = request.Query("verify") == "true";
  const auto describe = [&](const tenancy::Tenant& tenant, json::Value& object) {
    object.Set("mode", config::MigrationModeName(tenant.config->migration_mode()));
    if (!with_progress) return;
    object.Set("pendingUsers", 0);
    if (verify) object.Set("verifySkipped", "migrated");
  };
  json::Value reply = json::Value::Object({{"status", "OK"}});
  if (!app->connection_uri_domain.empty() || app->app_id != "public") {
    describe(*app, reply);
    return JsonReply(reply);
  }
  std::map<std::string, tenancy::TenantPtr> by_database;
  for (const tenancy::TenantPtr& tenant : self->directory.All()) {
    tenancy::TenantPtr& first = by_database[tenant->database_id];
    if (first == nullptr || tenant->connection_uri_domain < first->connection_uri_domain) {
      first = tenant;
    }
  }
  json::Value domains = json::Value::Array();
  for (const auto& [database_id, tenant] : by_database) {
    json::Value entry =
        json::Value::Object({{"connectionUriDomain", tenant->connection_uri_domain}});
    describe(*tenant, entry);
    domains.Append(std::move(entry));
  }
  reply.Set("cuds", std::move(domains));
  return JsonReply(reply);
}

}  // namespace

void AddCoreRoutes(RouteTable& routes, const CoreRouteParts& parts) {
  const auto self = std::make_shared<Core>(parts);
  const auto add = [&](HttpMethod method, const char* path, RouteHandler handler, bool needs_key,
                       bool needs_version, bool from_memory = false) {
    Route route;
    route.method = method;
    route.path = path;
    route.service = "tenants";
    route.handler = std::move(handler);
    route.needs_api_key = needs_key;
    route.needs_version = needs_version;
    route.from_memory = from_memory;
    routes.Add(std::move(route));
  };
  for (const HttpMethod method :
       {HttpMethod::kGet, HttpMethod::kPost, HttpMethod::kPut, HttpMethod::kDelete}) {
    add(
        method, "/", [self](ApiRequest& r) { return Root(self, r); }, false, true,
        /*from_memory=*/true);
    add(
        method, "/hello", [self](ApiRequest& r) { return SayHello(self, r); }, false, false,
        /*from_memory=*/true);
  }
  add(
      HttpMethod::kGet, "/apiversion", [self](ApiRequest& r) { return ApiVersions(self, r); }, true,
      false);
  add(
      HttpMethod::kGet, "/config", [self](ApiRequest& r) { return Config(self, r); }, true, true);
  add(
      HttpMethod::kGet, "/telemetry", [self](ApiRequest& r) { return Telemetry(self, r); }, true,
      true);
  add(
      HttpMethod::kGet, "/requests/stats", [self](ApiRequest& r) { return Stats(self, r); }, true,
      true);
  add(HttpMethod::kGet, "/user/search/tags", SearchTags, true, true);
  add(
      HttpMethod::kGet, "/migration/mode",
      [self](ApiRequest& r) { return Migration(self, r, false); }, true, true);
  add(
      HttpMethod::kGet, "/migration/backfill/progress",
      [self](ApiRequest& r) { return Migration(self, r, true); }, true, true);
  AddLicenceRoutes(routes, parts);
}

}  // namespace gatehouse::gateway

#include "gateway/routes/core_routes.h"

#include <unistd.h>

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <system_error>
#include <utility>

#include "gatehouse/tenants/v1/app_settings_service.rpc.h"
#include "gatehouse/tenants/v1/tenants_service.rpc.h"
#include "gateway/api/concurrency_cap.h"
#include "gateway/api/lent_scope.h"
#include "gateway/api/reply_totals.h"
#include "gateway/api/request_stats.h"
#include "gateway/api/route_group.h"
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

// What SDKs last reported about themselves, so that repeating it costs no statement.
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
        totals(parts.totals),
        cap(parts.cap),
        clock(parts.clock),
        config_path(parts.config_path) {}

  v1::TenantsServiceClient tenants;
  v1::AppSettingsServiceClient settings;
  const tenancy::TenantDirectory& directory;
  const RequestStats& stats;
  const ReplyTotals& totals;
  const ConcurrencyCap& cap;
  const Clock& clock;
  const std::string config_path;
  HelloRateLimit hello_limit;
  KnownDomains known_domains;
};

// Reports whether the tenant's database answers, or the app's for an unknown tenant: the caller
// wants to know whether requests to this path work, and another tenant's database does not matter
// for that. The answer is true even past the rate limit: it costs nothing, since the tenants
// service checks at most once a second.
absl::StatusOr<Reply> SayHello(ApiRequest& request, Core& core) {
  ASSIGN_OR_RETURN(const auto app, core.directory.FindApp(request.scope, request.context.deadline));
  v1::CheckStorageRequest call;
  std::optional<LentScope<v1::CheckStorageRequest>> lent;
  if (core.directory.Find(request.scope, request.context.deadline).ok()) {
    lent.emplace(request, call);
  } else {
    *call.mutable_scope() = app->scope();
  }
  const auto response = core.tenants.CheckStorage(request.context, call);
  RETURN_IF_ERROR(response.status());
  const bool limited =
      !core.hello_limit.Admit(app->connection_uri_domain, app->app_id, core.clock.NowMs());
  return TextReply(200, limited && app->config->test_mode() ? "RateLimitedHello" : "Hello");
}

// The root path: for an existing tenant the same as /hello.
absl::StatusOr<Reply> Root(ApiRequest& request, Core& core) {
  RETURN_IF_ERROR(core.directory.FindApp(request.scope, request.context.deadline).status());
  const absl::Status found = core.directory.Find(request.scope, request.context.deadline).status();
  if (ReasonOf(found) == ErrorReason::kTenantNotFound) {
    return MakeError(ErrorReason::kNotFound, "Not found");
  }
  RETURN_IF_ERROR(found);
  return SayHello(request, core);
}

void SaveDomain(ApiRequest& request, Core& core, const char* name) {
  const auto value = request.Query(name);
  if (!value.has_value()) return;
  v1::SetSettingRequest call;
  *call.mutable_scope() = request.scope;
  call.set_name(name);
  call.set_value(std::string(*value));
  if (!core.known_domains.Changes(request.scope, name, call.value())) return;
  // Best effort: it only serves people who read the table.
  (void)core.settings.SetSetting(request.context, call);
}

absl::StatusOr<Reply> ApiVersions(ApiRequest& request, Core& core) {
  ASSIGN_OR_RETURN(const auto app, core.directory.FindApp(request.scope, request.context.deadline));
  RETURN_IF_ERROR(request.RequirePublicTenant());
  std::optional<CdiVersion> newest;
  if (const std::string* configured = app->config->max_cdi_version()) {
    newest = CdiVersion::Parse(*configured);
  }
  json::Value versions = json::Value::Array();
  for (const CdiVersion& version : CdiVersion::Supported()) {
    if (!newest.has_value() || version <= *newest) versions.Append(version.ToString());
  }
  SaveDomain(request, core, "websiteDomain");
  SaveDomain(request, core, "apiDomain");
  return JsonReply(json::Value::Object({{"versions", std::move(versions)}}));
}

// The path of the configuration file, for callers that know the process id: so a command line finds
// the process that it started. Without a file, the path at which the original would look for one.
absl::StatusOr<Reply> Config(ApiRequest& request, Core& core) {
  ASSIGN_OR_RETURN(const std::string pid, request.RequireQuery("pid"));
  RETURN_IF_ERROR(core.directory.Find(request.scope, request.context.deadline).status());
  if (!request.scope.connection_uri_domain().empty() || request.scope.app_id() != "public" ||
      !request.is_public_tenant()) {
    return Forbidden(
        "you can call this only from the base connection uri domain, public app and tenant");
  }
  if (pid != std::to_string(getpid())) return StatusReply("NOT_ALLOWED");
  std::string path = core.config_path;
  if (path.empty()) {
    std::error_code error;
    path = std::filesystem::absolute("config.yaml", error).string();
  }
  return JsonReply(json::Value::Object({{"status", "OK"}, {"path", std::move(path)}}));
}

absl::StatusOr<Reply> Telemetry(ApiRequest& request, Core& core) {
  RETURN_IF_ERROR(request.RequirePublicTenant());
  v1::GetSettingRequest call;
  *call.mutable_scope() = request.scope;
  call.set_name("TELEMETRY_ID");
  ASSIGN_OR_RETURN(const auto response, core.settings.GetSetting(request.context, call));
  if (!response.has_value()) return JsonReply(json::Value::Object({{"exists", false}}));
  return JsonReply(json::Value::Object({{"exists", true}, {"telemetryId", response.value()}}));
}

absl::StatusOr<Reply> Stats(ApiRequest& request, Core& core) {
  RETURN_IF_ERROR(core.directory.FindApp(request.scope, request.context.deadline).status());
  RETURN_IF_ERROR(request.RequirePublicTenant());
  const RequestStats::Day day = core.stats.Read(request.scope, core.clock.NowMs());
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
                           {"concurrentRequestsRejected", core.stats.Refused(request.scope)},
                           {"concurrentRequestsInFlight",
                            core.cap.InFlight(request.scope.connection_uri_domain())},
                           {"status", "OK"}}));
}

// Of this process, whichever app was meant.
absl::StatusOr<Reply> GlobalStats(ApiRequest& /*request*/, Core& core) {
  const ReplyTotals::Totals totals = core.totals.Read();
  return JsonReply(json::Value::Object({{"2xx", totals.success},
                                        {"4xx", totals.client_error},
                                        {"5xx", totals.server_error},
                                        {"total", totals.all},
                                        {"since", core.totals.since_ms()},
                                        {"status", "OK"}}));
}

// The process runs; says nothing of its databases.
absl::StatusOr<Reply> Live(ApiRequest& /*request*/, Core& /*core*/) { return TextReply(200, "OK"); }

// The modes of one app, or, from the base app, of every database by one of its domains. Nothing is
// ever pending: a database whose new tables are not read is refused at start.
template <bool with_progress>
absl::StatusOr<Reply> Migration(ApiRequest& request, Core& core) {
  ASSIGN_OR_RETURN(const auto app, core.directory.FindApp(request.scope, request.context.deadline));
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
  for (const tenancy::TenantPtr& tenant : core.directory.All()) {
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
  const RouteGroup group(routes, "tenants", std::make_shared<Core>(parts));
  for (const HttpMethod method :
       {HttpMethod::kGet, HttpMethod::kPost, HttpMethod::kPut, HttpMethod::kDelete}) {
    group.Add(method, "/", Root, {.needs_api_key = false, .from_memory = true});
    group.Add(method, "/hello", SayHello,
              {.needs_api_key = false,
               .needs_version = false,
               .from_memory = true,
               .beyond_cap = true});
  }
  group.Add(HttpMethod::kGet, "/apiversion", ApiVersions, {.needs_version = false});
  group.Add(HttpMethod::kGet, "/config", Config);
  group.Add(HttpMethod::kGet, "/telemetry", Telemetry);
  group.Add(HttpMethod::kGet, "/requests/stats", Stats);
  group.Add(HttpMethod::kGet, "/migration/mode", Migration</*with_progress=*/false>);
  group.Add(HttpMethod::kGet, "/migration/backfill/progress", Migration</*with_progress=*/true>);
  // Workers that wait for no service: the answer comes while a database or a service hangs.
  const RouteGroup process = group.At("process");
  process.Add(HttpMethod::kGet, "/livez", Live,
              {.needs_api_key = false, .needs_version = false, .beyond_cap = true});
  process.Add(HttpMethod::kGet, "/global-request-stats", GlobalStats,
              {.needs_version = false, .beyond_cap = true});
  AddLicenceRoutes(routes, parts);
}

}  // namespace gatehouse::gateway

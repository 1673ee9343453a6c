#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "gatehouse/tenants/v1/app_settings_service.rpc.h"
#include "gatehouse/tenants/v1/tenants_service.rpc.h"
#include "gatehouse/users/v1/user_directory_service.rpc.h"
#include "gateway/api/route_group.h"
#include "gateway/json_input.h"
#include "gateway/routes/app_checks.h"
#include "gateway/routes/core_routes.h"
#include "libs/base/clock.h"
#include "libs/base/json.h"
#include "libs/base/status.h"
#include "libs/base/steady_time.h"
#include "libs/tenancy/tenant_directory.h"

namespace gatehouse::gateway {
namespace {

namespace v1 = tenants::v1;

constexpr const char* kFeatures[] = {"account_linking", "multi_tenancy", "test",
                                     "dashboard_login", "mfa",           "security",
                                     "oauth",           "saml"};
constexpr char kKeySetting[] = "LICENSE_KEY";
constexpr char kNoKey[] = "NOT_PRESENT";  // the stored form of a key that was removed
constexpr int kUsageDays = 31;
constexpr int64_t kDayMs = 24 * 60 * 60 * 1000;
// Users are counted tenant by tenant only in apps with no more tenants than this: the numbers are
// for a page that people read.
constexpr int kMaxCountedTenants = 50;
// How long one of those counts may take (it reads one row), and after how many unanswered ones the
// rest is left out.
constexpr absl::Duration kCountPatience = absl::Seconds(1);
constexpr int kMaxUnanswered = 3;

struct Licence {
  explicit Licence(const CoreRouteParts& parts)
      : tenants(parts.tenants),
        settings(parts.tenants),
        users(parts.users),
        directory(parts.directory),
        clock(parts.clock) {}

  v1::TenantsServiceClient tenants;
  v1::AppSettingsServiceClient settings;
  users::v1::UserDirectoryServiceClient users;
  const tenancy::TenantDirectory& directory;
  const Clock& clock;
};

// Users active in the last day, the last two days, and so on.
absl::StatusOr<json::Value> ActiveUsers(ApiRequest& request, Licence& licence) {
  json::Value counts = json::Value::Array();
  const int64_t now_ms = licence.clock.NowMs();
  for (int days = 1; days <= kUsageDays; ++days) {
    users::v1::CountActiveUsersRequest call;
    *call.mutable_scope() = request.scope;
    call.set_since_ms(now_ms - days * kDayMs);
    ASSIGN_OR_RETURN(const auto response, licence.users.CountActiveUsers(request.context, call));
    counts.Append(response.count());
  }
  return counts;
}

absl::StatusOr<json::Value> TenantUsage(ApiRequest& request, Licence& licence) {
  v1::ListTenantsRequest call;
  *call.mutable_scope() = request.scope;
  call.set_range(v1::ListTenantsRequest::RANGE_APP);
  ASSIGN_OR_RETURN(const auto response, licence.tenants.ListTenants(request.context, call));
  json::Value tenants = json::Value::Array();
  int unanswered = 0;
  for (const auto& entry : response.tenants()) {
    const v1::Tenant& tenant = entry.tenant();
    json::Value usage = json::Value::Object({{"tenantId", tenant.scope().tenant_id()}});
    if (response.tenants_size() <= kMaxCountedTenants && unanswered < kMaxUnanswered) {
      users::v1::CountUsersRequest count;
      *count.mutable_scope() = request.scope;
      count.mutable_scope()->set_tenant_id(tenant.scope().tenant_id());
      // A tenant whose database does not answer has no numbers.
      rpc::CallContext soon = request.context;
      soon.deadline = std::min(soon.deadline, SteadyNow() + kCountPatience);
      const auto counted = licence.users.CountUsers(soon, count);
      if (counted.ok()) {
        usage.Set("usersCount", counted->count());
        usage.Set("hasUsersOrSessions", counted->count() > 0);
      } else if (ReasonOf(counted.status()) != ErrorReason::kDependencyDown &&
                 ReasonOf(counted.status()) != ErrorReason::kDeadlineExceeded) {
        return counted.status();
      } else {
        ++unanswered;
      }
    }
    usage.Set("hasEnterpriseLogin", entry.third_party_providers_size() > 0);
    tenants.Append(std::move(usage));
  }
  return json::Value::Object({{"tenants", std::move(tenants)}});
}

// GET /ee/featureflag: everything is on.
absl::StatusOr<Reply> FeatureFlags(ApiRequest& request, Licence& licence) {
  RETURN_IF_ERROR(RequireAppThenPublicTenant(licence.directory, request));
  json::Value features = json::Value::Array();
  for (const char* feature : kFeatures) features.Append(feature);
  json::Value usage = json::Value::Object();
  ASSIGN_OR_RETURN(json::Value active, ActiveUsers(request, licence));
  usage.Set("maus", std::move(active));
  ASSIGN_OR_RETURN(const auto app,
                   licence.directory.FindApp(request.scope, request.context.deadline));
  if (licence.directory.CountOfApp(*app) > 1) {
    ASSIGN_OR_RETURN(json::Value by_tenant, TenantUsage(request, licence));
    usage.Set("multi_tenancy", std::move(by_tenant));
  }
  return JsonReply(json::Value::Object(
      {{"features", std::move(features)}, {"usageStats", std::move(usage)}, {"status", "OK"}}));
}

absl::Status StoreKey(ApiRequest& request, Licence& licence, const std::string& key) {
  v1::SetSettingRequest call;
  *call.mutable_scope() = request.scope;
  call.set_name(kKeySetting);
  call.set_value(key);
  return licence.settings.SetSetting(request.context, call).status();
}

// PUT /ee/license. No key is needed and none is checked: it is kept for a SuperTokens core that
// takes over again. Without one the original checks its stored key again.
absl::StatusOr<Reply> PutLicence(ApiRequest& request, Licence& licence) {
  ASSIGN_OR_RETURN(const json::Value* body, request.JsonBody());
  ASSIGN_OR_RETURN(const auto key, OptionalString(*body, "licenseKey"));
  if (!key.has_value() && body->size() > 0) {
    return BadInput("Field name 'licenseKey' is missing in JSON input");
  }
  RETURN_IF_ERROR(RequireAppThenPublicTenant(licence.directory, request));
  if (key.has_value()) RETURN_IF_ERROR(StoreKey(request, licence, *key));
  return StatusReply("OK");
}

absl::StatusOr<Reply> DeleteLicence(ApiRequest& request, Licence& licence) {
  RETURN_IF_ERROR(request.RequirePublicTenant());
  RETURN_IF_ERROR(StoreKey(request, licence, kNoKey));
  return StatusReply("OK");
}

absl::StatusOr<Reply> GetLicence(ApiRequest& request, Licence& licence) {
  RETURN_IF_ERROR(request.RequirePublicTenant());
  v1::GetSettingRequest call;
  *call.mutable_scope() = request.scope;
  call.set_name(kKeySetting);
  ASSIGN_OR_RETURN(const auto response, licence.settings.GetSetting(request.context, call));
  if (!response.has_value() || response.value() == kNoKey) {
    return StatusReply("NO_LICENSE_KEY_FOUND_ERROR");
  }
  return JsonReply(json::Value::Object({{"licenseKey", response.value()}, {"status", "OK"}}));
}

}  // namespace

void AddLicenceRoutes(RouteTable& routes, const CoreRouteParts& parts) {
  const RouteGroup group(routes, "tenants", std::make_shared<Licence>(parts));
  group.Add(HttpMethod::kGet, "/ee/featureflag", FeatureFlags);
  group.Add(HttpMethod::kPut, "/ee/license", PutLicence);
  group.Add(HttpMethod::kDelete, "/ee/license", DeleteLicence);
  group.Add(HttpMethod::kGet, "/ee/license", GetLicence);
}

}  // namespace gatehouse::gateway

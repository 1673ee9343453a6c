#include "services/session/master_keys.h"

#include "gatehouse/tenants/v1/app_settings_service.rpc.h"
#include "libs/base/status.h"
#include "libs/crypto/master_key.h"
#include "services/session/app_key.h"

namespace gatehouse::session {
namespace {
constexpr size_t kMaxCachedApps = 10'000;  // some 500 bytes each
}  // namespace

MasterKeys::MasterKeys(tenants::v1::AppSettingsService& settings)
    : settings_(settings), keys_(kMaxCachedApps) {}

absl::StatusOr<std::shared_ptr<const std::string>> MasterKeys::Get(CallContext& context,
                                                                   const tenancy::Tenant& app) {
  const std::string cache_key = AppCacheKey(app);
  if (auto known = keys_.Find(cache_key)) return known;
  tenants::v1::GetOrCreateSettingRequest request;
  *request.mutable_scope() = app.scope();
  request.set_name("refresh_token_key");
  request.set_proposed_value(crypto::GenerateSigningKey());
  ASSIGN_OR_RETURN(const auto response, settings_.GetOrCreateSetting(context, request));
  auto key = std::make_shared<const std::string>(response.value());
  return keys_.FindOrMake(cache_key, [&key] { return key; });
}

}  // namespace gatehouse::session

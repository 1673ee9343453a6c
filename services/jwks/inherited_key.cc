#include "services/jwks/inherited_key.h"

#include <memory>

#include "gatehouse/tenants/v1/app_settings_service.rpc.h"
#include "libs/base/status.h"
#include "libs/config/core_config.h"
#include "libs/crypto/bytes.h"
#include "libs/rpc/policy.h"
#include "libs/tenancy/tenant_directory.h"

namespace gatehouse::jwks {
namespace {

constexpr char kSetting[] = "access_token_signing_key";

absl::Status MoveKey(tenants::v1::AppSettingsService& settings, KeyStore& store,
                     const tenancy::Tenant& app, absl::Time deadline) {
  rpc::CallContext context;
  context.caller = rpc::callers::kJwks;
  context.deadline = deadline;
  tenants::v1::GetSettingRequest get;
  *get.mutable_scope() = app.scope();
  get.set_name(kSetting);
  ASSIGN_OR_RETURN(const auto setting, settings.GetSetting(context, get));
  if (!setting.has_value()) return absl::OkStatus();

  const int64_t created = setting.created_at_ms();
  if (app.config->access_token_signing_key_dynamic()) {
    RETURN_IF_ERROR(store.AdoptDynamic(
        app, {"d-" + std::to_string(created), setting.value(), created}, deadline));
  } else {
    RETURN_IF_ERROR(
        store.AdoptStatic(app, {"s-" + crypto::NewUuid4(), setting.value(), created}, deadline));
  }
  tenants::v1::DeleteSettingRequest remove;
  *remove.mutable_scope() = app.scope();
  remove.set_name(kSetting);
  remove.set_expected_value(setting.value());
  return settings.DeleteSetting(context, remove).status();
}

}  // namespace

SigningKeys::Inherit MakeInherit(rpc::Channel& tenants_service, KeyStore& store) {
  auto settings = std::make_shared<tenants::v1::AppSettingsServiceClient>(tenants_service);
  return [settings, &store](const tenancy::Tenant& app, absl::Time deadline) -> absl::Status {
    if (!app.connection_uri_domain.empty() || app.app_id != "public") return absl::OkStatus();
    return MoveKey(*settings, store, app, deadline);
  };
}

}  // namespace gatehouse::jwks

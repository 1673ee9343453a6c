#include "services/tenants/app_settings_service.h"

#include "libs/base/status.h"

namespace gatehouse::tenants {

absl::StatusOr<v1::GetOrCreateSettingResponse> AppSettingsService::GetOrCreateSetting(
    rpc::CallContext& context, const v1::GetOrCreateSettingRequest& request) {
  ASSIGN_OR_RETURN(const auto app, directory_.FindApp(request.scope(), context.deadline));
  v1::GetOrCreateSettingResponse response;
  ASSIGN_OR_RETURN(*response.mutable_value(),
                   store_.GetOrCreate(context.deadline, *app, request.name(),
                                      request.proposed_value(), clock_.NowMs()));
  return response;
}

absl::StatusOr<v1::GetSettingResponse> AppSettingsService::GetSetting(
    rpc::CallContext& context, const v1::GetSettingRequest& request) {
  ASSIGN_OR_RETURN(const auto app, directory_.FindApp(request.scope(), context.deadline));
  ASSIGN_OR_RETURN(const auto setting, store_.Get(context.deadline, *app, request.name()));
  v1::GetSettingResponse response;
  if (setting.has_value()) {
    response.set_value(setting->value);
    response.set_created_at_ms(setting->created_at_ms);
  }
  return response;
}

absl::StatusOr<v1::SetSettingResponse> AppSettingsService::SetSetting(
    rpc::CallContext& context, const v1::SetSettingRequest& request) {
  ASSIGN_OR_RETURN(const auto app, directory_.FindApp(request.scope(), context.deadline));
  RETURN_IF_ERROR(
      store_.Set(context.deadline, *app, request.name(), request.value(), clock_.NowMs()));
  return v1::SetSettingResponse();
}

absl::StatusOr<v1::DeleteSettingResponse> AppSettingsService::DeleteSetting(
    rpc::CallContext& context, const v1::DeleteSettingRequest& request) {
  ASSIGN_OR_RETURN(const auto app, directory_.FindApp(request.scope(), context.deadline));
  std::optional<std::string> expected;
  if (request.has_expected_value()) expected = request.expected_value();
  v1::DeleteSettingResponse response;
  ASSIGN_OR_RETURN(const bool existed,
                   store_.Delete(context.deadline, *app, request.name(), expected));
  response.set_existed(existed);
  return response;
}

}  // namespace gatehouse::tenants

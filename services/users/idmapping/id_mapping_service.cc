#include "services/users/idmapping/id_mapping_service.h"

#include "libs/base/problem.h"
#include "libs/base/status.h"
#include "services/users/account_info.h"

namespace gatehouse::users {
namespace {

// Width of the column.
constexpr size_t kMaxExternalId = 128;

UserIdKind KindOf(v1::UserIdType type) {
  switch (type) {
    case v1::USER_ID_TYPE_SUPERTOKENS:
      return UserIdKind::kSupertokens;
    case v1::USER_ID_TYPE_EXTERNAL:
      return UserIdKind::kExternal;
    default:
      return UserIdKind::kAny;
  }
}

// What prevents a mapping, in all databases of the app.
struct AppPreview {
  MappingPreview preview;
  std::optional<Where> owner;  // where the user is; nullopt: nowhere
  std::optional<std::string> external_id_mapped_to;
  bool external_id_is_a_user = false;
};

absl::StatusOr<AppPreview> PreviewInApp(PgIdMappingStore& store, const std::vector<Where>& scopes,
                                        const std::string& supertokens_user_id,
                                        const std::string& external_user_id) {
  AppPreview app;
  const auto look = [&](const Where& scope) -> absl::StatusOr<bool> {
    ASSIGN_OR_RETURN(MappingPreview preview,
                     store.Preview(scope, supertokens_user_id, external_user_id));
    if (!app.external_id_mapped_to.has_value()) {
      app.external_id_mapped_to = preview.external_id_mapped_to;
    }
    if (app.owner.has_value() || !preview.user_exists) return false;
    // The external id may belong to a user in another database: only this database counts.
    app.external_id_is_a_user = preview.external_id_is_a_user;
    app.owner = Where{scope.tenant, scopes.front().deadline};
    app.preview = std::move(preview);
    return false;
  };
  // A mapping that is not visible now would conflict with the new one.
  ASSIGN_OR_RETURN(const auto missing, AskScopes(scopes, look));
  RETURN_IF_ERROR(tenancy::NeedsAll(missing));
  return app;
}

v1::MappingConflict ExternalIdTaken(const std::string& taken_by, const std::string& wanted_by) {
  v1::MappingConflict conflict;
  conflict.set_supertokens_user_id_is_mapped(taken_by == wanted_by);
  conflict.set_external_user_id_is_mapped(true);
  return conflict;
}

}  // namespace

absl::StatusOr<v1::FindUserIdMappingResponse> IdMappingServiceImpl::FindUserIdMapping(
    rpc::CallContext& context, const v1::FindUserIdMappingRequest& request) {
  ASSIGN_OR_RETURN(std::vector<Where> scopes,
                   ScopesOfApp(directory_, request.scope(), context.deadline));
  std::optional<FoundMapping> found;
  ASSIGN_OR_RETURN(
      const auto missing, AskScopes(scopes, [&](const Where& scope) -> absl::StatusOr<bool> {
        ASSIGN_OR_RETURN(found, store_.Find(scope, request.user_id(), KindOf(request.type())));
        return found.has_value();
      }));
  RETURN_IF_ERROR(tenancy::NeedsAll(missing));
  v1::FindUserIdMappingResponse response;
  if (!found.has_value()) return response;
  v1::UserIdMapping& mapping = *response.mutable_mapping();
  mapping.set_supertokens_user_id(std::move(found->mapping.supertokens_user_id));
  mapping.set_external_user_id(std::move(found->mapping.external_user_id));
  if (found->mapping.info.has_value()) {
    mapping.set_external_user_id_info(*std::move(found->mapping.info));
  }
  if (request.include_uses()) {
    response.set_external_id_is_a_user(found->external_id_is_a_user);
    response.set_external_id_has_metadata(found->external_id_has_metadata);
    response.set_external_id_has_email_verification(found->external_id_has_email_verification);
  }
  return response;
}

absl::StatusOr<v1::SetExternalUserIdInfoResponse> IdMappingServiceImpl::SetExternalUserIdInfo(
    rpc::CallContext& context, const v1::SetExternalUserIdInfoRequest& request) {
  ASSIGN_OR_RETURN(std::vector<Where> scopes,
                   ScopesOfApp(directory_, request.scope(), context.deadline));
  std::optional<std::string> info;
  if (request.has_external_user_id_info()) info = request.external_user_id_info();
  bool found = false;
  ASSIGN_OR_RETURN(
      const auto missing, AskScopes(scopes, [&](const Where& scope) -> absl::StatusOr<bool> {
        ASSIGN_OR_RETURN(found,
                         store_.SetInfo(scope, request.user_id(), KindOf(request.type()), info));
        return found;
      }));
  RETURN_IF_ERROR(tenancy::NeedsAll(missing));
  v1::SetExternalUserIdInfoResponse response;
  response.set_mapping_found(found);
  return response;
}

absl::StatusOr<v1::CheckUserIdMappingResponse> IdMappingServiceImpl::CheckUserIdMapping(
    rpc::CallContext& context, const v1::CheckUserIdMappingRequest& request) {
  ASSIGN_OR_RETURN(std::vector<Where> scopes,
                   ScopesOfApp(directory_, request.scope(), context.deadline));
  ASSIGN_OR_RETURN(AppPreview app, PreviewInApp(store_, scopes, request.supertokens_user_id(),
                                                request.external_user_id()));
  v1::CheckUserIdMappingResponse response;
  if (app.external_id_mapped_to.has_value()) {
    *response.mutable_conflict() =
        ExternalIdTaken(*app.external_id_mapped_to, request.supertokens_user_id());
  } else if (!app.owner.has_value()) {
    response.set_unknown_user_id(true);
  } else {
    response.mutable_possible()->set_external_id_is_a_user(app.external_id_is_a_user);
    response.mutable_possible()->set_has_metadata(app.preview.user_has_metadata);
    response.mutable_possible()->set_has_email_verification(
        app.preview.user_has_email_verification);
  }
  return response;
}

absl::StatusOr<v1::CreateUserIdMappingResponse> IdMappingServiceImpl::CreateUserIdMapping(
    rpc::CallContext& context, const v1::CreateUserIdMappingRequest& request) {
  if (!FitsColumn(request.external_user_id(), kMaxExternalId)) {
    return BadInput(Problem::kTooLong, "externalUserId must not be longer than 128 characters",
                    {{"field", "externalUserId"}, {"max_characters", "128"}});
  }
  ASSIGN_OR_RETURN(std::vector<Where> scopes,
                   ScopesOfApp(directory_, request.scope(), context.deadline));
  ASSIGN_OR_RETURN(AppPreview app, PreviewInApp(store_, scopes, request.supertokens_user_id(),
                                                request.external_user_id()));
  v1::CreateUserIdMappingResponse response;
  if (app.external_id_mapped_to.has_value()) {
    *response.mutable_conflict() =
        ExternalIdTaken(*app.external_id_mapped_to, request.supertokens_user_id());
    return response;
  }
  if (!app.owner.has_value()) {
    response.set_unknown_user_id(true);
    return response;
  }
  IdMapping mapping = {request.supertokens_user_id(), request.external_user_id(), std::nullopt};
  if (request.has_external_user_id_info()) mapping.info = request.external_user_id_info();
  ASSIGN_OR_RETURN(const MappingMade made,
                   store_.Create(*app.owner, mapping, request.move_email_verification()));
  switch (made) {
    case MappingMade::kMade:
      response.set_created(true);
      break;
    case MappingMade::kUnknownUser:
      response.set_unknown_user_id(true);
      break;
    case MappingMade::kUserIsMapped:
      response.mutable_conflict()->set_supertokens_user_id_is_mapped(true);
      break;
    case MappingMade::kExternalIdIsMapped:
      response.mutable_conflict()->set_external_user_id_is_mapped(true);
      break;
    case MappingMade::kBothAreMapped:
      response.mutable_conflict()->set_supertokens_user_id_is_mapped(true);
      response.mutable_conflict()->set_external_user_id_is_mapped(true);
      break;
  }
  return response;
}

absl::StatusOr<v1::DeleteUserIdMappingResponse> IdMappingServiceImpl::DeleteUserIdMapping(
    rpc::CallContext& context, const v1::DeleteUserIdMappingRequest& request) {
  ASSIGN_OR_RETURN(std::vector<Where> scopes,
                   ScopesOfApp(directory_, request.scope(), context.deadline));
  bool existed = false;
  ASSIGN_OR_RETURN(
      const auto missing, AskScopes(scopes, [&](const Where& scope) -> absl::StatusOr<bool> {
        ASSIGN_OR_RETURN(existed, store_.Delete(scope, request.user_id(), KindOf(request.type())));
        return existed;
      }));
  RETURN_IF_ERROR(tenancy::NeedsAll(missing));
  v1::DeleteUserIdMappingResponse response;
  response.set_existed(existed);
  return response;
}

}  // namespace gatehouse::users

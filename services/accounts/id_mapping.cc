#include "services/accounts/id_mapping.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "libs/base/problem.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"

namespace gatehouse::accounts {
namespace {

constexpr std::string_view kMetadata = "UserMetadata";
constexpr std::string_view kEmailVerification = "EmailVerification";
// The order in which the original looks: of several uses of an id it names the first.
constexpr std::string_view kOriginalOrder[] = {"Session", kMetadata, "UserRoles",
                                               kEmailVerification};

// The names of the data under an id.
using Uses = std::vector<std::string>;

size_t Rank(std::string_view use) {
  return std::find(std::begin(kOriginalOrder), std::end(kOriginalOrder), use) - kOriginalOrder;
}

// OK when no service has data under the id.
absl::Status CheckUnused(const Uses& uses) {
  if (uses.empty()) return absl::OkStatus();
  const auto first = std::min_element(uses.begin(), uses.end(), [](const auto& a, const auto& b) {
    return Rank(a) < Rank(b);
  });
  return BadInput(Problem::kUserIdInUse, StrCat("UserId is already in use in ", *first, " recipe"),
                  {{"recipe", *first}});
}

absl::Status AskOtherServices(Peers& peers, rpc::CallContext& context,
                              const common::v1::Scope& scope, const std::string& user_id,
                              Uses& uses) {
  common::v1::IsUserIdInUseRequest request;
  *request.mutable_scope() = scope;
  request.set_user_id(user_id);
  for (common::v1::UserDataService& keeper : peers.user_data) {
    ASSIGN_OR_RETURN(const auto response, keeper.IsUserIdInUse(context, request));
    if (!response.in_use_by().empty()) uses.push_back(response.in_use_by());
  }
  return absl::OkStatus();
}

users::v1::FindUserIdMappingRequest FindRequest(const v1::DeleteUserIdMappingRequest& request,
                                                users::v1::UserIdType type) {
  users::v1::FindUserIdMappingRequest find;
  *find.mutable_scope() = request.scope();
  find.set_user_id(request.user_id());
  find.set_type(type);
  find.set_include_uses(true);
  return find;
}

}  // namespace

absl::StatusOr<v1::CreateUserIdMappingResponse> CreateUserIdMapping(
    Peers& peers, rpc::CallContext& context, const v1::CreateUserIdMappingRequest& request) {
  v1::CreateUserIdMappingResponse response;
  users::v1::CreateUserIdMappingRequest create;
  if (!request.force()) {
    users::v1::CheckUserIdMappingRequest check;
    *check.mutable_scope() = request.scope();
    check.set_supertokens_user_id(request.supertokens_user_id());
    check.set_external_user_id(request.external_user_id());
    ASSIGN_OR_RETURN(users::v1::CheckUserIdMappingResponse checked,
                     peers.id_mapping.CheckUserIdMapping(context, check));
    if (checked.has_conflict()) {
      *response.mutable_conflict() = checked.conflict();
      return response;
    }
    if (checked.unknown_user_id()) {
      response.set_unknown_supertokens_user_id(true);
      return response;
    }
    if (checked.possible().external_id_is_a_user()) {
      return BadInput(Problem::kUserIdInUse,
                      "Cannot create a userId mapping where the externalId is also a SuperTokens "
                      "userID");
    }
    Uses uses;
    if (checked.possible().has_metadata()) uses.emplace_back(kMetadata);
    if (checked.possible().has_email_verification() && !request.move_email_verification()) {
      uses.emplace_back(kEmailVerification);
    }
    RETURN_IF_ERROR(
        AskOtherServices(peers, context, request.scope(), request.supertokens_user_id(), uses));
    RETURN_IF_ERROR(CheckUnused(uses));
    create.set_move_email_verification(request.move_email_verification());
  }
  *create.mutable_scope() = request.scope();
  create.set_supertokens_user_id(request.supertokens_user_id());
  create.set_external_user_id(request.external_user_id());
  if (request.has_external_user_id_info()) {
    create.set_external_user_id_info(request.external_user_id_info());
  }
  ASSIGN_OR_RETURN(const users::v1::CreateUserIdMappingResponse created,
                   peers.id_mapping.CreateUserIdMapping(context, create));
  if (created.has_conflict()) {
    *response.mutable_conflict() = created.conflict();
  } else if (created.unknown_user_id()) {
    response.set_unknown_supertokens_user_id(true);
  } else {
    response.set_created(true);
  }
  return response;
}

absl::StatusOr<v1::DeleteUserIdMappingResponse> DeleteUserIdMapping(
    Peers& peers, rpc::CallContext& context, const v1::DeleteUserIdMappingRequest& request) {
  v1::DeleteUserIdMappingResponse response;
  ASSIGN_OR_RETURN(
      users::v1::FindUserIdMappingResponse found,
      peers.id_mapping.FindUserIdMapping(context, FindRequest(request, request.type())));
  if (!found.has_mapping()) return response;

  users::v1::DeleteUserIdMappingRequest remove;
  *remove.mutable_scope() = request.scope();
  remove.set_user_id(request.user_id());
  remove.set_type(request.type());
  const std::string& external_id = found.mapping().external_user_id();
  if (found.external_id_is_a_user()) {
    // Data under the external id belong to that other user.
    remove.set_user_id(found.mapping().supertokens_user_id());
    remove.set_type(users::v1::USER_ID_TYPE_SUPERTOKENS);
  } else if (!request.force()) {
    Uses uses;
    if (found.external_id_has_metadata()) uses.emplace_back(kMetadata);
    if (found.external_id_has_email_verification()) uses.emplace_back(kEmailVerification);
    RETURN_IF_ERROR(AskOtherServices(peers, context, request.scope(), external_id, uses));
    RETURN_IF_ERROR(CheckUnused(uses));
  }
  ASSIGN_OR_RETURN(const users::v1::DeleteUserIdMappingResponse removed,
                   peers.id_mapping.DeleteUserIdMapping(context, remove));
  response.set_existed(removed.existed());
  return response;
}

}  // namespace gatehouse::accounts

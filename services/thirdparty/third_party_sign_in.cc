#include "services/thirdparty/third_party_sign_in.h"

#include <utility>

#include "libs/base/contact_info.h"
#include "libs/base/status.h"
#include "libs/tenancy/recipe_gate.h"

namespace gatehouse::thirdparty {
namespace {

constexpr char kRecipeId[] = "thirdparty";  // also the name of the factor
constexpr char kEmailTaken[] = "Email already associated with another primary user.";
constexpr char kTooManyChanges[] = "The user is being changed by many requests at once";

// A user that is deleted, or changed, between the steps costs a round. Of many concurrent changes
// of one user each round lets one through: this many may wait for each other.
constexpr int kMaxRounds = 50;

}  // namespace

absl::Status CheckThirdPartyGate(const tenancy::Tenant& tenant, common::v1::RecipeGate gate) {
  return tenancy::CheckRecipeGate(tenant, gate,
                                  {.id = kRecipeId,
                                   .name = "ThirdParty",
                                   .enabled = tenant.record.third_party_enabled(),
                                   .factors = {kRecipeId}});
}

absl::StatusOr<v1::SignInOrUpResponse> ThirdPartySignIn::SignInOrUp(
    const tenancy::TenantPtr& tenant, rpc::CallContext& context,
    const v1::SignInOrUpRequest& request) {
  users::v1::SignInOrUpRequest call;
  *call.mutable_scope() = tenant->scope();
  users::v1::Identity& identity = *call.mutable_identity();
  identity.set_recipe_id(kRecipeId);
  identity.mutable_third_party()->set_id(request.third_party_id());
  identity.mutable_third_party()->set_user_id(request.third_party_user_id());
  identity.set_email(NormaliseEmail(request.email()));
  call.set_is_email_verified(request.is_email_verified());
  v1::SignInOrUpResponse response;
  for (int round = 0; round < kMaxRounds; ++round) {
    ASSIGN_OR_RETURN(users::v1::SignInOrUpResponse registered, registry_.SignInOrUp(context, call));
    if (!registered.has_signed_in()) {
      response.set_email_change_not_allowed_reason(kEmailTaken);
      return response;
    }
    auto& signed_in = *registered.mutable_signed_in();
    ASSIGN_OR_RETURN(const bool saved,
                     SaveUser(tenant, context,
                              {.user_id = signed_in.method().supertokens_user_id(),
                               .third_party_id = identity.third_party().id(),
                               .third_party_user_id = identity.third_party().user_id(),
                               .email = identity.email(),
                               .time_joined_ms = signed_in.method().time_joined_ms()}));
    if (!saved) continue;
    auto& reply = *response.mutable_signed_in();
    reply.set_created(signed_in.created());
    reply.set_recipe_user_id(signed_in.method().recipe_user_id());
    *reply.mutable_user() = std::move(*signed_in.mutable_user());
    return response;
  }
  return MakeError(ErrorReason::kOverloaded, kTooManyChanges);
}

absl::StatusOr<bool> ThirdPartySignIn::SaveUser(const tenancy::TenantPtr& tenant,
                                                rpc::CallContext& context, ThirdPartyUser user) {
  for (int round = 0; round < kMaxRounds; ++round) {
    ASSIGN_OR_RETURN(const SaveOutcome outcome, store_.SaveUser({tenant, context.deadline}, user));
    if (outcome != SaveOutcome::kEmailChanged) return outcome == SaveOutcome::kSaved;
    // Of two sign-ins with different emails, the one whose email the registry accepted first may
    // save last. Every change checks the registry after writing the row, so that its email
    // prevails.
    ASSIGN_OR_RETURN(const std::optional<std::string> registered,
                     RegisteredEmail(tenant, context, user.user_id));
    if (!registered) return false;
    if (*registered == user.email) return true;
    user.email = *registered;
  }
  return MakeError(ErrorReason::kOverloaded, kTooManyChanges);
}

absl::StatusOr<std::optional<std::string>> ThirdPartySignIn::RegisteredEmail(
    const tenancy::TenantPtr& tenant, rpc::CallContext& context, const std::string& user_id) {
  users::v1::GetUserRequest request;
  *request.mutable_scope() = tenant->scope();
  request.set_user_id(user_id);
  request.set_recipe_id(kRecipeId);
  request.set_home_tenant_id(tenant->tenant_id);
  ASSIGN_OR_RETURN(const users::v1::GetUserResponse response, users_.GetUser(context, request));
  if (response.user().login_methods().empty()) return std::nullopt;
  return response.user().login_methods(0).email();
}

}  // namespace gatehouse::thirdparty

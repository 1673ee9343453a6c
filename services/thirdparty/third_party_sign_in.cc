#include "services/thirdparty/third_party_sign_in.h"

#include <algorithm>
#include <utility>

#include "libs/base/contact_info.h"
#include "libs/base/status.h"

namespace gatehouse::thirdparty {
namespace {

constexpr char kFactorId[] = "thirdparty";

// A user that is deleted between the steps makes one round in vain.
constexpr int kMaxRounds = 5;

}  // namespace

absl::Status CheckThirdPartyGate(const tenancy::Tenant& tenant, users::v1::RecipeGate gate) {
  if (gate == users::v1::RECIPE_GATE_UNSPECIFIED) return absl::OkStatus();
  bool allowed = tenant.record.third_party_enabled();
  if (tenant.record.has_first_factors()) {
    const auto& factors = tenant.record.first_factors().factor_ids();
    const bool listed = gate == users::v1::RECIPE_GATE_FIVE_ZERO
                            ? !factors.empty()
                            : std::find(factors.begin(), factors.end(), kFactorId) != factors.end();
    allowed = allowed && listed;
  }
  return allowed ? absl::OkStatus() : Forbidden("ThirdParty login not enabled for tenant");
}

absl::StatusOr<v1::SignInOrUpResponse> SignInOrUp(users::v1::RegistryService& registry,
                                                  ThirdPartyUserStore& store,
                                                  const tenancy::Tenant& tenant,
                                                  rpc::CallContext& context,
                                                  const v1::SignInOrUpRequest& request) {
  users::v1::SignInOrUpThirdPartyRequest identity;
  *identity.mutable_scope() = tenant.scope();
  identity.set_third_party_id(request.third_party_id());
  identity.set_third_party_user_id(request.third_party_user_id());
  identity.set_email(NormaliseEmail(request.email()));
  identity.set_is_email_verified(request.is_email_verified());
  v1::SignInOrUpResponse response;
  for (int round = 0; round < kMaxRounds; ++round) {
    ASSIGN_OR_RETURN(users::v1::SignInOrUpThirdPartyResponse registered,
                     registry.SignInOrUpThirdParty(context, identity));
    if (!registered.has_signed_in()) {
      response.set_email_change_not_allowed_reason(registered.email_change_not_allowed_reason());
      return response;
    }
    auto& signed_in = *registered.mutable_signed_in();
    ASSIGN_OR_RETURN(const bool saved,
                     store.SaveUser({tenant, context.deadline},
                                    {.user_id = signed_in.supertokens_user_id(),
                                     .third_party_id = identity.third_party_id(),
                                     .third_party_user_id = identity.third_party_user_id(),
                                     .email = identity.email(),
                                     .time_joined_ms = signed_in.time_joined_ms()}));
    if (!saved) continue;
    auto& reply = *response.mutable_signed_in();
    reply.set_created(signed_in.created());
    reply.set_recipe_user_id(signed_in.recipe_user_id());
    *reply.mutable_user() = std::move(*signed_in.mutable_user());
    return response;
  }
  return MakeError(ErrorReason::kOverloaded, "The user is being changed by many requests at once");
}

}  // namespace gatehouse::thirdparty

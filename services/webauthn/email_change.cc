#include "services/webauthn/email_change.h"

#include <string>
#include <vector>

#include "libs/base/status.h"
#include "libs/tenancy/app_databases.h"
#include "libs/tenancy/ask_databases.h"

namespace gatehouse::webauthn {
namespace {

using Outcome = v1::UpdateEmailResponse;
using users::v1::ChangeIdentityResponse;
using users::v1::LoginMethod;

constexpr char kRecipeId[] = "webauthn";

// Each round but one is due to another change of the same email.
constexpr int kMaxRounds = 10;

}  // namespace

absl::StatusOr<Outcome::Outcome> EmailChange::Update(rpc::CallContext& context,
                                                     const v1::UpdateEmailRequest& request) {
  ASSIGN_OR_RETURN(const std::vector<tenancy::TenantPtr> databases,
                   tenancy::OneTenantPerDatabase(directory_, request.scope(), context.deadline));
  users::v1::ChangeIdentityRequest call;
  *call.mutable_scope() = request.scope();
  call.set_recipe_id(kRecipeId);
  call.set_recipe_user_id(request.recipe_user_id());
  call.mutable_email()->set_value(request.email());
  ASSIGN_OR_RETURN(const ChangeIdentityResponse response, registry_.ChangeIdentity(context, call));
  switch (response.outcome_case()) {
    case ChangeIdentityResponse::kEmailAlreadyExists:
      return Outcome::OUTCOME_EMAIL_ALREADY_EXISTS;
    case ChangeIdentityResponse::kEmailChangeNotAllowed:
      return Outcome::OUTCOME_EMAIL_CHANGE_NOT_ALLOWED;
    case ChangeIdentityResponse::kChanged:
      break;
    default:
      return Outcome::OUTCOME_UNKNOWN_USER;
  }
  const LoginMethod& method = response.changed().method();
  const bool is_new = response.changed().previous_email() != method.email();
  // The registry does not tell which of the app's databases has the user.
  ASSIGN_OR_RETURN(
      const bool known,
      tenancy::AnyDatabase(
          databases, context.deadline,
          [&](const tenancy::TenantPtr& tenant, absl::Time deadline) -> absl::StatusOr<bool> {
            ASSIGN_OR_RETURN(const bool saved, SaveEmail({tenant, deadline}, context, method));
            if (saved && is_new) {
              RETURN_IF_ERROR(recovery_.RemoveOfUser({tenant, deadline}, method.tenant_ids(),
                                                     method.supertokens_user_id()));
            }
            return saved;
          }));
  return known ? Outcome::OUTCOME_UPDATED : Outcome::OUTCOME_UNKNOWN_USER;
}

absl::StatusOr<bool> EmailChange::SaveEmail(const Where& where, rpc::CallContext& context,
                                            const LoginMethod& method) {
  std::string email = method.email();
  for (int round = 0; round < kMaxRounds; ++round) {
    ASSIGN_OR_RETURN(const bool known,
                     credentials_.SetEmail(where, method.supertokens_user_id(), email));
    if (!known) return false;
    // Of two changes at once, the one that the registry accepted first may save last: what the
    // registry says after it is right.
    users::v1::GetUserRequest find;
    *find.mutable_scope() = where.tenant->scope();
    find.set_supertokens_user_id(method.supertokens_user_id());
    find.set_home_tenant_id(where.tenant_id());
    ASSIGN_OR_RETURN(const users::v1::GetUserResponse found, users_.GetUser(context, find));
    bool is_right = true;
    for (const LoginMethod& now : found.user().login_methods()) {
      if (now.supertokens_user_id() != method.supertokens_user_id()) continue;
      is_right = now.email() == email;
      email = now.email();
    }
    if (is_right) return true;
  }
  return MakeError(ErrorReason::kOverloaded, "The user is being changed by many requests at once");
}

}  // namespace gatehouse::webauthn

#include "services/webauthn/account_recovery.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "libs/base/contact_info.h"
#include "libs/base/status.h"
#include "libs/crypto/bytes.h"
#include "libs/crypto/digest.h"
#include "services/webauthn/ceremony_options.h"

namespace gatehouse::webauthn {
namespace {

using users::v1::LoginMethod;
using users::v1::User;

constexpr size_t kTokenBytes = 32;

// What an id that a client gave is in internal form: a login method's, or that of the whole user.
std::string InternalIdOf(const User& user, std::string_view id) {
  for (const LoginMethod& method : user.login_methods()) {
    if (method.supertokens_user_id() == id) return method.supertokens_user_id();
  }
  for (const LoginMethod& method : user.login_methods()) {
    if (method.recipe_user_id() == id) return method.supertokens_user_id();
  }
  return user.supertokens_user_id();
}

}  // namespace

absl::StatusOr<std::optional<std::string>> AccountRecovery::CreateToken(
    const tenancy::TenantPtr& tenant, rpc::CallContext& context, const std::string& user_id,
    const std::string& email) {
  const std::string normalised = NormaliseEmail(email);
  RETURN_IF_ERROR(CheckWidth("email", normalised));
  users::v1::GetUserRequest find;
  *find.mutable_scope() = tenant->scope();
  find.set_user_id(user_id);
  find.set_home_tenant_id(tenant->tenant_id);
  ASSIGN_OR_RETURN(const users::v1::GetUserResponse found, users_.GetUser(context, find));
  if (!found.has_user()) return std::nullopt;
  const std::string token = crypto::Base64UrlEncode(crypto::RandomBytes(kTokenBytes));
  const int64_t expires_at_ms =
      clock_.NowMs() + tenant->config->webauthn_recover_account_token_lifetime_ms();
  ASSIGN_OR_RETURN(const bool added, store_.Add({tenant, context.deadline},
                                                {InternalIdOf(found.user(), user_id), normalised},
                                                crypto::Sha256Hex(token), expires_at_ms));
  if (!added) return std::nullopt;
  return token;
}

absl::StatusOr<v1::GetRecoveryUserResponse> AccountRecovery::GetUser(
    const tenancy::TenantPtr& tenant, rpc::CallContext& context, const std::string& token) {
  v1::GetRecoveryUserResponse response;
  ASSIGN_OR_RETURN(
      const std::optional<RecoveryToken> found,
      store_.Find({tenant, context.deadline}, crypto::Sha256Hex(token), clock_.NowMs()));
  if (!found.has_value()) return response;
  ASSIGN_OR_RETURN(User user, Find(tenant, context, found->user_id));
  if (user.login_methods().empty()) return response;
  for (const LoginMethod& method : user.login_methods()) {
    const auto& tenants = method.tenant_ids();
    if (method.recipe_id() == "webauthn" &&
        std::find(tenants.begin(), tenants.end(), tenant->tenant_id) != tenants.end()) {
      response.set_recipe_user_id(method.recipe_user_id());
    }
  }
  *response.mutable_user() = std::move(user);
  return response;
}

absl::StatusOr<v1::ConsumeRecoveryTokenResponse> AccountRecovery::Consume(
    const tenancy::TenantPtr& tenant, rpc::CallContext& context, const std::string& token) {
  v1::ConsumeRecoveryTokenResponse response;
  const std::string hash = crypto::Sha256Hex(token);
  const Where where = {tenant, context.deadline};
  ASSIGN_OR_RETURN(const std::optional<RecoveryToken> found,
                   store_.Find(where, hash, clock_.NowMs()));
  if (!found.has_value()) return response;
  // First, so that a token whose user can't be read at the moment is not lost.
  ASSIGN_OR_RETURN(const User user, Find(tenant, context, found->user_id));
  if (user.login_methods().empty()) return response;
  ASSIGN_OR_RETURN(const std::optional<RecoveryToken> used,
                   store_.Consume(where, hash, clock_.NowMs()));
  if (!used.has_value()) return response;
  auto& consumed = *response.mutable_consumed();
  consumed.set_user_id(user.id());
  for (const LoginMethod& method : user.login_methods()) {
    if (method.supertokens_user_id() == used->user_id) {
      consumed.set_user_id(method.recipe_user_id());
    }
  }
  consumed.set_email(used->email);
  return response;
}

absl::StatusOr<User> AccountRecovery::Find(const tenancy::TenantPtr& tenant,
                                           rpc::CallContext& context,
                                           const std::string& internal_id) {
  users::v1::GetUserRequest find;
  *find.mutable_scope() = tenant->scope();
  find.set_supertokens_user_id(internal_id);
  find.set_home_tenant_id(tenant->tenant_id);
  ASSIGN_OR_RETURN(users::v1::GetUserResponse found, users_.GetUser(context, find));
  return std::move(*found.mutable_user());
}

}  // namespace gatehouse::webauthn

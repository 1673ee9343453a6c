#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "gatehouse/users/v1/user_directory_service.rpc.h"
#include "gatehouse/webauthn/v1/webauthn_service.pb.h"
#include "libs/base/clock.h"
#include "services/webauthn/pg_recovery_store.h"

namespace gatehouse::webauthn {

// Tokens of users who have lost their passkeys, which the application sends to their emails. A
// token is 32 random bytes; its hash is stored, and it can be used once. Thread-safe.
class AccountRecovery {
 public:
  // All outlive this.
  AccountRecovery(users::v1::UserDirectoryService& users, PgRecoveryStore& store,
                  const Clock& clock)
      : users_(users), store_(store), clock_(clock) {}

  // nullopt: there is no such user in the tenant's database.
  absl::StatusOr<std::optional<std::string>> CreateToken(const tenancy::TenantPtr& tenant,
                                                         rpc::CallContext& context,
                                                         const std::string& user_id,
                                                         const std::string& email);
  // The user of a valid token.
  absl::StatusOr<v1::GetRecoveryUserResponse> GetUser(const tenancy::TenantPtr& tenant,
                                                      rpc::CallContext& context,
                                                      const std::string& token);
  absl::StatusOr<v1::ConsumeRecoveryTokenResponse> Consume(const tenancy::TenantPtr& tenant,
                                                           rpc::CallContext& context,
                                                           const std::string& token);

 private:
  // By internal id; a user without login methods: there is none.
  absl::StatusOr<users::v1::User> Find(const tenancy::TenantPtr& tenant, rpc::CallContext& context,
                                       const std::string& internal_id);

  users::v1::UserDirectoryService& users_;
  PgRecoveryStore& store_;
  const Clock& clock_;
};

}  // namespace gatehouse::webauthn

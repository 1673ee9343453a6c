#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "google/protobuf/repeated_field.h"
#include "libs/tenancy/tenant_databases.h"
#include "libs/tenancy/where.h"

namespace gatehouse::webauthn {

using tenancy::Where;

struct RecoveryToken {
  std::string user_id;  // internal
  std::string email;
};

// Table webauthn_account_recovery_tokens, which holds hashes of the tokens. Thread-safe; a method
// is one statement. Errors as in libs/db/errors.h.
class PgRecoveryStore {
 public:
  // `databases` outlives the store.
  explicit PgRecoveryStore(tenancy::TenantDatabases& databases) : databases_(databases) {}

  // False: there is no such user.
  absl::StatusOr<bool> Add(const Where& where, const RecoveryToken& token, std::string_view hash,
                           int64_t expires_at_ms);
  // One that is valid at `now_ms`.
  absl::StatusOr<std::optional<RecoveryToken>> Find(const Where& where, std::string_view hash,
                                                    int64_t now_ms);
  // The same, and removes it and the tenant's others of its email. Of several at once one finds it.
  absl::StatusOr<std::optional<RecoveryToken>> Consume(const Where& where, std::string_view hash,
                                                       int64_t now_ms);
  // Those of a user in some tenants of the database.
  absl::Status RemoveOfUser(const Where& where,
                            const google::protobuf::RepeatedPtrField<std::string>& tenant_ids,
                            std::string_view user_id);

 private:
  tenancy::TenantDatabases& databases_;
};

}  // namespace gatehouse::webauthn

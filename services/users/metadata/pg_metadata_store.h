#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/tenancy/tenant_databases.h"
#include "services/users/request_scope.h"

namespace gatehouse::users {

// Users' metadata: one JSON object per user, as text. User ids are those that clients see.
// Thread-safe. Errors as in libs/db/errors.h.
class PgMetadataStore {
 public:
  // `databases` must outlive the store.
  explicit PgMetadataStore(tenancy::TenantDatabases& databases) : databases_(databases) {}

  // nullopt: there is none. In the order of `user_ids`, in one statement.
  absl::StatusOr<std::vector<std::optional<std::string>>> Find(
      const Where& scope, const std::vector<std::string>& user_ids);
  // Replaces the metadata by the result of `change` (of `{}` if there is none), and returns that.
  // One change at a time per user; `change` may run more than once.
  absl::StatusOr<std::string> Change(
      const Where& scope, std::string_view user_id,
      absl::FunctionRef<absl::StatusOr<std::string>(std::string_view current)> change);
  absl::Status Delete(const Where& scope, std::string_view user_id);

 private:
  tenancy::TenantDatabases& databases_;
};

}  // namespace gatehouse::users

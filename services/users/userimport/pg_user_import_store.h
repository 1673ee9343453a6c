#pragma once

#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "gatehouse/users/v1/user_import_service.pb.h"
#include "libs/tenancy/tenant_databases.h"
#include "services/users/request_scope.h"
#include "services/users/userimport/pg_import_rows.h"

namespace gatehouse::users {

// Writes imported users. Thread-safe. Errors as in libs/db/errors.h.
class PgUserImportStore {
 public:
  // `databases` outlives the store.
  explicit PgUserImportStore(tenancy::TenantDatabases& databases) : databases_(databases) {}

  // Imports, in one transaction, the users that nothing stands in the way of; for the others the
  // reason, nullopt for one that is imported now or was before. No two of them may want the same
  // key. ALREADY_EXISTS: somebody took one meanwhile, and nothing was written.
  using Outcomes = std::vector<std::optional<v1::ImportRefusal>>;  // in the order of `users`
  absl::StatusOr<Outcomes> Import(const Where& scope, const std::vector<const ImportUser*>& users);

 private:
  tenancy::TenantDatabases& databases_;
};

}  // namespace gatehouse::users

#include "services/users/registry/pg_both_generations.h"

#include "libs/base/status.h"
#include "libs/config/core_config.h"

namespace gatehouse::users {
namespace {

constexpr db::Statement kLock = {"older_cores_lock", "SELECT pg_advisory_xact_lock(hashtext($1))"};

bool OlderCoreMayRun(const Where& scope) {
  return scope.tenant->config->migration_mode() == config::MigrationMode::kDualWriteReadNew;
}

}  // namespace

absl::StatusOr<db::Result> RegistryWrite::Execute(db::Transaction& transaction, const Where& scope,
                                                  const db::Params& params,
                                                  const db::Params& old_params) const {
  ASSIGN_OR_RETURN(db::Result result, transaction.Execute(statement_, params));
  if (old_.name != nullptr && OlderCoreMayRun(scope)) {
    RETURN_IF_ERROR(transaction.Execute(old_, old_params).status());
  }
  return result;
}

absl::StatusOr<db::Result> SingleRegistryWrite::Execute(db::Database& database, const Where& scope,
                                                        const db::Params& params) const {
  return database.Execute(scope.deadline, OlderCoreMayRun(scope) ? both_ : statement_, params);
}

absl::Status LockForOlderCores(db::Transaction& transaction, const Where& scope,
                               std::string_view name) {
  if (!OlderCoreMayRun(scope)) return absl::OkStatus();
  return transaction.Execute(kLock, {name}).status();
}

}  // namespace gatehouse::users

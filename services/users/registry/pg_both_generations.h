#pragma once

#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/db/database.h"
#include "services/users/request_scope.h"

namespace gatehouse::users {

// The registry's tables say who a user is: app_id_to_user_id, recipe_user_account_infos,
// recipe_user_tenants. Cores of an older generation read the same in the old tables:
// all_auth_recipe_users and <recipe>_user_to_tenant. Where one may run beside us (migration_mode
// DUAL_WRITE_READ_NEW), whatever changes the registry changes them too. Only this file knows the
// mode: statements that write either are of the types below, whose definition says what happens to
// the old tables (tests/checks/both_generations.py).

// A write in a transaction.
class RegistryWrite {
 public:
  // The old tables have nothing of what it changes, or lose it by foreign keys.
  static constexpr RegistryWrite NothingInOldTables(db::Statement statement) {
    return RegistryWrite(statement, {});
  }
  // `old` follows it, with the same parameters if no others are given.
  static constexpr RegistryWrite ThenOldTables(db::Statement statement, db::Statement old) {
    return RegistryWrite(statement, old);
  }

  // As Transaction::Execute; gives what `statement` gives. An error may be that of `old`.
  absl::StatusOr<db::Result> Execute(db::Transaction& transaction, const Where& scope,
                                     const db::Params& params) const {
    return Execute(transaction, scope, params, params);
  }
  absl::StatusOr<db::Result> Execute(db::Transaction& transaction, const Where& scope,
                                     const db::Params& params, const db::Params& old_params) const;

 private:
  constexpr RegistryWrite(db::Statement statement, db::Statement old)
      : statement_(statement), old_(old) {}
  db::Statement statement_;
  db::Statement old_;  // without a name: there is none
};

// A write that is a statement and nothing else.
class SingleRegistryWrite {
 public:
  // `both` writes the old tables too. Its columns are those of `statement`.
  constexpr SingleRegistryWrite(db::Statement statement, db::Statement both)
      : statement_(statement), both_(both) {}

  // As Database::Execute.
  absl::StatusOr<db::Result> Execute(db::Database& database, const Where& scope,
                                     const db::Params& params) const;

 private:
  db::Statement statement_;
  db::Statement both_;
};

// Cores of an older generation wait for named locks, not for rows. Holds this one until the
// transaction ends, if such a core may run beside us.
absl::Status LockForOlderCores(db::Transaction& transaction, const Where& scope,
                               std::string_view name);

}  // namespace gatehouse::users

#pragma once

#include <functional>
#include <optional>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/db/database.h"
#include "services/users/registry/pg_user_store.h"
#include "services/users/request_scope.h"

namespace gatehouse::users {

// The result of a transaction's body: its outcome, and whether its changes are kept.
template <typename Outcome>
struct Ended {
  Outcome outcome;
  bool commit;
};

template <typename Outcome>
Ended<Outcome> Commit(Outcome outcome) {
  return {std::move(outcome), true};
}
template <typename Outcome>
Ended<Outcome> RollBack(Outcome outcome) {
  return {std::move(outcome), false};
}

// Runs `body` like Database::Transact, for bodies that return an outcome: one that is no error, but
// may still require undoing what was done until then.
template <typename Outcome>
absl::StatusOr<Outcome> TransactFor(
    db::Database& database, const Where& scope,
    absl::FunctionRef<absl::StatusOr<Ended<Outcome>>(db::Transaction&)> body) {
  std::optional<Outcome> outcome;
  bool rolls_back = false;
  absl::Status status =
      database.Transact(scope.deadline, [&](db::Transaction& transaction) -> absl::Status {
        rolls_back = false;
        absl::StatusOr<Ended<Outcome>> ended = body(transaction);
        if (!ended.ok()) return ended.status();
        outcome = std::move(ended->outcome);
        if (ended->commit) return absl::OkStatus();
        rolls_back = true;
        return absl::CancelledError();
      });
  if (!status.ok() && !rolls_back) return TenantGone(scope, std::move(status));
  return *std::move(outcome);
}

}  // namespace gatehouse::users

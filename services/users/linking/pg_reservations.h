#pragma once

// What primary users hold of account infos: the rows of primary_user_tenants, whose primary key
// lets one primary user at a time have an email, phone number or third-party identity in a tenant.
// A primary user holds every account info of its group in every tenant of its group.

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace gatehouse::db {
class Result;
class Transaction;
}  // namespace gatehouse::db

namespace gatehouse::users {

// Another primary user holds an account info. A third-party identity counts before others.
struct InfoConflict {
  std::string primary_id;  // internal
  std::string info_type;
};

// Of rows (owner, type): the conflict with anybody but `own_id`.
std::optional<InfoConflict> FindConflict(const db::Result& result, std::string_view own_id);

// Below, users' rows are locked already (LockUsers), and after a conflict the transaction must be
// rolled back.

// Holds for `primary_id` all infos of its group and of `user_id`, in all tenants of either. Waits
// for whoever is about to hold one of them.
absl::StatusOr<std::optional<InfoConflict>> ReserveForGroup(db::Transaction& transaction,
                                                            std::string_view app_id,
                                                            std::string_view user_id,
                                                            std::string_view primary_id);
// Holds all infos of the group in one more tenant.
absl::StatusOr<std::optional<InfoConflict>> ReserveInTenant(db::Transaction& transaction,
                                                            std::string_view app_id,
                                                            std::string_view tenant_id,
                                                            std::string_view primary_id);
// Lets go of what the group holds because of `user_id` only, and of the user's membership in
// recipe_user_account_infos. The group's reset tokens for an email that it so loses end.
absl::Status ReleaseMember(db::Transaction& transaction, std::string_view app_id,
                           std::string_view user_id, std::string_view primary_id);
// Lets go of one tenant, unless a member of the group is in it.
absl::Status ReleaseTenant(db::Transaction& transaction, std::string_view app_id,
                           std::string_view tenant_id, std::string_view primary_id);

}  // namespace gatehouse::users

#pragma once

// The account infos that primary users hold: the rows of primary_user_tenants, whose primary key
// lets one primary user at a time have an email, phone number or third-party identity in a tenant.
// A primary user holds every account info of its group in every tenant of its group.

#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "services/users/account_info.h"
#include "services/users/request_scope.h"

namespace gatehouse::db {
class Transaction;
}  // namespace gatehouse::db

namespace gatehouse::users {

// Below, users' rows are locked already (LockUsers). False: another primary user has one of the
// account infos, or had it a moment ago; the transaction must be rolled back. Each waits for
// transactions that are about to take or release one of them.

// Holds for `primary_id` all infos of its group and of `user_id`, in all tenants of either.
absl::StatusOr<bool> ReserveForGroup(db::Transaction& transaction, std::string_view app_id,
                                     std::string_view user_id, std::string_view primary_id);
// Holds all infos of the group in one more tenant.
absl::StatusOr<bool> ReserveInTenant(db::Transaction& transaction, std::string_view app_id,
                                     std::string_view tenant_id, std::string_view primary_id);
// Holds one more info in all tenants of the group. RetryTransaction when it was another's a moment
// ago.
absl::StatusOr<bool> ReserveInfo(db::Transaction& transaction, std::string_view app_id,
                                 const AccountInfo& info, std::string_view primary_id);
// Releases what the group holds only because of `user_id`, and the user's membership in
// recipe_user_account_infos. The group's reset tokens for an email that it thereby loses end.
absl::Status ReleaseMember(db::Transaction& transaction, const Where& scope,
                           std::string_view user_id, std::string_view primary_id);
// Releases one tenant, unless a member of the group is in it.
absl::Status ReleaseTenant(db::Transaction& transaction, std::string_view app_id,
                           std::string_view tenant_id, std::string_view primary_id);

}  // namespace gatehouse::users

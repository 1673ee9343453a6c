#include "services/users/listing/pg_settle_users.h"

#include "libs/base/status.h"
#include "libs/db/database.h"

namespace gatehouse::users {
namespace {

constexpr db::Statement kSettle = {"listing_settle_user",
                                   "SELECT {schema}.{~gatehouse_settle_user}()"};

}  // namespace

absl::Status SettleListedUsers(db::Database& database, absl::Time deadline) {
  while (true) {
    ASSIGN_OR_RETURN(db::Result result, database.Execute(deadline, kSettle));
    if (!result.front().Bool(0)) return absl::OkStatus();
  }
}

}  // namespace gatehouse::users

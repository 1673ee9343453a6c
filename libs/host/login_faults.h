#pragma once

// Login methods whose registry rows and credentials do not belong together: what an attempt that
// was interrupted between two services leaves behind (migrations/users/0002_login_faults.sql).

#include <atomic>
#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace gatehouse::db {
class Database;
}
namespace gatehouse::tenancy {
class TenantDatabases;
class TenantDirectory;
}  // namespace gatehouse::tenancy

namespace gatehouse::host {

struct LoginFault {
  std::string app_id;
  std::string user_id;  // internal
  std::string recipe_id;
  std::string fault;  // "missing", "differs", "left over"
};

// Checks every user of a database, some hundred per statement, and calls `found` for each fault.
// With `mend` each fault is repaired in its own transaction, according to the registry's rows.
// Errors as in libs/db/errors.h.
absl::Status CheckLogins(db::Database& database, absl::Time deadline, bool mend,
                         absl::FunctionRef<void(const LoginFault&)> found);

// The job of a service that settles interrupted attempts: at start, after an attempt that failed,
// and every six hours it checks all users of its recipe and repairs what it finds; one instance
// works at a time. It takes at most a twentieth of the time. NoteCutOff is thread-safe; Run is for
// one thread at a time.
class LoginSettler {
 public:
  // All outlive this. `recipe_id`: a literal; empty for all recipes.
  LoginSettler(tenancy::TenantDirectory& directory, tenancy::TenantDatabases& databases,
               std::string_view recipe_id)
      : directory_(directory), databases_(databases), recipe_id_(recipe_id) {}

  // An attempt has ended with an error and may have left its work half done.
  void NoteCutOff() { cut_off_ = true; }

  // Does nothing when there is nothing to settle.
  absl::Status Run(absl::Time deadline);

  // How often to call Run.
  static constexpr absl::Duration kInterval = absl::Seconds(10);

 private:
  // False: another instance is working on it.
  absl::StatusOr<bool> Settle(db::Database& database, absl::Time deadline);

  tenancy::TenantDirectory& directory_;
  tenancy::TenantDatabases& databases_;
  const std::string recipe_id_;
  std::atomic<bool> cut_off_ = true;
  absl::Time rest_until_ = absl::InfinitePast();
  absl::Time next_ = absl::InfinitePast();
};

}  // namespace gatehouse::host

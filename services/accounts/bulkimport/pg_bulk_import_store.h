#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/tenancy/tenant_databases.h"
#include "libs/tenancy/where.h"

namespace gatehouse::db {
class Database;
class Transaction;
}  // namespace gatehouse::db

namespace gatehouse::accounts {

using tenancy::Where;

// A user that waits to be imported, or could not be.
struct WaitingUser {
  std::string id;
  std::string json;
  // NEW, FAILED, or PROCESSING: by a request that imports it at once, or by an older core, which was
  // interrupted.
  std::string status;
  std::optional<std::string> primary_user_id, error;
  int64_t created_at_ms = 0;
  int64_t updated_at_ms = 0;
  bool left_out = false;  // a list has no room for its `json`
};

// Where a page begins: with this user.
struct WaitingPage {
  int64_t created_at_ms;
  std::string id;
};

// The users of an app that wait: table bulk_import_users of the app's database. Each call is one
// statement. Thread-safe. Errors as in libs/db/errors.h.
class PgBulkImportStore {
 public:
  // `databases` outlives the store.
  explicit PgBulkImportStore(tenancy::TenantDatabases& databases) : databases_(databases) {}

  struct NewUser {
    std::string id;
    std::string json;
  };
  // kTenantNotFound when the app has just been removed.
  absl::Status Add(const Where& app, const std::vector<NewUser>& users, int64_t now_ms);
  // A user that a request imports at once, in at most that time: PROCESSING, and the job leaves it
  // alone until then, by the database's clock (updated_at).
  absl::Status Begin(const Where& app, const NewUser& user, int64_t now_ms, absl::Duration time);
  absl::Status End(const Where& app, const std::string& id);
  // Newest first. `status` empty: any. `from` null: from the newest on. About 4 MiB of them, the
  // first in any case; then users whose data is left out.
  absl::StatusOr<std::vector<WaitingUser>> List(const Where& app, std::string_view status,
                                                const WaitingPage* from, int limit);
  absl::StatusOr<int64_t> Count(const Where& app, std::string_view status);
  // Returns the ids of those that were removed. Waits for a user that is being imported.
  absl::StatusOr<std::vector<std::string>> Remove(const Where& app,
                                                  const std::vector<std::string>& ids);

 private:
  absl::StatusOr<db::Database*> Of(const Where& app) { return databases_.Of(*app.tenant); }

  tenancy::TenantDatabases& databases_;
};

// The job's part. All take users that nobody else has taken, and hold them until the transaction
// ends: an instance that dies gives them back at once, and a core of the original beside this one
// leaves them alone.

// What the job takes: what requests left behind when they were interrupted, or all that wait.
enum class Waiting { kBegun, kAll };

struct WaitingApp {
  std::string id;
  bool now = true;  // false: its users are being imported by requests
};
// The apps that have users to import.
absl::StatusOr<std::vector<WaitingApp>> AppsThatWait(db::Database& database, absl::Time deadline,
                                                     Waiting waiting);
// At most `limit` users of an app, oldest change first, and about 4 MiB of them, without `except`.
// `from_ms`: those that were changed then or later, so that rows that are gone are not passed again
// and again.
absl::StatusOr<std::vector<WaitingUser>> TakeUsers(db::Transaction& transaction, Waiting waiting,
                                                   const std::string& app_id, int64_t from_ms,
                                                   int limit,
                                                   const std::vector<std::string>& except);
// Those come after all others.
absl::Status PutOff(db::Transaction& transaction, const std::string& app_id,
                    const std::vector<std::string>& ids, int64_t now_ms);
absl::Status RemoveImported(db::Transaction& transaction, const std::string& app_id,
                            const std::vector<std::string>& ids);
struct FailedUser {
  std::string id;
  std::string error;
};
absl::Status MarkFailed(db::Transaction& transaction, const std::string& app_id,
                        const std::vector<FailedUser>& users, int64_t now_ms);

}  // namespace gatehouse::accounts

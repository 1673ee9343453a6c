#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/base/clock.h"
#include "libs/tenancy/tenant_databases.h"
#include "libs/tenancy/tenant_directory.h"
#include "services/accounts/bulkimport/import_users.h"
#include "services/accounts/bulkimport/pg_bulk_import_store.h"

namespace gatehouse::accounts {

// What the job has done since the process began. Shared with the metrics.
struct ImportCounts {
  std::atomic<int64_t> imported = 0;
  std::atomic<int64_t> failed = 0;   // users that can't be imported
  std::atomic<int64_t> put_off = 0;  // attempts that ended with a fault, to be made again
};

// Imports the users that wait, of every app: in rounds of bulk_migration_batch_size users, with a
// pause in between, by bulk_migration_parallelism threads, but not more than a quarter of the
// service's connections. Each thread takes some hundred users at a time, and holds their rows locked
// until they are imported, on a connection of a pool that exists only meanwhile. So every instance
// may run it: what one has taken the others pass over, and what a dying one has left they find.
//
// Run is for one thread at a time; the rest is thread-safe.
class BulkImportJob {
 public:
  // All outlive the job.
  BulkImportJob(tenancy::TenantDirectory& directory, tenancy::TenantDatabases& databases,
                ImportPeers peers, const Clock& clock, std::shared_ptr<ImportCounts> counts,
                Waiting waiting = Waiting::kAll);
  ~BulkImportJob();

  // Users were added, so that the next run has work.
  void NoteAdded() { added_ = true; }
  // A run ends with the users it has taken, and none begins.
  void Stop();
  // Imports until nothing waits that it can import. Users that a fault kept from being imported
  // wait for a later run; the error is the last such fault.
  absl::Status Run();

  // How often to call Run. Users that another instance has added are found within a minute.
  static constexpr absl::Duration kInterval = absl::Milliseconds(500);

 private:
  struct App;
  struct Round;
  using Apps = std::map<std::pair<std::string, std::string>, std::unique_ptr<App>>;

  // False: a stop was requested meanwhile.
  bool Sleep(absl::Duration time);
  // Appends those with users that wait; `apps` keeps what is known of them during a run. A database
  // that does not answer is passed over: its error, or the first such one.
  absl::Status FindApps(Apps& apps, std::vector<App*>& found);
  absl::Status Prepare(App& app);
  // How many users were imported, or can't be. `fault` is set to what kept others from it.
  int64_t RunRound(App& app, absl::Status& fault);
  void Work(App& app, Round& round);
  // How many users were taken.
  absl::StatusOr<int> TakeAndImport(App& app, Round& round, int limit);
  absl::StatusOr<bool> IsRegistered(const App& app, const std::string& user_id);
  ImportResult Import(const App& app, const std::vector<WaitingUser>& taken);
  rpc::CallContext Context() const;

  tenancy::TenantDirectory& directory_;
  tenancy::TenantDatabases& databases_;
  ImportPeers peers_;
  const Clock& clock_;
  const std::shared_ptr<ImportCounts> counts_;
  const Waiting waiting_;
  bool later_ = false;  // users that requests are importing were found
  std::atomic<bool> added_ = true;
  std::atomic<bool> stopping_ = false;
  std::mutex mutex_;
  std::condition_variable stop_;
  absl::Time next_ = absl::InfinitePast();
};

}  // namespace gatehouse::accounts

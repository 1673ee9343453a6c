#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/host/host.h"
#include "libs/porting/exported_user.h"
#include "libs/tenancy/tenant_directory.h"

namespace gatehouse::db {
class Database;
}

namespace gatehouse::process {

// What accepts outside requests in this process besides gRPC: the REST gateway. Libraries below the
// gateway don't know it.
class FrontEnd {
 public:
  virtual ~FrontEnd() = default;
  // Stops accepting requests and finishes those in flight.
  virtual void Drain(absl::Duration timeout) = 0;
  // The configuration was read again: see host::Component::Reload.
  virtual void Reload(const config::ProcessConfig& /*config*/) {}
  // The address for the log line of a start: "http://localhost:3567".
  virtual std::string address() const = 0;
};

// What `migrate` does with a Hydra's database. Both name to `progress` what can't be taken, and
// return how much that was.
struct HydraImport {
  using Progress = std::function<void(std::string_view)>;
  // Run for each database of ours, once its tables exist.
  std::function<absl::StatusOr<int64_t>(db::Database&, absl::Time deadline, const Progress&)> take;
  // Run after the last of them.
  std::function<absl::StatusOr<int64_t>(absl::Time deadline, const Progress&)> finish;
};

// One of Gatehouse's programs: which services it runs, and whether it presents REST.
struct Program {
  std::string name;  // "gatehouse", "gatehouse-session"
  std::vector<host::ServiceDefinition> services;
  // Null for a program without a REST interface.
  std::function<absl::StatusOr<std::unique_ptr<FrontEnd>>(host::Host&)> front_end;
  // May start a PostgreSQL of its own when none is configured.
  bool embeds_postgres = false;
  // FailedPrecondition for anything that would stop migrate_rows: `migrate` calls it before it
  // changes anything. The tables may be those of any core since 5.0. Null: nothing.
  std::function<absl::Status(db::Database&, absl::Time deadline)> check_rows;
  // Run by `migrate` once the tables exist, for rows that an older core wrote. Returns the number
  // of conflicts that an operator has to resolve; `progress` names them. Null: nothing.
  std::function<absl::StatusOr<int64_t>(db::Database&, absl::Time deadline,
                                        const std::function<void(std::string_view)>& progress)>
      migrate_rows;
  // Opens the database of the Ory Hydra that an older core had: `dsn` is its address, `secrets` its
  // system secrets. In a dry run nothing is changed. Null: the program has no such service.
  std::function<absl::StatusOr<HydraImport>(const std::string& dsn, const std::string& secrets,
                                            const config::ProcessConfig&, bool dry_run,
                                            absl::Time deadline)>
      open_hydra;
  // One tenant for each further database that tenants' settings lead to: `migrate` handles those
  // too. Null: only the base database.
  std::function<absl::StatusOr<std::vector<tenancy::TenantPtr>>(
      db::Database& base, const config::ProcessConfig&, absl::Time deadline)>
      tenants_elsewhere;
  // Texts about tenants whose settings can't be used here: `migrate` and `--check-config` print
  // them, since those tenants are not served. The tables may be an older core's. Null: not checked.
  std::function<absl::StatusOr<std::vector<std::string>>(
      db::Database& base, const config::ProcessConfig&, absl::Time deadline)>
      check_tenants;
  // What `export` reads, and one tenant for each database of each app, by connection URI domain and
  // app. Null: the program has no such command.
  porting::UserExport export_users;
  std::function<absl::StatusOr<std::vector<tenancy::TenantPtr>>(
      db::Database& base, const config::ProcessConfig&, absl::Time deadline)>
      apps_everywhere;
};

// A whole run: arguments, configuration, log, database and tables, services, admin port; then
// serves until SIGTERM or SIGINT, drains, and returns the exit status.
int RunProgram(const Program& program, int argc, const char* const argv[]);

}  // namespace gatehouse::process

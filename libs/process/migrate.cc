#include "libs/process/migrate.h"

#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "libs/base/read_file.h"
#include "libs/base/status.h"
#include "libs/base/steady_time.h"
#include "libs/base/strings.h"
#include "libs/db/errors.h"
#include "libs/db/migrator.h"
#include "libs/db/older_core/upgrade.h"
#include "libs/db/service_roles.h"
#include "libs/process/secret_argument.h"
#include "libs/telemetry/log.h"
#include "libs/tenancy/pg_tenant_databases.h"

namespace gatehouse::process {
namespace {

// How long a first start may take to create every table, or to wait for another instance that does.
constexpr absl::Duration kTablesTimeout = absl::Minutes(10);
// Rows are copied in batches: the next run does what one leaves undone.
constexpr absl::Duration kRowsTimeout = absl::Hours(24);
constexpr absl::Duration kCheckTimeout = absl::Seconds(10);
constexpr size_t kMaxSecretBytes = 64 * 1024;

void LogStep(std::string_view step) {
  telemetry::Log(telemetry::LogLevel::kInfo, "migration", {{"step", step}});
}

// Service roles with the standard name get their rights; roles by other names are the
// administrator's responsibility.
absl::Status MakeServiceRoles(const config::ProcessConfig& config, db::Database& database) {
  std::map<std::string, std::string> passwords;
  for (const std::string_view service : config::ServiceNames()) {
    const config::ServiceSettings& settings = config.service(service);
    if (settings.database_user == db::ServiceRole(service)) {
      passwords[std::string(service)] = settings.database_password;
    }
  }
  if (passwords.empty()) return absl::OkStatus();
  return db::CreateServiceRoles(database, SteadyNow() + kTablesTimeout, passwords);
}

// Changes nothing.
absl::Status CheckOne(const Program& program, db::Database& database) {
  RETURN_IF_ERROR(db::CheckUpgrade(database, SteadyNow() + kTablesTimeout));
  if (!program.check_rows) return absl::OkStatus();
  return program.check_rows(database, SteadyNow() + kTablesTimeout);
}

void Print(std::string_view text) { std::cout << text << std::endl; }

// What an operator has to look at.
struct Left {
  int64_t conflicts = 0;   // between users
  int64_t from_hydra = 0;  // not taken
};

absl::Status MigrateOne(const Program& program, const config::ProcessConfig& config,
                        const std::optional<HydraImport>& hydra, db::Database& database,
                        Left& left) {
  RETURN_IF_ERROR(db::UpgradeTables(database, SteadyNow() + kRowsTimeout, LogStep));
  RETURN_IF_ERROR(MakeServiceRoles(config, database));
  if (hydra.has_value()) {
    // Before the rows, among which clients are named that lack what Hydra has.
    ASSIGN_OR_RETURN(const int64_t not_taken,
                     hydra->take(database, SteadyNow() + kRowsTimeout, Print));
    left.from_hydra += not_taken;
  }
  if (!program.migrate_rows) return absl::OkStatus();
  ASSIGN_OR_RETURN(const int64_t conflicts,
                   program.migrate_rows(database, SteadyNow() + kRowsTimeout, Print));
  left.conflicts += conflicts;
  return absl::OkStatus();
}

// The same without any change.
absl::Status TryOne(const std::optional<HydraImport>& hydra, db::Database& database, Left& left) {
  ASSIGN_OR_RETURN(const bool current, db::SchemaIsCurrent(database, SteadyNow() + kTablesTimeout));
  if (!current) Print("The tables would be brought up to date.");
  if (!hydra.has_value()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const int64_t not_taken,
                   hydra->take(database, SteadyNow() + kRowsTimeout, Print));
  left.from_hydra += not_taken;
  return absl::OkStatus();
}

absl::StatusOr<std::optional<HydraImport>> OpenHydra(const Program& program,
                                                     const CommandLine& line,
                                                     const config::ProcessConfig& config) {
  std::string dsn = line.hydra_dsn;
  if (dsn.empty()) {
    ASSIGN_OR_RETURN(dsn, SecretArgument(line.hydra_dsn_file, "GATEHOUSE_HYDRA_DSN", "DSN"));
  }
  if (dsn.empty()) {
    if (line.hydra_system_secret_file.empty()) return std::nullopt;
    return absl::InvalidArgumentError("--hydra-system-secret-file needs --hydra-dsn");
  }
  if (!program.open_hydra) {
    return absl::InvalidArgumentError("this program has no OAuth clients: use `gatehouse migrate`");
  }
  std::string secrets;
  if (!line.hydra_system_secret_file.empty()) {
    secrets = ReadFile(line.hydra_system_secret_file, kMaxSecretBytes).value_or("");
    if (absl::StripAsciiWhitespace(secrets).empty()) {
      return absl::InvalidArgumentError(StrCat(line.hydra_system_secret_file, " has no secret"));
    }
  }
  absl::StatusOr<HydraImport> hydra =
      program.open_hydra(dsn, secrets, config, line.dry_run, SteadyNow() + kTablesTimeout);
  if (hydra.ok()) return std::optional<HydraImport>(*std::move(hydra));
  const std::string cause = db::DatabaseCause(hydra.status());
  return absl::FailedPreconditionError(StrCat("Hydra's database: ", hydra.status().message(),
                                              cause.empty() ? "" : StrCat(" (", cause, ")")));
}

absl::StatusOr<std::unique_ptr<db::Database>> OpenElsewhere(const config::ProcessConfig& config,
                                                            const db::DatabaseOptions& base,
                                                            const tenancy::Tenant& tenant) {
  ASSIGN_OR_RETURN(db::DatabaseOptions options,
                   tenancy::OverlayDatabaseOptions(base, config.core->db(), tenant.config->db()));
  options.pool_size = 1;
  return db::Database::Create(std::move(options));
}

std::string TextOf(const absl::Status& status) {
  const std::string cause = db::DatabaseCause(status);
  std::string text(status.message());
  return cause.empty() ? text : StrCat(text, " (", cause, ")");
}

// Names the tenants whose settings can't be used; true when there are any.
absl::StatusOr<bool> NameTenantsLeftOut(const Program& program, const config::ProcessConfig& config,
                                        db::Database& base) {
  if (!program.check_tenants) return false;
  ASSIGN_OR_RETURN(const std::vector<std::string> problems,
                   program.check_tenants(base, config, SteadyNow() + kTablesTimeout));
  for (const std::string& problem : problems) {
    std::cerr << program.name << ": " << problem << std::endl;
  }
  if (!problems.empty()) {
    std::cerr << program.name
              << ": these tenants are not served, and their own databases were left out: "
                 "change their settings, then migrate again"
              << std::endl;
  }
  return !problems.empty();
}

}  // namespace

absl::Status MigrateTables(db::Database& database) {
  return db::UpdateRecentTables(database, SteadyNow() + kTablesTimeout, LogStep);
}

absl::StatusOr<int> RunMigrate(const Program& program, const CommandLine& line,
                               const config::ProcessConfig& config, db::Database& base,
                               const db::DatabaseOptions& options) {
  ASSIGN_OR_RETURN(const std::optional<HydraImport> hydra, OpenHydra(program, line, config));
  RETURN_IF_ERROR(CheckOne(program, base));
  std::vector<tenancy::TenantPtr> tenants;
  if (program.tenants_elsewhere) {
    ASSIGN_OR_RETURN(tenants,
                     program.tenants_elsewhere(base, config, SteadyNow() + kTablesTimeout));
  }
  std::vector<std::pair<std::string, std::unique_ptr<db::Database>>> elsewhere;
  bool left_out = false;
  const auto leave_out = [&](const std::string& name, const absl::Status& why) {
    left_out = true;
    std::cerr << program.name << ": the database of tenant " << name
              << " was left out: " << TextOf(why) << std::endl;
  };
  // All of them are checked before any is changed.
  for (const tenancy::TenantPtr& tenant : tenants) {
    absl::StatusOr<std::unique_ptr<db::Database>> database =
        OpenElsewhere(config, options, *tenant);
    const absl::Status status = database.ok() ? CheckOne(program, **database) : database.status();
    if (absl::IsFailedPrecondition(status)) {
      return absl::FailedPreconditionError(
          StrCat("the database of tenant ", tenant->name(), ": ", TextOf(status)));
    }
    if (status.ok()) {
      (*database)->CloseIdle();  // there may be many
      elsewhere.emplace_back(tenant->name(), *std::move(database));
    } else {
      leave_out(tenant->name(), status);
    }
  }
  Left left;
  const auto one = [&](db::Database& database) {
    return line.dry_run ? TryOne(hydra, database, left)
                        : MigrateOne(program, config, hydra, database, left);
  };
  RETURN_IF_ERROR(one(base));
  ASSIGN_OR_RETURN(const bool unusable, NameTenantsLeftOut(program, config, base));
  left_out |= unusable;
  for (const auto& [name, database] : elsewhere) {
    std::cout << "the database of tenant " << name << std::endl;
    const absl::Status done = one(*database);
    if (!done.ok()) leave_out(name, done);
  }
  if (hydra.has_value() && !left_out) {
    ASSIGN_OR_RETURN(const int64_t not_taken, hydra->finish(SteadyNow() + kRowsTimeout, Print));
    left.from_hydra += not_taken;
  }
  if (left_out) return 1;
  Print(line.dry_run ? "Nothing was changed." : "The tables are up to date.");
  if (left.conflicts > 0) {
    Print(
        "Users are in conflict, named above: each keeps all but the sign-in that belongs to "
        "another user already.");
  }
  if (left.from_hydra > 0) Print("Hydra has what can't be taken, named above.");
  return left.conflicts > 0 || left.from_hydra > 0 ? kExitConflicts : 0;
}

absl::Status CheckTables(const config::ProcessConfig& config, std::string_view service,
                         db::DatabaseOptions options) {
  const config::ServiceSettings& settings = config.service(service);
  options.user = settings.database_user;
  options.password = settings.database_password;
  options.pool_size = 1;
  ASSIGN_OR_RETURN(auto database, db::Database::Create(std::move(options)));
  const absl::Status recent = db::CheckTablesAreRecent(*database, SteadyNow() + kCheckTimeout);
  if (absl::IsFailedPrecondition(recent)) return recent;
  const absl::StatusOr<bool> current = db::SchemaIsCurrent(*database, SteadyNow() + kCheckTimeout);
  if (!current.ok() || *current) return absl::OkStatus();
  return absl::FailedPreconditionError(
      "the database's tables are missing or older than this build: run `gatehouse migrate` as "
      "their owner, then start again");
}

}  // namespace gatehouse::process

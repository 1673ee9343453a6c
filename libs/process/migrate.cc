#include "libs/process/migrate.h"

#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "libs/base/status.h"
#include "libs/base/steady_time.h"
#include "libs/base/strings.h"
#include "libs/db/errors.h"
#include "libs/db/migrator.h"
#include "libs/db/older_core/upgrade.h"
#include "libs/db/service_roles.h"
#include "libs/telemetry/log.h"
#include "libs/tenancy/pg_tenant_databases.h"

namespace gatehouse::process {
namespace {

// How long a first start may take to create every table, or to wait for another instance that does.
constexpr absl::Duration kTablesTimeout = absl::Minutes(10);
// Rows are copied in batches: the next run does what one leaves undone.
constexpr absl::Duration kRowsTimeout = absl::Hours(24);
constexpr absl::Duration kCheckTimeout = absl::Seconds(10);

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

absl::StatusOr<int64_t> MigrateOne(const Program& program, const config::ProcessConfig& config,
                                   db::Database& database) {
  RETURN_IF_ERROR(db::UpgradeTables(database, SteadyNow() + kRowsTimeout, LogStep));
  RETURN_IF_ERROR(MakeServiceRoles(config, database));
  if (!program.migrate_rows) return 0;
  return program.migrate_rows(database, SteadyNow() + kRowsTimeout,
                              [](std::string_view step) { std::cout << step << std::endl; });
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

absl::StatusOr<int> RunMigrate(const Program& program, const config::ProcessConfig& config,
                               db::Database& base, const db::DatabaseOptions& options) {
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
  ASSIGN_OR_RETURN(int64_t conflicts, MigrateOne(program, config, base));
  ASSIGN_OR_RETURN(const bool unusable, NameTenantsLeftOut(program, config, base));
  left_out |= unusable;
  for (const auto& [name, database] : elsewhere) {
    std::cout << "the database of tenant " << name << std::endl;
    const absl::StatusOr<int64_t> found = MigrateOne(program, config, *database);
    if (found.ok()) {
      conflicts += *found;
    } else {
      leave_out(name, found.status());
    }
  }
  if (left_out) return 1;
  std::cout << "The tables are up to date." << std::endl;
  if (conflicts == 0) return 0;
  std::cout << "Users are in conflict, named above: each keeps all but the sign-in that belongs to "
               "another user already."
            << std::endl;
  return kExitConflicts;
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

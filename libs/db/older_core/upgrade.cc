#include "libs/db/older_core/upgrade.h"

#include <optional>
#include <string>
#include <utility>

#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/db/migrator.h"
#include "libs/db/older_core/quick_lock.h"
#include "libs/db/older_core/upgrade_lock.h"
#include "libs/db/older_core/upgrade_obstacles.h"
#include "libs/db/older_core/upgrade_plan.h"
#include "libs/db/older_core/upgrade_rows.h"

namespace gatehouse::db {
namespace {

// In gatehouse_schema_migrations: 1 when filling in the rows of 5.0's users has begun, 2 when it is
// complete. The tables alone don't show that, since an empty one may be right.
constexpr Statement kRecordExists = {"older_core_record_exists",
                                     "SELECT to_regclass($1::text) IS NOT NULL"};
constexpr Statement kRowsState = {
    "older_core_rows_state",
    "SELECT COALESCE(max(version), 0) FROM {gatehouse_schema_migrations} "
    "WHERE service = 'older_core'"};
constexpr Statement kRecordRows = {
    "older_core_record_rows",
    "INSERT INTO {gatehouse_schema_migrations} (service, version, name, applied_at) "
    "VALUES ('older_core', $1, $2, (EXTRACT(EPOCH FROM clock_timestamp()) * 1000)::bigint) "
    "ON CONFLICT DO NOTHING"};
constexpr int64_t kRowsBegun = 1;
constexpr int64_t kRowsDone = 2;

using Progress = std::function<void(std::string_view)>;

absl::StatusOr<UpgradePlan> MakePlan(Database& database, absl::Time deadline,
                                     StoredSchema* stored = nullptr) {
  const TableNames& names = database.tables();
  StoredSchema schema;
  bool rows_begun = false;
  RETURN_IF_ERROR(database.Transact(
      deadline, Isolation::kRepeatableRead, [&](Transaction& transaction) -> absl::Status {
        ASSIGN_OR_RETURN(schema, ReadStoredSchema(transaction, names));
        ASSIGN_OR_RETURN(
            const Result exists,
            transaction.Execute(kRecordExists, {names.Qualified("gatehouse_schema_migrations")}));
        rows_begun = false;
        if (!exists.front().Bool(0)) return absl::OkStatus();
        ASSIGN_OR_RETURN(const Result state, transaction.Execute(kRowsState));
        rows_begun = state.front().Int64(0) == kRowsBegun;
        return absl::OkStatus();
      }));
  UpgradePlan plan = PlanUpgrade(schema, names, rows_begun);
  if (stored != nullptr) *stored = std::move(schema);
  return plan;
}

absl::Status RefusalOf(const UpgradePlan& plan) {
  if (plan.problems.empty()) return absl::OkStatus();
  std::string text = "the database can't be taken over, and nothing was changed: ";
  for (const std::string& problem : plan.problems) {
    text += (&problem == &plan.problems.front() ? "" : "; ") + problem;
  }
  return absl::FailedPreconditionError(text);
}

// Plans, and looks for anything that would stop the plan half-way.
absl::StatusOr<UpgradePlan> MakeCheckedPlan(Database& database, absl::Time deadline) {
  StoredSchema stored;
  ASSIGN_OR_RETURN(UpgradePlan plan, MakePlan(database, deadline, &stored));
  if (plan.problems.empty() && !plan.empty) {
    ASSIGN_OR_RETURN(plan.problems, FindObstacles(database, deadline, stored, plan));
  }
  RETURN_IF_ERROR(RefusalOf(plan));
  return plan;
}

absl::Status CheckRecent(const UpgradePlan& plan) {
  RETURN_IF_ERROR(RefusalOf(plan));
  if (!plan.missing_since.has_value() || *plan.missing_since > kRegistryCore) {
    return absl::OkStatus();
  }
  const std::string since =
      plan.found < *plan.missing_since
          ? ""
          : StrCat(", without what core ", VersionText(*plan.missing_since), " changed in them");
  return absl::FailedPreconditionError(
      StrCat("the tables are those of core ", VersionText(plan.found), since,
             ". Stop every other core, run `gatehouse migrate`, then start again"));
}

// One after the other, each in its own transaction.
absl::Status RunQuickly(Database& database, absl::Time deadline,
                        const std::vector<std::string>& scripts) {
  for (const std::string& script : scripts) {
    RETURN_IF_ERROR(WithQuickLocks(database, deadline, [&](Transaction& transaction) {
      const absl::Status limited = LimitLockWaits(transaction);
      return limited.ok() ? transaction.ExecuteScript(script) : limited;
    }));
  }
  return absl::OkStatus();
}

absl::Status RecordRows(Database& database, absl::Time deadline, int64_t version,
                        std::string_view name) {
  return database.Transact(deadline, [&](Transaction& transaction) -> absl::Status {
    RETURN_IF_ERROR(transaction.ExecuteScript(kMigrationRecord));
    return transaction.Execute(kRecordRows, {version, name}).status();
  });
}

absl::Status DropIndexes(Database& database, absl::Time deadline,
                         const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    RETURN_IF_ERROR(database.ExecuteScript(
        deadline, StrCat("DROP INDEX CONCURRENTLY IF EXISTS {schema}.\"", name, "\"")));
  }
  return absl::OkStatus();
}

absl::Status PrepareTables(Database& database, absl::Time deadline, const UpgradePlan& plan,
                           const Progress& progress) {
  if (plan.rows) RETURN_IF_ERROR(RecordRows(database, deadline, kRowsBegun, "rows begun"));
  if (!plan.columns.empty()) progress("columns of existing tables");
  RETURN_IF_ERROR(RunQuickly(database, deadline, plan.columns));
  if (!plan.unique_indexes.empty()) progress("keys of existing tables");
  RETURN_IF_ERROR(DropIndexes(database, deadline, plan.leftover_indexes));
  for (const std::string& index : plan.unique_indexes) {
    RETURN_IF_ERROR(
        database.ExecuteScript(deadline, StrCat("CREATE UNIQUE INDEX CONCURRENTLY ", index)));
  }
  if (!plan.keys.empty()) {
    RETURN_IF_ERROR(
        WithQuickLocks(database, deadline, [&](Transaction& transaction) -> absl::Status {
          RETURN_IF_ERROR(LimitLockWaits(transaction));
          for (const std::string& sql : plan.keys) {
            RETURN_IF_ERROR(transaction.ExecuteScript(sql));
          }
          return absl::OkStatus();
        }));
  }
  for (const std::string& table : plan.primary_ids) {
    progress(StrCat("primary ids of ", table));
    RETURN_IF_ERROR(FillPrimaryIds(database, deadline, table));
    RETURN_IF_ERROR(RunQuickly(
        database, deadline,
        {StrCat("ALTER TABLE {", table, "} ALTER COLUMN primary_or_recipe_user_id DROP DEFAULT")}));
  }
  if (!plan.foreign_keys.empty()) progress("foreign keys");
  return RunQuickly(database, deadline, plan.foreign_keys);
}

// A foreign key that some rows violate stays unvalidated: it applies to what is written from now
// on, and its cascades still work.
absl::Status Validate(Database& database, absl::Time deadline, const std::string& sql,
                      const Progress& progress) {
  const absl::Status status = database.ExecuteScript(deadline, sql);
  const std::optional<std::string> broken = ViolatedConstraint(status);
  if (!broken.has_value()) return status;
  progress(StrCat("some rows do not fit the foreign key ", *broken, ", which leaves them alone"));
  return absl::OkStatus();
}

absl::Status FinishTables(Database& database, absl::Time deadline, const Progress& progress) {
  ASSIGN_OR_RETURN(UpgradePlan plan, MakePlan(database, deadline));
  if (plan.rows) {
    RETURN_IF_ERROR(FillTenantRows(database, deadline, progress));
    RETURN_IF_ERROR(RecordRows(database, deadline, kRowsDone, "rows done"));
  }
  RETURN_IF_ERROR(RunQuickly(database, deadline, plan.foreign_keys));
  if (!plan.indexes.empty()) progress("indexes of existing tables");
  RETURN_IF_ERROR(DropIndexes(database, deadline, plan.old_indexes));
  for (const std::string& index : plan.indexes) {
    RETURN_IF_ERROR(database.ExecuteScript(
        deadline, StrCat("CREATE INDEX CONCURRENTLY IF NOT EXISTS ", index)));
  }
  ASSIGN_OR_RETURN(plan, MakePlan(database, deadline));
  for (const std::string& sql : plan.validations) {
    RETURN_IF_ERROR(Validate(database, deadline, sql, progress));
  }
  if (!plan.missing_since.has_value() && plan.problems.empty()) return absl::OkStatus();
  return absl::InternalError("the tables are not as expected after all steps");
}

}  // namespace

absl::Status CheckTablesAreRecent(Database& database, absl::Time deadline) {
  ASSIGN_OR_RETURN(const UpgradePlan plan, MakePlan(database, deadline));
  return CheckRecent(plan);
}

absl::Status UpdateRecentTables(Database& database, absl::Time deadline, const Progress& progress) {
  ASSIGN_OR_RETURN(const UpgradePlan plan, MakePlan(database, deadline));
  RETURN_IF_ERROR(CheckRecent(plan));
  // The rest is not worth delaying a start for, and this role may lack the rights for it.
  if (!plan.missing_since.has_value()) return Migrate(database, deadline, progress);
  return UpgradeTables(
      database, deadline, progress ? progress : [](std::string_view) {});
}

absl::Status CheckUpgrade(Database& database, absl::Time deadline) {
  return MakeCheckedPlan(database, deadline).status();
}

absl::Status UpgradeTables(Database& database, absl::Time deadline, const Progress& progress) {
  ASSIGN_OR_RETURN(UpgradePlan plan, MakeCheckedPlan(database, deadline));
  if (!plan.HasSteps()) return Migrate(database, deadline, progress);
  ASSIGN_OR_RETURN(const auto lock, UpgradeLock::Take(database.options(), deadline));
  // Another run may have done so meanwhile.
  ASSIGN_OR_RETURN(plan, MakeCheckedPlan(database, deadline));
  if (plan.missing_since.has_value()) {
    progress(StrCat("the tables are those of core ", VersionText(plan.found)));
  }
  RETURN_IF_ERROR(PrepareTables(database, deadline, plan, progress));
  RETURN_IF_ERROR(Migrate(database, deadline, progress));
  return FinishTables(database, deadline, progress);
}

}  // namespace gatehouse::db

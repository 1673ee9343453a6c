#include "libs/db/migrator.h"

#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "libs/base/status.h"
#include "libs/db/error_map.h"
#include "libs/db/migrations.h"
#include "libs/db/older_core/quick_lock.h"

namespace gatehouse::db {
namespace {

constexpr Statement kRecordExists = {
    "migrate_record_exists", "SELECT to_regclass('{gatehouse_schema_migrations}') IS NOT NULL"};
constexpr Statement kSchemaExists = {"migrate_schema_exists",
                                     "SELECT to_regnamespace('{schema}') IS NOT NULL"};
constexpr Statement kVersions = {
    "migrate_versions",
    "SELECT service, MAX(version) FROM {gatehouse_schema_migrations} GROUP BY service"};
// One lock for all services: their tables refer to each other. Held until the transaction ends.
constexpr Statement kLock = {"migrate_lock",
                             "SELECT pg_advisory_xact_lock(hashtext('gatehouse_migrations'))"};
constexpr Statement kRecord = {
    "migrate_record",
    "INSERT INTO {gatehouse_schema_migrations} (service, version, name, applied_at) "
    "VALUES ($1, $2, $3, (EXTRACT(EPOCH FROM clock_timestamp()) * 1000)::bigint) "
    "ON CONFLICT DO NOTHING"};
constexpr Statement kTables = {
    "migrate_tables",
    "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    "WHERE n.nspname = '{schema}' AND c.relkind IN ('r', 'p')"};
constexpr Statement kIndexState = {
    "migrate_index_state",
    "SELECT i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
    "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = '{schema}' AND c.relname = "
    "$1"};

constexpr std::string_view kCreateIndex = "CREATE INDEX IF NOT EXISTS ";

using Versions = std::map<std::string, int64_t, std::less<>>;

Versions ToVersions(const Result& result) {
  Versions versions;
  for (const Row row : result) versions[std::string(row.Text(0))] = row.Int64(1);
  return versions;
}

std::vector<Migration> Missing(std::string_view service, const Versions& have) {
  const auto it = have.find(service);
  const int64_t version = it == have.end() ? 0 : it->second;
  std::vector<Migration> missing;
  for (const Migration& migration : EmbeddedMigrations()) {
    if (migration.service == service && migration.version > version) missing.push_back(migration);
  }
  return missing;
}

// An index on a table that existed before us.
struct LateIndex {
  std::string name;
  std::string sql;  // after "CREATE INDEX IF NOT EXISTS "
};

// Takes CREATE INDEX statements on tables of `existing` out of a script.
std::string TakeOutIndexes(std::string_view script, const TableNames& names,
                           const std::set<std::string>& existing, std::vector<LateIndex>& late) {
  std::string kept;
  while (!script.empty()) {
    const size_t end = script.find(";\n");
    const size_t length = end == std::string_view::npos ? script.size() : end + 2;
    const std::string_view statement = script.substr(0, length);
    script.remove_prefix(length);
    if (!statement.starts_with(kCreateIndex)) {
      kept += statement;
      continue;
    }
    const std::string_view rest = statement.substr(kCreateIndex.size());
    const size_t open = rest.find('{');
    const std::string_view base = rest.substr(open + 1, rest.find('}') - open - 1);
    if (existing.contains(names.Bare(base))) {
      late.push_back({std::string(rest.substr(0, rest.find_first_of(" \n"))), std::string(rest)});
    } else {
      kept += statement;
    }
  }
  return kept;
}

// CREATE INDEX CONCURRENTLY leaves an invalid index when it is interrupted.
absl::Status BuildIndex(Database& database, absl::Time deadline, const LateIndex& index) {
  ASSIGN_OR_RETURN(const Result state, database.Execute(deadline, kIndexState, {index.name}));
  if (!state.empty()) {
    if (state.front().Bool(0)) return absl::OkStatus();
    RETURN_IF_ERROR(database.ExecuteScript(
        deadline, absl::StrCat("DROP INDEX CONCURRENTLY IF EXISTS {schema}.", index.name)));
  }
  return database.ExecuteScript(
      deadline, absl::StrCat("CREATE INDEX CONCURRENTLY IF NOT EXISTS ", index.sql));
}

absl::Status Record(Transaction& transaction, const std::vector<Migration>& migrations) {
  for (const Migration& migration : migrations) {
    RETURN_IF_ERROR(
        transaction.Execute(kRecord, {migration.service, migration.version, migration.name})
            .status());
  }
  return absl::OkStatus();
}

// Explains errors that an administrator can do something about.
absl::Status Explain(const absl::Status& status) {
  const std::string state = SqlStateOf(status);
  if (state == "42501") {
    return Reworded(status,
                    "The database role lacks a right that changing tables needs: run `gatehouse "
                    "migrate` as the owner of the tables, with CREATE on their schema");
  }
  if (state == "3F000") {
    return Reworded(status,
                    "No schema that the database role's search_path names is there: make one, or "
                    "set postgresql_table_schema");
  }
  if (state == "25006") {
    return Reworded(status, "The tables can't be changed: the database or its role is read-only");
  }
  return status;
}

absl::Status MigrateService(Database& database, absl::Time deadline, std::string_view service) {
  const TableNames& names = database.tables();
  std::vector<LateIndex> late;
  std::vector<Migration> missing;
  RETURN_IF_ERROR(WithQuickLocks(database, deadline, [&](Transaction& transaction) -> absl::Status {
    late.clear();
    RETURN_IF_ERROR(transaction.ExecuteScript("SET LOCAL statement_timeout = 0"));
    RETURN_IF_ERROR(transaction.Execute(kLock).status());
    // IF NOT EXISTS would require the right to create what an administrator has created already.
    ASSIGN_OR_RETURN(const Result schema, transaction.Execute(kSchemaExists));
    if (!schema.front().Bool(0)) {
      RETURN_IF_ERROR(transaction.ExecuteScript("CREATE SCHEMA IF NOT EXISTS {schema}"));
    }
    ASSIGN_OR_RETURN(const Result record, transaction.Execute(kRecordExists));
    if (!record.front().Bool(0)) RETURN_IF_ERROR(transaction.ExecuteScript(kMigrationRecord));
    ASSIGN_OR_RETURN(const Result versions, transaction.Execute(kVersions));
    missing = Missing(service, ToVersions(versions));
    if (missing.empty()) return absl::OkStatus();
    ASSIGN_OR_RETURN(const Result tables, transaction.Execute(kTables));
    std::set<std::string> existing;
    for (const Row row : tables) existing.emplace(row.Text(0));
    RETURN_IF_ERROR(LimitLockWaits(transaction));
    for (const Migration& migration : missing) {
      RETURN_IF_ERROR(
          transaction.ExecuteScript(TakeOutIndexes(migration.sql, names, existing, late)));
    }
    return late.empty() ? Record(transaction, missing) : absl::OkStatus();
  }));
  if (late.empty()) return absl::OkStatus();
  // Recorded at the very end, so that the next run makes up for an interruption.
  for (const LateIndex& index : late) RETURN_IF_ERROR(BuildIndex(database, deadline, index));
  return database.Transact(deadline,
                           [&](Transaction& transaction) { return Record(transaction, missing); });
}

absl::StatusOr<Versions> ReadVersions(Database& database, absl::Time deadline) {
  ASSIGN_OR_RETURN(const Result exists, database.Execute(deadline, kRecordExists));
  if (!exists.front().Bool(0)) return Versions();
  ASSIGN_OR_RETURN(const Result versions, database.Execute(deadline, kVersions));
  return ToVersions(versions);
}

}  // namespace

const char kMigrationRecord[] =
    "CREATE TABLE IF NOT EXISTS {gatehouse_schema_migrations} (\n"
    "  service VARCHAR(64) NOT NULL,\n"
    "  version BIGINT NOT NULL,\n"
    "  name VARCHAR(256) NOT NULL,\n"
    "  applied_at BIGINT NOT NULL,\n"
    "  CONSTRAINT {~gatehouse_schema_migrations}_pkey PRIMARY KEY (service, version)\n"
    ")";

absl::StatusOr<bool> SchemaIsCurrent(Database& database, absl::Time deadline) {
  ASSIGN_OR_RETURN(const Versions versions, ReadVersions(database, deadline));
  for (const std::string_view service : MigrationOrder()) {
    if (!Missing(service, versions).empty()) return false;
  }
  return true;
}

absl::Status Migrate(Database& database, absl::Time deadline,
                     const std::function<void(std::string_view)>& progress) {
  ASSIGN_OR_RETURN(const Versions versions, ReadVersions(database, deadline));
  for (const std::string_view service : MigrationOrder()) {
    if (Missing(service, versions).empty()) continue;
    if (progress) progress(absl::StrCat("tables of ", std::string(service)));
    RETURN_IF_ERROR(Explain(MigrateService(database, deadline, service)));
  }
  return absl::OkStatus();
}

}  // namespace gatehouse::db

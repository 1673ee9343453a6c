#include "libs/db/older_core/upgrade_obstacles.h"

#include <algorithm>
#include <map>
#include <set>

#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/db/migrator.h"
#include "libs/db/older_core/wanted_schema.h"

namespace gatehouse::db {
namespace {

// $1 the schema, $2 a table, $3 constraints of it, $4 columns of it. The views that depend on them.
constexpr Statement kViews = {
    "older_core_views",
    "WITH named AS (SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    "  WHERE n.nspname = $1 AND c.relname = $2), "
    "things AS ("
    "  SELECT 'pg_constraint'::regclass AS class, k.oid, 0 AS part FROM pg_constraint k "
    "  WHERE k.conrelid IN (SELECT oid FROM named) AND k.conname = ANY($3) "
    "  UNION ALL SELECT 'pg_class'::regclass, a.attrelid, a.attnum FROM pg_attribute a "
    "  WHERE a.attrelid IN (SELECT oid FROM named) AND a.attname = ANY($4)) "
    "SELECT DISTINCT r.ev_class::regclass::text FROM things t JOIN pg_depend d "
    "  ON d.refclassid = t.class AND d.refobjid = t.oid AND d.refobjsubid = t.part "
    "JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid ORDER BY 1"};

class Finder {
 public:
  Finder(Database& database, absl::Time deadline, const StoredSchema& stored,
         const UpgradePlan& plan)
      : database_(database), deadline_(deadline), stored_(stored), plan_(plan) {}

  absl::StatusOr<std::vector<std::string>> Find() {
    RETURN_IF_ERROR(FindOwners());
    FindForeignKeys();
    RETURN_IF_ERROR(FindViews());
    RETURN_IF_ERROR(FindTwins());
    return std::move(found_);
  }

 private:
  const TableNames& names() const { return database_.tables(); }

  absl::Status FindOwners() {
    if (!plan_.HasSteps()) {
      ASSIGN_OR_RETURN(const bool current, SchemaIsCurrent(database_, deadline_));
      if (current) return absl::OkStatus();
    }
    std::map<std::string, std::vector<std::string>> others;
    for (const auto& [name, table] : stored_.tables) {
      if (!table.ours_to_change) others[table.owner].push_back(names().Qualified(name));
    }
    for (const auto& [owner, tables] : others) {
      found_.push_back(StrCat("the role ", owner, " owns ", std::to_string(tables.size()),
                              " of the tables (such as ", tables.front(),
                              "), which only it may change: connect as their owner"));
    }
    return absl::OkStatus();
  }

  bool IsDropped(std::string_view table, std::string_view constraint) const {
    return std::any_of(
        plan_.dropped.begin(), plan_.dropped.end(), [&](const DroppedConstraint& dropped) {
          return FullName(names(), dropped.table) == table && dropped.name == constraint;
        });
  }

  // Foreign keys that the plan does not drop, on keys that it does.
  void FindForeignKeys() {
    for (const StoredConstraint& key : stored_.constraints) {
      if (key.kind == 'f' || !IsDropped(key.table, key.name)) continue;
      for (const StoredConstraint& foreign : stored_.constraints) {
        if (foreign.kind != 'f' || foreign.referenced != key.table ||
            std::set(foreign.referenced_columns.begin(), foreign.referenced_columns.end()) !=
                std::set(key.columns.begin(), key.columns.end()) ||
            IsDropped(foreign.table, foreign.name)) {
          continue;
        }
        found_.push_back(StrCat("the foreign key ", foreign.name, " of ", foreign.table,
                                " stands on the key ", key.name,
                                ", which has to be replaced: drop it first"));
      }
    }
  }

  absl::Status FindViews() {
    for (const auto& [name, table] : stored_.tables) {
      TextArray constraints, columns;
      for (const DroppedConstraint& dropped : plan_.dropped) {
        if (dropped.table == name) constraints.values.push_back(dropped.name);
      }
      for (const std::string& column : plan_.retyped) {
        if (column.starts_with(StrCat(name, "."))) {
          columns.values.push_back(column.substr(name.size() + 1));
        }
      }
      if (constraints.values.empty() && columns.values.empty()) continue;
      ASSIGN_OR_RETURN(const Result views, database_.Execute(deadline_, kViews,
                                                             {names().schema(), names().Bare(name),
                                                              constraints, columns}));
      for (const Row row : views) {
        found_.push_back(StrCat("the view ", row.Text(0), " stands on what has to change in ",
                                names().Qualified(name), ": drop it first, and make it again"));
      }
    }
    return absl::OkStatus();
  }

  // The statements' text differs by table, so they are run as scripts that fail on a finding.
  absl::Status FindTwins() {
    for (const auto& [table, columns] : plan_.unproven) {
      std::string list, given;
      for (const std::string& column : columns) {
        list += (list.empty() ? "" : ", ") + column;
        given += StrCat(given.empty() ? "" : " AND ", column, " IS NOT NULL");
      }
      const absl::Status status = database_.ExecuteScript(
          deadline_, StrCat("DO $$ BEGIN IF EXISTS (SELECT 1 FROM {", table, "} WHERE ", given,
                            " GROUP BY ", list,
                            " HAVING count(*) > 1) THEN RAISE unique_violation;"
                            " END IF; END $$"));
      if (status.ok()) continue;
      if (!absl::IsAlreadyExists(status)) return status;
      found_.push_back(StrCat("rows of ", names().Qualified(table), " have the same ", list,
                              ": one of each may stay"));
    }
    return absl::OkStatus();
  }

  Database& database_;
  const absl::Time deadline_;
  const StoredSchema& stored_;
  const UpgradePlan& plan_;
  std::vector<std::string> found_;
};

}  // namespace

absl::StatusOr<std::vector<std::string>> FindObstacles(Database& database, absl::Time deadline,
                                                       const StoredSchema& stored,
                                                       const UpgradePlan& plan) {
  return Finder(database, deadline, stored, plan).Find();
}

}  // namespace gatehouse::db

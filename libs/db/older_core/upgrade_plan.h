#pragma once

// What a database lacks of the wanted schema, and how to add it. No SQL is run here.

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "libs/db/older_core/core_steps.h"
#include "libs/db/older_core/stored_schema.h"

namespace gatehouse::db {

// A constraint that is dropped, so that a new key can take its place.
struct DroppedConstraint {
  std::string table;  // a base name
  std::string name;
};

// All SQL has placeholders as in Statement.
struct UpgradePlan {
  bool empty = true;  // there are no tables at all
  // The newest core whose marks are present.
  CoreVersion found;
  // The oldest core of which something is missing that Gatehouse can't serve without.
  std::optional<CoreVersion> missing_since;
  // Why this can't be taken over, as texts for the operator. Nothing may be changed then.
  std::vector<std::string> problems;

  // In this order. Each of `columns` is one table's, and quick.
  std::vector<std::string> columns;
  std::vector<std::string> leftover_indexes;  // of an interrupted run: names, to be dropped
  std::vector<std::string> unique_indexes;    // after "CREATE UNIQUE INDEX CONCURRENTLY "
  std::vector<std::string> keys;              // in one transaction, quick
  std::vector<std::string> primary_ids;   // tables (base names) whose rows have no primary id yet
  std::vector<std::string> foreign_keys;  // not validated yet; quick
  // Then the migrations, then:
  bool rows = false;                     // 5.0's users have no rows of apps and tenants yet
  std::vector<std::string> validations;  // of foreign keys; slow, but blocking nobody
  std::vector<std::string> old_indexes;  // names, dropped before they are recreated
  std::vector<std::string> indexes;      // after "CREATE INDEX CONCURRENTLY IF NOT EXISTS "

  std::vector<DroppedConstraint> dropped;  // by `keys`
  // Tables and columns of new keys that no existing key guarantees: there may be duplicate rows.
  std::vector<std::pair<std::string, std::vector<std::string>>> unproven;
  std::vector<std::string> retyped;  // "table.column" that `columns` widens; base names

  bool HasSteps() const;
};

// `rows_begun`: an earlier run began with the rows of 5.0's users and did not finish.
UpgradePlan PlanUpgrade(const StoredSchema& stored, const TableNames& names, bool rows_begun);

// "5.0".
std::string VersionText(CoreVersion version);

}  // namespace gatehouse::db

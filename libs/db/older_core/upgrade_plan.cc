#include "libs/db/older_core/upgrade_plan.h"

#include <algorithm>
#include <set>

#include "libs/base/strings.h"
#include "libs/db/older_core/wanted_schema.h"

namespace gatehouse::db {
namespace {

constexpr size_t kMaxIdentifier = 63;  // PostgreSQL cuts longer names off
constexpr std::string_view kPrimaryId = "primary_or_recipe_user_id";

std::string Join(const std::vector<std::string>& names) {
  std::string joined;
  for (const std::string& name : names) joined += joined.empty() ? name : "," + name;
  return joined;
}

std::set<std::string> SetOf(const std::vector<std::string>& names) {
  return {names.begin(), names.end()};
}

// N of "character varying(N)" or "VARCHAR(N)"; 0: it is something else.
int WidthOf(std::string_view type) {
  if (!type.starts_with("character varying(") && !type.starts_with("VARCHAR(")) return 0;
  if (!type.ends_with(")")) return 0;  // an array
  return std::stoi(std::string(type.substr(type.find('(') + 1)));
}

const ColumnStep* FindColumnStep(std::string_view table, std::string_view column) {
  for (const ColumnStep& step : ColumnSteps()) {
    if (step.table == table && step.column == column) return &step;
  }
  return nullptr;
}

// The first core that created a table.
CoreVersion FirstVersion(std::string_view table) {
  for (const TableStep& step : TableSteps()) {
    if (step.table == table) return step.version;
  }
  return kOldestCore;
}

class Planner {
 public:
  Planner(const StoredSchema& stored, const TableNames& names) : stored_(stored), names_(names) {}

  UpgradePlan Plan(bool rows_begun) {
    plan_.empty = stored_.tables.empty();
    if (plan_.empty) return std::move(plan_);
    FindVersion();
    if (!plan_.problems.empty()) return std::move(plan_);
    for (const auto& [name, table] : stored_.tables) {
      const WantedTable& wanted = *TheWantedSchema().Find(name);
      if (table.kind != 'r' && table.kind != 'p') {
        Problem(StrCat(names_.Qualified(name), " is no table, but a view or foreign table"));
        continue;
      }
      PlanColumns(table, wanted);
      PlanKeys(table, wanted);
    }
    plan_.rows = rows_begun || plan_.missing_since == CoreVersion{6, 0};
    if (plan_.rows) Missing({6, 0});
    for (const auto& [name, table] : stored_.tables) PlanForeignKeys(*TheWantedSchema().Find(name));
    PlanIndexes();
    return std::move(plan_);
  }

 private:
  void Problem(std::string text) { plan_.problems.push_back(std::move(text)); }

  void Missing(CoreVersion version) {
    plan_.missing_since = plan_.missing_since ? std::min(*plan_.missing_since, version) : version;
  }

  bool Has(std::string_view table) const { return stored_.tables.contains(table); }
  bool Has(std::string_view table, std::string_view column) const {
    const auto it = stored_.tables.find(table);
    return it != stored_.tables.end() && it->second.columns.contains(column);
  }
  std::string Quoted(std::string_view table) const { return StrCat("{", table, "}"); }

  void FindVersion() {
    if (Has("session_info", "use_static_key")) plan_.found = kOldestCore;
    for (const TableStep& step : TableSteps()) {
      if (Has(step.table)) plan_.found = std::max(plan_.found, step.version);
    }
    for (const ColumnStep& step : ColumnSteps()) {
      if (Has(step.table, step.column) && step.version > CoreVersion{6, 0}) {
        plan_.found = std::max(plan_.found, step.version);
      }
    }
    // All that 8.0 did is drop a key.
    if (plan_.found == CoreVersion{7, 0} && Retired("user_roles", {8, 0}).empty()) {
      plan_.found = {8, 0};
    }
    if (Has("session_info", "use_static_key")) return;
    if (!Has("session_info")) {
      if (Has("all_auth_recipe_users") && !Has("all_auth_recipe_users", "app_id")) {
        Problem(StrCat("there are tables of a core before 6.0, but no ",
                       names_.Qualified("session_info"), " among them"));
      }
      return;
    }
    std::string which = "a core before 3.8";
    for (const TableStep& mark : OldMarks()) {
      if (!Has(mark.table)) continue;
      which = StrCat("a core before 5.0 (", VersionText(mark.version), " or later)");
      break;
    }
    Problem(StrCat("the tables are those of ", which, "; core ", VersionText(kOldestCore),
                   " is the oldest that is taken over"));
  }

  void PlanColumns(const StoredTable& table, const WantedTable& wanted) {
    std::string changes;
    const auto change = [&](std::string text) {
      changes += (changes.empty() ? "" : ", ") + std::move(text);
    };
    std::set<std::string> in_key;
    for (const WantedKey& key : wanted.keys) {
      if (key.primary) in_key = SetOf(key.columns);
    }
    for (const WantedColumn& column : wanted.columns) {
      const auto it = table.columns.find(column.name);
      const ColumnStep* step = FindColumnStep(wanted.name, column.name);
      if (it == table.columns.end()) {
        if (step == nullptr) {
          Problem(StrCat("the table ", names_.Qualified(wanted.name), " has no column ",
                         column.name, ", which every core's has; is it somebody else's?"));
          continue;
        }
        change(StrCat("ADD COLUMN IF NOT EXISTS ", column.name, " ", step->definition));
        if (step->needed) Missing(step->version);
        if (column.name == kPrimaryId) plan_.primary_ids.push_back(wanted.name);
        continue;
      }
      const StoredColumn& stored = it->second;
      if (const int width = WidthOf(stored.type); width > 0 && width < WidthOf(column.type)) {
        change(StrCat("ALTER COLUMN ", column.name, " TYPE ", column.type));
        plan_.retyped.push_back(StrCat(wanted.name, ".", column.name));
      }
      if (stored.not_null && !column.not_null && !in_key.contains(column.name) && step == nullptr) {
        change(StrCat("ALTER COLUMN ", column.name, " DROP NOT NULL"));
      }
      if (step == nullptr || stored.default_value.empty()) continue;
      if (column.name == kPrimaryId) {
        plan_.primary_ids.push_back(wanted.name);
        Missing(step->version);
      } else if (!step->keeps_default) {
        change(StrCat("ALTER COLUMN ", column.name, " DROP DEFAULT"));
      }
    }
    if (!changes.empty()) {
      plan_.columns.push_back(StrCat("ALTER TABLE ", Quoted(wanted.name), " ", changes));
    }
    // A default that only fills old rows is dropped afterwards.
    std::string dropped;
    for (const ColumnStep& step : ColumnSteps()) {
      if (step.table != wanted.name || step.keeps_default || Has(step.table, step.column)) continue;
      dropped += StrCat(dropped.empty() ? "" : ", ", "ALTER COLUMN ", step.column, " DROP DEFAULT");
    }
    if (!dropped.empty()) {
      plan_.columns.push_back(StrCat("ALTER TABLE ", Quoted(wanted.name), " ", dropped));
    }
  }

  bool HasKey(std::string_view table, const std::vector<std::string>& columns, bool primary) const {
    const std::string full = FullName(names_, table);
    for (const StoredConstraint& constraint : stored_.constraints) {
      if (constraint.table == full &&
          (constraint.kind == 'p' || (constraint.kind == 'u' && !primary)) &&
          SetOf(constraint.columns) == SetOf(columns)) {
        return true;
      }
    }
    return !primary && FindUniqueIndex(table, columns) != nullptr;
  }

  const std::string* FindUniqueIndex(std::string_view table,
                                     const std::vector<std::string>& columns) const {
    const std::string full = FullName(names_, table);
    for (const auto& [name, index] : stored_.indexes) {
      if (index.table == full && index.valid && index.plain_unique && !index.constraint &&
          index.columns == columns) {
        return &name;
      }
    }
    return nullptr;
  }

  // The constraints of `table` that a version up to `newest` dropped.
  std::vector<const StoredConstraint*> Retired(std::string_view table, CoreVersion newest) {
    std::vector<const StoredConstraint*> found;
    for (const RetiredKey& retired : RetiredKeys()) {
      if (retired.table != table || retired.version > newest) continue;
      const bool foreign = !retired.referenced.empty();
      for (const StoredConstraint& constraint : stored_.constraints) {
        if (constraint.table == FullName(names_, table) &&
            constraint.kind == (foreign ? 'f' : 'u') &&
            Join(constraint.columns) == retired.columns &&
            (!foreign || constraint.referenced == FullName(names_, retired.referenced))) {
          found.push_back(&constraint);
        }
      }
    }
    return found;
  }

  // Whether an existing key, on some of `columns`, rules out duplicate rows.
  bool IsProven(std::string_view table, const std::vector<std::string>& columns) const {
    const std::set<std::string> wanted = SetOf(columns);
    for (const StoredConstraint& constraint : stored_.constraints) {
      if (constraint.kind != 'f' && constraint.table == FullName(names_, table) &&
          std::all_of(constraint.columns.begin(), constraint.columns.end(),
                      [&](const std::string& column) { return wanted.contains(column); })) {
        return true;
      }
    }
    return false;
  }

  // Names a unique index on `columns`, which the plan creates if there is none.
  std::string UniqueIndex(const WantedTable& wanted, const std::vector<std::string>& columns,
                          int number) {
    if (const std::string* found = FindUniqueIndex(wanted.name, columns)) return *found;
    std::string name = StrCat(names_.Bare(wanted.name), "_new_key", std::to_string(number))
                           .substr(0, kMaxIdentifier);
    if (stored_.indexes.contains(name)) plan_.leftover_indexes.push_back(name);
    if (!IsProven(wanted.name, columns)) {
      std::vector<std::string> stored;  // the others are the same in all rows
      for (const std::string& column : columns) {
        if (Has(wanted.name, column)) stored.push_back(column);
      }
      plan_.unproven.emplace_back(wanted.name, std::move(stored));
    }
    plan_.unique_indexes.push_back(
        StrCat(name, " ON ", Quoted(wanted.name), " (", Join(columns), ")"));
    return name;
  }

  CoreVersion VersionOf(const WantedTable& wanted, const WantedKey& key) const {
    for (const std::string& column : key.columns) {
      const ColumnStep* step = FindColumnStep(wanted.name, column);
      if (step != nullptr) return step->version;
    }
    return FirstVersion(wanted.name);
  }

  void PlanKeys(const StoredTable& table, const WantedTable& wanted) {
    std::vector<std::string> foreign, changes;
    const auto drop = [&](const StoredConstraint& constraint) {
      (constraint.kind == 'f' ? foreign : changes)
          .push_back(StrCat("DROP CONSTRAINT \"", constraint.name, "\""));
      plan_.dropped.push_back({wanted.name, constraint.name});
    };
    for (const StoredConstraint* constraint : Retired(wanted.name, kNewestCore)) {
      drop(*constraint);
      // The unique ones are 5.0's, and would keep a tenant from having what another has.
      if (constraint->kind == 'u') Missing({6, 0});
    }
    int number = 0;
    for (const WantedKey& key : wanted.keys) {
      ++number;
      if (HasKey(wanted.name, key.columns, key.primary)) continue;
      Missing(VersionOf(wanted, key));
      if (table.kind == 'p') {
        Problem(StrCat("the table ", names_.Qualified(wanted.name),
                       " is partitioned, so that its key can't be changed"));
        continue;
      }
      for (const StoredConstraint& constraint : stored_.constraints) {
        if (key.primary && constraint.kind == 'p' &&
            constraint.table == FullName(names_, wanted.name)) {
          drop(constraint);
        }
      }
      changes.push_back(StrCat("ADD CONSTRAINT ", key.name,
                               key.primary ? " PRIMARY KEY" : " UNIQUE", " USING INDEX ",
                               UniqueIndex(wanted, key.columns, number)));
    }
    const std::string alter = StrCat("ALTER TABLE ", Quoted(wanted.name), " ");
    // First of all, everything that depends on another table's key.
    if (!foreign.empty()) plan_.keys.insert(plan_.keys.begin(), alter + Join(foreign));
    if (!changes.empty()) plan_.keys.push_back(alter + Join(changes));
  }

  // The key may be one that this plan creates.
  bool CanReferTo(const WantedForeignKey& key) const {
    if (!Has(key.table)) return false;
    for (const WantedKey& own : TheWantedSchema().Find(key.table)->keys) {
      if (SetOf(own.columns) == SetOf(key.table_columns)) return true;
    }
    return false;
  }

  void PlanForeignKeys(const WantedTable& wanted) {
    const std::string full = FullName(names_, wanted.name);
    for (const WantedForeignKey& key : wanted.foreign_keys) {
      std::string replaced;
      bool have = false;
      for (const StoredConstraint& constraint : stored_.constraints) {
        if (constraint.table != full || constraint.kind != 'f' ||
            constraint.columns != key.columns ||
            constraint.referenced != FullName(names_, key.table)) {
          continue;
        }
        if (key.cascades_updates && !constraint.cascades_updates) {
          replaced += StrCat("DROP CONSTRAINT \"", constraint.name, "\", ");
          continue;
        }
        have = true;
        if (!constraint.validated) {
          plan_.validations.push_back(StrCat("ALTER TABLE ", Quoted(wanted.name),
                                             " VALIDATE CONSTRAINT \"", constraint.name, "\""));
        }
      }
      if (have || !CanReferTo(key)) continue;
      plan_.foreign_keys.push_back(StrCat("ALTER TABLE ", Quoted(wanted.name), " ", replaced,
                                          "ADD CONSTRAINT ", key.name, " ", key.sql, " NOT VALID"));
    }
  }

  void PlanIndexes() {
    std::set<std::string> gone;
    for (const RetiredIndex& retired : RetiredIndexes()) {
      const auto it = stored_.indexes.find(retired.name);
      if (it == stored_.indexes.end() || it->second.table != FullName(names_, retired.table)) {
        continue;
      }
      if (!retired.columns.empty() && Join(it->second.columns) != retired.columns) continue;
      gone.emplace(retired.name);
      plan_.old_indexes.emplace_back(retired.name);
    }
    for (const WantedIndex& index : TheWantedSchema().indexes) {
      if (!Has(index.table)) continue;
      const auto it = stored_.indexes.find(index.name);
      if (it != stored_.indexes.end() && !gone.contains(index.name)) {
        if (it->second.valid || it->second.table != FullName(names_, index.table)) continue;
        plan_.old_indexes.push_back(index.name);  // left by an interrupted build
      }
      if (stored_.tables.find(index.table)->second.kind == 'p') continue;
      plan_.indexes.push_back(index.sql);
    }
  }

  const StoredSchema& stored_;
  const TableNames& names_;
  UpgradePlan plan_;
};

}  // namespace

bool UpgradePlan::HasSteps() const {
  return rows ||
         !(columns.empty() && unique_indexes.empty() && keys.empty() && primary_ids.empty() &&
           foreign_keys.empty() && validations.empty() && old_indexes.empty() && indexes.empty());
}

std::string VersionText(CoreVersion version) {
  return StrCat(std::to_string(version.major), ".", std::to_string(version.minor));
}

UpgradePlan PlanUpgrade(const StoredSchema& stored, const TableNames& names, bool rows_begun) {
  return Planner(stored, names).Plan(rows_begun);
}

}  // namespace gatehouse::db

#pragma once

// What each core version changed in the tables of the one before: facts of the original's format,
// from its changelogs and scripts. Tables and indexes that a version only adds need no step here:
// the migrations create them.

#include <string_view>
#include <vector>

namespace gatehouse::db {

// A core version whose tables differ from those before. Compare with <.
struct CoreVersion {
  int major = 0;
  int minor = 0;
  auto operator<=>(const CoreVersion&) const = default;
};

inline constexpr CoreVersion kOldestCore = {5, 0};     // that `gatehouse migrate` takes over
inline constexpr CoreVersion kRegistryCore = {12, 0};  // the first with today's registry of users
inline constexpr CoreVersion kNewestCore = {12, 1};

// The first core that created a table, for tables since 6.0; the others are older.
struct TableStep {
  CoreVersion version;
  std::string_view table;  // a base name
};
const std::vector<TableStep>& TableSteps();

// A column that a version added to an existing table.
struct ColumnStep {
  CoreVersion version;
  std::string_view table;
  std::string_view column;
  std::string_view definition;  // after the column's name, with the value that old rows get
  bool keeps_default = true;    // of new rows
  bool needed = true;           // before anything can be served
};
const std::vector<ColumnStep>& ColumnSteps();

// A foreign key or unique constraint that a version dropped. Operators' own are left alone.
struct RetiredKey {
  CoreVersion version;
  std::string_view table;
  std::string_view columns;     // with commas
  std::string_view referenced;  // a base name; empty: a unique constraint
};
const std::vector<RetiredKey>& RetiredKeys();

// An index that a version dropped, or recreated on other columns under the same name.
struct RetiredIndex {
  CoreVersion version;
  std::string_view name;
  std::string_view table;
  std::string_view columns;  // as they were, with commas; empty: any
};
const std::vector<RetiredIndex>& RetiredIndexes();

// Marks that distinguish cores before 5.0, the newest first: the version that introduced the table.
// Without any of them a database is older than 3.10.
const std::vector<TableStep>& OldMarks();

}  // namespace gatehouse::db

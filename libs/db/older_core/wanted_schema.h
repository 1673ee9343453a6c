#pragma once

// The tables that the original and Gatehouse share, as this build's migrations create them: read
// from the migrations' own text, so that the two can't differ.

#include <string>
#include <string_view>
#include <vector>

namespace gatehouse::db {

struct WantedColumn {
  std::string name;
  std::string type;       // as written: "VARCHAR(64)"
  bool not_null = false;  // a primary key's columns are, even so
};

struct WantedForeignKey {
  std::string name;  // with placeholders, as all names here: "{~roles}_app_id_fkey"
  std::vector<std::string> columns;
  std::string table;  // that it refers to; a base name
  std::vector<std::string> table_columns;
  bool cascades_updates = false;
  std::string sql;  // "FOREIGN KEY (…) REFERENCES … ON DELETE CASCADE"
};

struct WantedKey {
  std::string name;
  bool primary = false;
  std::vector<std::string> columns;
};

struct WantedTable {
  std::string name;  // the base name
  std::vector<WantedColumn> columns;
  std::vector<WantedKey> keys;
  std::vector<WantedForeignKey> foreign_keys;
};

struct WantedIndex {
  std::string name;
  std::string table;  // a base name
  std::string sql;    // what follows "CREATE INDEX IF NOT EXISTS "
};

struct WantedSchema {
  std::vector<WantedTable> tables;
  std::vector<WantedIndex> indexes;

  const WantedTable* Find(std::string_view base_name) const;
};

// Without the tables that only Gatehouse has (gatehouse_…), which no other core creates.
const WantedSchema& TheWantedSchema();

}  // namespace gatehouse::db

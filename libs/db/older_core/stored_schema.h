#pragma once

// What the catalogs say about the tables that the configuration names.

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/db/database.h"

namespace gatehouse::db {

struct StoredColumn {
  std::string type;  // as PostgreSQL writes it: "character varying(64)"
  bool not_null = false;
  std::string default_value;  // an expression; empty: none
};

struct StoredConstraint {
  std::string name;
  char kind = 0;                     // 'p', 'u', 'f'
  std::string table;                 // "schema.name"
  std::vector<std::string> columns;  // in order
  // Of a foreign key:
  std::string referenced;  // "schema.name"
  std::vector<std::string> referenced_columns;
  bool cascades_updates = false;
  bool validated = true;
};

struct StoredIndex {
  std::string table;  // "schema.name"
  bool valid = false;
  bool constraint = false;           // of a primary key or unique constraint
  bool plain_unique = false;         // unique, on the whole table, of columns alone
  std::vector<std::string> columns;  // or expressions
};

struct StoredTable {
  char kind = 0;  // pg_class.relkind: 'r' is an ordinary table, 'p' a partitioned one
  std::string owner;
  bool ours_to_change = false;  // the connection's role is the owner, or has the owner's rights
  std::map<std::string, StoredColumn, std::less<>> columns;
};

struct StoredSchema {
  std::map<std::string, StoredTable, std::less<>> tables;   // by base name; existing ones
  std::vector<StoredConstraint> constraints;                // of these tables, or on them
  std::map<std::string, StoredIndex, std::less<>> indexes;  // in the schema, by name
};

// "schema.name" of a table, as StoredConstraint has it.
std::string FullName(const TableNames& names, std::string_view base_name);

// Reads the catalogs alone: needs no rights on the tables, and costs four statements. They must see
// one snapshot, since others may be creating tables: `transaction` is REPEATABLE READ.
absl::StatusOr<StoredSchema> ReadStoredSchema(Transaction& transaction, const TableNames& names);

}  // namespace gatehouse::db

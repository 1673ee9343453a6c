#include "libs/db/older_core/stored_schema.h"

#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/db/older_core/wanted_schema.h"

namespace gatehouse::db {
namespace {

// In all statements: $1 the schema, $2 the tables' names in it.
constexpr Statement kTables = {
    "older_core_tables",
    "SELECT c.relname, c.relkind, pg_get_userbyid(c.relowner), pg_has_role(c.relowner, 'USAGE') "
    "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    "WHERE n.nspname = $1 AND c.relname = ANY($2) AND c.relkind IN ('r', 'p', 'v', 'm', 'f')"};

constexpr Statement kColumns = {
    "older_core_columns",
    "SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, "
    "COALESCE(pg_get_expr(d.adbin, d.adrelid), '') "
    "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped "
    "LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum "
    "WHERE n.nspname = $1 AND c.relname = ANY($2) AND c.relkind IN ('r', 'p', 'v', 'm', 'f')"};

#define GATEHOUSE_COLUMN_NAMES_SQL(relation, numbers)                                \
  "COALESCE((SELECT string_agg(a.attname, ',' ORDER BY p.at) FROM unnest(" numbers   \
  ") WITH ORDINALITY AS p(number, at) JOIN pg_attribute a ON a.attrelid = " relation \
  " AND a.attnum = p.number), '')"

constexpr Statement kConstraints = {
    "older_core_constraints",
    "WITH named AS MATERIALIZED (SELECT c.oid FROM pg_class c JOIN pg_namespace n "
    "  ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = ANY($2)) "
    "SELECT k.conname, k.contype, tn.nspname || '.' || t.relname, "
    GATEHOUSE_COLUMN_NAMES_SQL("k.conrelid", "k.conkey") ", "
    "COALESCE(rn.nspname || '.' || r.relname, ''), "
    GATEHOUSE_COLUMN_NAMES_SQL("k.confrelid", "k.confkey") ", "
    "k.confupdtype = 'c', k.convalidated "
    "FROM pg_constraint k JOIN pg_class t ON t.oid = k.conrelid "
    "JOIN pg_namespace tn ON tn.oid = t.relnamespace "
    "LEFT JOIN pg_class r ON r.oid = k.confrelid "
    "LEFT JOIN pg_namespace rn ON rn.oid = r.relnamespace "
    "WHERE k.contype IN ('p', 'u', 'f') AND k.conparentid = 0 "
    "AND (k.conrelid IN (SELECT oid FROM named) OR k.confrelid IN (SELECT oid FROM named))"};

constexpr Statement kIndexes = {
    "older_core_indexes",
    "SELECT c.relname, n.nspname || '.' || t.relname, i.indisvalid, "
    "EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = i.indexrelid "
    "  AND k.contype IN ('p', 'u', 'x')), "
    "i.indisunique AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL "
    "  AND i.indnatts = i.indnkeyatts, "
    "(SELECT string_agg(pg_get_indexdef(i.indexrelid, k, true), ',' ORDER BY k) "
    "  FROM generate_series(1, i.indnkeyatts) k) "
    "FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
    "JOIN pg_class t ON t.oid = i.indrelid "
    "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1"};

std::vector<std::string> Names(std::string_view joined) {
  std::vector<std::string> names;
  while (!joined.empty()) {
    const size_t comma = joined.find(',');
    names.emplace_back(joined.substr(0, comma));
    joined = comma == std::string_view::npos ? "" : joined.substr(comma + 1);
  }
  return names;
}

}  // namespace

std::string FullName(const TableNames& names, std::string_view base_name) {
  return StrCat(names.schema(), ".", names.Bare(base_name));
}

absl::StatusOr<StoredSchema> ReadStoredSchema(Transaction& transaction, const TableNames& names) {
  TextArray bare;
  std::map<std::string, std::string, std::less<>> base_names;
  for (const WantedTable& table : TheWantedSchema().tables) {
    bare.values.push_back(names.Bare(table.name));
    base_names.emplace(bare.values.back(), table.name);
  }
  const Params params = {names.schema(), bare};
  ASSIGN_OR_RETURN(const Result tables, transaction.Execute(kTables, params));
  ASSIGN_OR_RETURN(const Result columns, transaction.Execute(kColumns, params));
  ASSIGN_OR_RETURN(const Result constraints, transaction.Execute(kConstraints, params));
  ASSIGN_OR_RETURN(const Result indexes, transaction.Execute(kIndexes, {names.schema()}));
  StoredSchema stored;
  for (const Row row : tables) {
    StoredTable& table = stored.tables[base_names.find(row.Text(0))->second];
    table.kind = row.Text(1).front();
    table.owner = std::string(row.Text(2));
    table.ours_to_change = row.Bool(3);
  }
  for (const Row row : columns) {
    StoredTable& table = stored.tables[base_names.find(row.Text(0))->second];
    table.columns[std::string(row.Text(1))] = {std::string(row.Text(2)), row.Bool(3),
                                               std::string(row.Text(4))};
  }
  for (const Row row : constraints) {
    stored.constraints.push_back({std::string(row.Text(0)), row.Text(1).front(),
                                  std::string(row.Text(2)), Names(row.Text(3)),
                                  std::string(row.Text(4)), Names(row.Text(5)), row.Bool(6),
                                  row.Bool(7)});
  }
  for (const Row row : indexes) {
    stored.indexes[std::string(row.Text(0))] = {std::string(row.Text(1)), row.Bool(2), row.Bool(3),
                                                row.Bool(4), Names(row.Text(5))};
  }
  return stored;
}

}  // namespace gatehouse::db

#include "libs/db/older_core/wanted_schema.h"

#include <algorithm>

#include "libs/base/strings.h"
#include "libs/db/migrations.h"

namespace gatehouse::db {
namespace {

constexpr std::string_view kCreateTable = "CREATE TABLE IF NOT EXISTS {";
constexpr std::string_view kCreateIndex = "CREATE INDEX IF NOT EXISTS ";

std::string_view Trim(std::string_view text) {
  const size_t first = text.find_first_not_of(" \n");
  if (first == std::string_view::npos) return "";
  return text.substr(first, text.find_last_not_of(" \n") - first + 1);
}

// One blank wherever there is white space.
std::string OneLine(std::string_view text) {
  std::string line;
  for (const char c : Trim(text)) {
    if (c != ' ' && c != '\n') {
      line += c;
    } else if (line.back() != ' ') {
      line += ' ';
    }
  }
  return line;
}

std::vector<std::string> Split(std::string_view text) {
  std::vector<std::string> parts;
  size_t begin = 0;
  int depth = 0;
  for (size_t i = 0; i <= text.size(); ++i) {
    if (i == text.size() || (text[i] == ',' && depth == 0)) {
      parts.emplace_back(Trim(text.substr(begin, i - begin)));
      begin = i + 1;
    } else if (text[i] == '(') {
      ++depth;
    } else if (text[i] == ')') {
      --depth;
    }
  }
  return parts;
}

// The list in the first parentheses at or after `at`, which moves behind them.
std::vector<std::string> ListIn(std::string_view text, size_t& at) {
  const size_t open = text.find('(', at);
  const size_t close = text.find(')', open);
  at = close + 1;
  return Split(text.substr(open + 1, close - open - 1));
}

void AddConstraint(const std::string& text, WantedTable& table) {
  // "CONSTRAINT name PRIMARY KEY (…)", "… UNIQUE (…)", "… FOREIGN KEY (…) REFERENCES {…} (…) …"
  size_t at = text.find(' ') + 1;
  const size_t end = text.find(' ', at);
  const std::string name = text.substr(at, end - at);
  const std::string rest = text.substr(end + 1);
  at = 0;
  if (!rest.starts_with("FOREIGN KEY")) {
    table.keys.push_back({name, rest.starts_with("PRIMARY"), ListIn(rest, at)});
    return;
  }
  WantedForeignKey key;
  key.name = name;
  key.columns = ListIn(rest, at);
  const size_t open = rest.find('{', at);
  key.table = rest.substr(open + 1, rest.find('}', open) - open - 1);
  key.table_columns = ListIn(rest, at);
  key.cascades_updates = rest.find("ON UPDATE CASCADE", at) != std::string::npos;
  key.sql = rest;
  table.foreign_keys.push_back(std::move(key));
}

WantedTable ReadTable(std::string_view name, std::string_view body) {
  WantedTable table;
  table.name = std::string(name);
  for (const std::string& part : Split(body)) {
    const std::string entry = OneLine(part);
    if (entry.starts_with("CONSTRAINT ")) {
      AddConstraint(entry, table);
      continue;
    }
    const size_t blank = entry.find(' ');
    const std::string type = entry.substr(blank + 1);
    const bool not_null =
        type.find("NOT NULL") != std::string::npos || type.find("IDENTITY") != std::string::npos;
    table.columns.push_back({entry.substr(0, blank), type.substr(0, type.find(' ')), not_null});
  }
  return table;
}

void Read(std::string_view script, WantedSchema& schema) {
  for (size_t at = script.find(kCreateTable); at != std::string_view::npos;
       at = script.find(kCreateTable, at + 1)) {
    const std::string_view rest = script.substr(at + kCreateTable.size());
    const size_t close = rest.find('}');
    const std::string_view name = rest.substr(0, close);
    // A partition has no columns of its own.
    if (name.starts_with("gatehouse_") || !rest.substr(close).starts_with("} (\n")) continue;
    schema.tables.push_back(
        ReadTable(name, rest.substr(close + 4, rest.find("\n)", close) - close - 4)));
  }
  for (size_t at = script.find(kCreateIndex); at != std::string_view::npos;
       at = script.find(kCreateIndex, at + 1)) {
    std::string_view sql = script.substr(at + kCreateIndex.size());
    sql = sql.substr(0, sql.find(";\n"));
    const size_t open = sql.find("ON {") + 4;
    const std::string_view table = sql.substr(open, sql.find('}', open) - open);
    if (table.starts_with("gatehouse_")) continue;
    schema.indexes.push_back({std::string(sql.substr(0, sql.find_first_of(" \n"))),
                              std::string(table), std::string(sql)});
  }
}

}  // namespace

const WantedTable* WantedSchema::Find(std::string_view base_name) const {
  const auto it = std::find_if(tables.begin(), tables.end(),
                               [&](const WantedTable& table) { return table.name == base_name; });
  return it == tables.end() ? nullptr : &*it;
}

const WantedSchema& TheWantedSchema() {
  static const WantedSchema* const schema = [] {
    auto* read = new WantedSchema;
    for (const Migration& migration : EmbeddedMigrations()) Read(migration.sql, *read);
    return read;
  }();
  return *schema;
}

}  // namespace gatehouse::db

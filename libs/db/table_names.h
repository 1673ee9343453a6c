#pragma once

#include <map>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace gatehouse::db {

// Where a connection finds the tables when the configuration names no schema: a role's search_path
// may not lead to `public`.
struct Placement {
  std::string schema;    // empty, or no plain identifier: as configured
  bool qualify = false;  // whether names without a schema would lead to another one
};

// How the configuration names tables: [schema.] + [prefix_] + base name, or a custom name, which
// replaces everything but the schema. Immutable, so thread-safe. Names are folded to lower case, as
// the server does with unquoted identifiers.
class TableNames {
 public:
  // Schema `public`, no prefix.
  TableNames() = default;

  // `custom` maps base names (`session_info`) to whole names. Bad input when a part is no plain
  // identifier: the parts go into SQL text, and tenants may configure them.
  static absl::StatusOr<TableNames> Create(std::string_view schema, std::string_view prefix,
                                           std::map<std::string, std::string> custom = {});

  const std::string& schema() const { return schema_; }
  // With the schema unless that is `public`: `st.pre_session_info`.
  std::string Qualified(std::string_view base) const;
  // Without schema: `pre_session_info`. Constraint names start with it; index names never do.
  std::string Bare(std::string_view base) const;
  // Replaces `{table}`, `{~table}` and `{schema}` in SQL text; see Statement.
  std::string Expand(std::string_view sql) const { return Expand(sql, Placement()); }
  std::string Expand(std::string_view sql, const Placement& placement) const;

 private:
  std::string schema_ = "public";
  std::string prefix_;
  std::map<std::string, std::string> custom_;
};

}  // namespace gatehouse::db

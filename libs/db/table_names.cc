#include "libs/db/table_names.h"

#include <algorithm>

#include "libs/base/status.h"

namespace gatehouse::db {
namespace {

// PostgreSQL cuts identifiers off after this many bytes.
constexpr size_t kMaxIdentifier = 63;

bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsNameCharacter(char c) { return IsLower(c) || IsDigit(c) || c == '_'; }

std::string Fold(std::string_view name) {
  std::string folded(name);
  for (char& c : folded) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return folded;
}

bool IsIdentifier(std::string_view name) {
  return !name.empty() && name.size() <= kMaxIdentifier && !IsDigit(name.front()) &&
         std::all_of(name.begin(), name.end(), IsNameCharacter);
}

}  // namespace

absl::StatusOr<TableNames> TableNames::Create(std::string_view schema, std::string_view prefix,
                                              std::map<std::string, std::string> custom) {
  TableNames names;
  if (!schema.empty()) names.schema_ = Fold(schema);
  if (!IsIdentifier(names.schema_)) {
    return BadInput("The table schema's name may hold letters, digits and underscores only");
  }
  if (!prefix.empty()) {
    names.prefix_ = Fold(prefix);
    if (!IsIdentifier(names.prefix_)) {
      return BadInput("The table names prefix may hold letters, digits and underscores only");
    }
  }
  for (const auto& [base, name] : custom) {
    std::string folded = Fold(name);
    if (!IsIdentifier(folded)) {
      return BadInput("A custom table name may hold letters, digits and underscores only");
    }
    names.custom_.emplace(base, std::move(folded));
  }
  return names;
}

std::string TableNames::Bare(std::string_view base) const {
  if (const auto it = custom_.find(std::string(base)); it != custom_.end()) return it->second;
  std::string name;
  if (!prefix_.empty()) name = prefix_ + "_";
  name += base;
  return name;
}

std::string TableNames::Qualified(std::string_view base) const {
  return schema_ == "public" ? Bare(base) : schema_ + "." + Bare(base);
}

std::string TableNames::Expand(std::string_view sql, const Placement& placement) const {
  const bool placed = schema_ == "public" && IsIdentifier(placement.schema);
  const std::string& schema = placed ? placement.schema : schema_;
  const bool qualify = placed ? placement.qualify : schema_ != "public";
  std::string expanded;
  expanded.reserve(sql.size() + 64);
  size_t at = 0;
  while (at < sql.size()) {
    const size_t open = sql.find('{', at);
    if (open == std::string_view::npos) break;
    expanded.append(sql.substr(at, open - at));
    size_t end = open + 1;
    const bool bare = end < sql.size() && sql[end] == '~';
    if (bare) ++end;
    const size_t start = end;
    while (end < sql.size() && IsNameCharacter(sql[end])) ++end;
    const std::string_view name = sql.substr(start, end - start);
    if (name.empty() || end == sql.size() || sql[end] != '}') {
      expanded += '{';
      at = open + 1;
      continue;
    }
    if (name == "schema") {
      expanded += schema;
    } else {
      if (qualify && !bare) expanded += schema + ".";
      expanded += Bare(name);
    }
    at = end + 1;
  }
  if (at < sql.size()) expanded.append(sql.substr(at));
  return expanded;
}

}  // namespace gatehouse::db

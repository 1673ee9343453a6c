#include "libs/db/statement.h"

#include <charconv>

#include "libs/base/hex.h"

namespace gatehouse::db {

Params& Params::Add(std::string_view value) {
  // libpq would silently cut the text off there.
  if (value.find('\0') != std::string_view::npos) valid_ = false;
  values_.emplace_back(std::string(value));
  return *this;
}

Params& Params::Add(const TextArray& value) {
  std::string literal = "{";
  for (const std::string& element : value.values) {
    if (element.find('\0') != std::string::npos) valid_ = false;
    if (literal.size() > 1) literal += ',';
    literal += '"';
    for (const char c : element) {
      if (c == '"' || c == '\\') literal += '\\';
      literal += c;
    }
    literal += '"';
  }
  literal += '}';
  values_.emplace_back(std::move(literal));
  return *this;
}

Params& Params::Add(Bytes value) {
  values_.emplace_back("\\x" + HexEncode(value.value));
  return *this;
}

Params& Params::AddNull() {
  values_.emplace_back(std::nullopt);
  return *this;
}

Params& Params::AddInteger(int64_t value) {
  char text[24];
  const auto end = std::to_chars(text, text + sizeof(text), value).ptr;
  values_.emplace_back(std::string(text, end));
  return *this;
}

}  // namespace gatehouse::db

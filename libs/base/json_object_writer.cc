#include "libs/base/json_object_writer.h"

#include <charconv>

#include "libs/base/json.h"

namespace gatehouse::json {

void ObjectWriter::AddKey(std::string_view key) {
  out_ += first_ ? "\"" : ",\"";
  first_ = false;
  out_ += key;
  out_ += "\":";
}

void ObjectWriter::Add(std::string_view key, std::string_view text) {
  AddKey(key);
  AppendQuoted(text, out_);
}

void ObjectWriter::Add(std::string_view key, int64_t number) {
  char digits[24];
  AddJson(key, {digits, std::to_chars(digits, digits + sizeof(digits), number).ptr});
}

void ObjectWriter::AddJson(std::string_view key, std::string_view json) {
  AddKey(key);
  out_ += json;
}

}  // namespace gatehouse::json

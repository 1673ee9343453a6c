#include "libs/base/json_object_writer.h"

#include <charconv>

#include "libs/base/json.h"

namespace gatehouse::json {

void ObjectWriter::Add(const Key& key, std::string_view text) {
  AddKeyOfText(key);
  AppendEscaped(text, out_);
  out_ += '"';
}

void ObjectWriter::Add(const Key& key, int64_t number) {
  char digits[24];
  AddJson(key, {digits, std::to_chars(digits, digits + sizeof(digits), number).ptr});
}

void ObjectWriter::AddJson(const Key& key, std::string_view json) {
  AddKey(key);
  out_ += json;
}

}  // namespace gatehouse::json

#pragma once

// Objects that are written without being built first: for replies on hot paths.

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace gatehouse::json {

// Appends one object to a string, member by member, as Serialize would write it (Style::kPlain).
// The keys must differ, and hold nothing that needs an escape: they are the program's, not a
// client's. Not thread-safe.
class ObjectWriter {
 public:
  // Appends `{` to `out`, which outlives this. Nothing is closed until End.
  explicit ObjectWriter(std::string& out) : out_(out) { out_ += '{'; }
  ObjectWriter(const ObjectWriter&) = delete;
  ObjectWriter& operator=(const ObjectWriter&) = delete;

  void Add(std::string_view key, std::string_view text);
  void Add(std::string_view key, const char* text) { Add(key, std::string_view(text)); }
  void Add(std::string_view key, std::same_as<bool> auto value) {
    AddJson(key, value ? "true" : "false");
  }
  void Add(std::string_view key, int64_t number);
  // `json` is a document that Serialize wrote; it is not looked at.
  void AddJson(std::string_view key, std::string_view json);
  // A member that is an array: `append(element, std::string&)` appends each.
  template <typename Range, typename Append>
  void AddArray(std::string_view key, const Range& elements, Append append) {
    AddKey(key);
    out_ += '[';
    bool first = true;
    for (const auto& element : elements) {
      if (!first) out_ += ',';
      first = false;
      append(element, out_);
    }
    out_ += ']';
  }
  // Begins a member: its value is to be appended to what is returned.
  [[nodiscard]] std::string& AddValue(std::string_view key) {
    AddKey(key);
    return out_;
  }
  // Begins a member that is an object: its writer is to be ended before this one is used again.
  [[nodiscard]] ObjectWriter AddObject(std::string_view key) {
    AddKey(key);
    return ObjectWriter(out_);
  }
  // Appends `}`. The last call.
  void End() { out_ += '}'; }

 private:
  void AddKey(std::string_view key);

  std::string& out_;
  bool first_ = true;
};

}  // namespace gatehouse::json

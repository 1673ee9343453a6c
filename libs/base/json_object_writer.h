#pragma once

// Objects that are written without being built first: for replies on hot paths.

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace gatehouse::json {

// A member's name with what stands around it, put together by the compiler. From a literal, which
// must hold nothing that needs an escape.
class Key {
 public:
  template <size_t kSize>
  consteval Key(const char (&name)[kSize]) {  // NOLINT: implicit, so that callers write "name"
    static_assert(kSize + 4 <= sizeof(text_), "a longer key needs more room here");
    Append(',');
    Append('"');
    for (size_t i = 0; i + 1 < kSize; ++i) {
      if (name[i] < ' ' || name[i] == '"' || name[i] == '\\') throw "needs an escape";
      Append(name[i]);
    }
    Append('"');
    Append(':');
    Append('"');
  }

 private:
  friend class ObjectWriter;
  consteval void Append(char c) { text_[size_++] = c; }

  char text_[36] = {};  // ,"name":"
  unsigned char size_ = 0;
};

// Appends one object to a string, member by member, as Serialize would write it (Style::kPlain).
// The keys must differ. Not thread-safe.
class ObjectWriter {
 public:
  // Appends `{` to `out`, which outlives this. Nothing is closed until End.
  explicit ObjectWriter(std::string& out) : out_(out) { out_ += '{'; }
  ObjectWriter(const ObjectWriter&) = delete;
  ObjectWriter& operator=(const ObjectWriter&) = delete;

  void Add(const Key& key, std::string_view text);
  void Add(const Key& key, const char* text) { Add(key, std::string_view(text)); }
  void Add(const Key& key, std::same_as<bool> auto value) {
    AddJson(key, value ? "true" : "false");
  }
  void Add(const Key& key, int64_t number);
  // `json` is a document that Serialize wrote; it is not looked at.
  void AddJson(const Key& key, std::string_view json);
  // A member that is an array: `append(element, std::string&)` appends each.
  template <typename Range, typename Append>
  void AddArray(const Key& key, const Range& elements, Append append) {
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
  [[nodiscard]] std::string& AddValue(const Key& key) {
    AddKey(key);
    return out_;
  }
  // Begins a member that is an object: its writer is to be ended before this one is used again.
  [[nodiscard]] ObjectWriter AddObject(const Key& key) {
    AddKey(key);
    return ObjectWriter(out_);
  }
  // Appends `}`. The last call.
  void End() { out_ += '}'; }

 private:
  void AddKey(const Key& key) { AppendKey(key, key.size_ - 1u); }
  // Up to the quote that begins a text.
  void AddKeyOfText(const Key& key) { AppendKey(key, key.size_); }
  void AppendKey(const Key& key, size_t end) {
    const size_t comma = first_ ? 1 : 0;
    first_ = false;
    out_.append(key.text_ + comma, end - comma);
  }

  std::string& out_;
  bool first_ = true;
};

}  // namespace gatehouse::json

#include <algorithm>
#include <cctype>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "libs/base/json.h"
#include "libs/base/utf8.h"

namespace gatehouse::json {
namespace {

// Gson reads a longer number as an unquoted string, because its buffer ends there.
constexpr size_t kMaxNumberLength = 1023;

constexpr int kEnd = -1;

// The members of a document's outermost object, usually: those of a token are nine.
constexpr size_t kUsualMembers = 12;

// True for bytes that may be part of an unquoted name or string.
bool IsLiteral(unsigned char c) {
  switch (c) {
    case '/':
    case '\\':
    case ';':
    case '#':
    case '=':
    case '{':
    case '}':
    case '[':
    case ']':
    case ':':
    case ',':
    case ' ':
    case '\t':
    case '\f':
    case '\r':
    case '\n':
      return false;
    default:
      return true;
  }
}

bool IsKeyword(std::string_view text, std::string_view lower) {
  return std::equal(text.begin(), text.end(), lower.begin(), lower.end(),
                    [](char a, char b) { return (a | 0x20) == b; });
}

// Recursive descent; max_depth bounds the stack.
class Parser {
 public:
  Parser(std::string_view text, const ParseLimits& limits) : text_(text), limits_(limits) {}

  absl::StatusOr<Value> Run() {
    if (!IsValidUtf8(text_)) return absl::InvalidArgumentError("JSON text is not UTF-8");
    if (text_.starts_with("\xEF\xBB\xBF")) pos_ = 3;
    // The prefix that keeps a JSON reply from being run as a script.
    if (Peek() == ')' && text_.substr(pos_).starts_with(")]}'\n")) pos_ += 5;
    Value value;
    if (ReadValue(value, 0) && !failed_ && Peek() != kEnd) Fail("text after the document");
    if (failed_) {
      return absl::InvalidArgumentError(absl::StrCat("JSON: ", what_, " at byte ", failed_at_));
    }
    return value;
  }

 private:
  bool Fail(const char* what) {
    if (!failed_) {
      failed_ = true;
      what_ = what;
      failed_at_ = pos_;
    }
    return false;
  }

  // Skips blanks and comments; the byte at pos_, or kEnd (also after a failure).
  int Peek() {
    while (pos_ < text_.size()) {
      const unsigned char c = static_cast<unsigned char>(text_[pos_]);
      if (c > '/') return c;
      if (c == ' ' || c == '\n' || c == '\r' || c == '\t') {
        ++pos_;
      } else if (c == '#' || (c == '/' && text_.substr(pos_).starts_with("//"))) {
        pos_ = std::min(text_.find_first_of("\r\n", pos_), text_.size());
      } else if (c == '/' && text_.substr(pos_).starts_with("/*")) {
        const size_t end = text_.find("*/", pos_ + 2);
        if (end == std::string_view::npos) {
          Fail("comment without end");
          return kEnd;
        }
        pos_ = end + 2;
      } else {
        return c;
      }
    }
    return kEnd;
  }

  bool ReadValue(Value& out, size_t depth) {
    if (++values_ > limits_.max_values) return Fail("too many values");
    const int c = Peek();
    switch (c) {
      case kEnd:
        return Fail("unexpected end");
      case '{':
        if (depth >= limits_.max_depth) return Fail("nested too deeply");
        ++pos_;
        return ReadObject(out, depth + 1);
      case '[':
        if (depth >= limits_.max_depth) return Fail("nested too deeply");
        ++pos_;
        return ReadArray(out, depth + 1);
      case '"':
      case '\'': {
        std::string s;
        if (!ReadQuoted(s)) return false;
        out = Value(std::move(s));
        return true;
      }
      default:
        return ReadBare(out);
    }
  }

  bool ReadArray(Value& out, size_t depth) {
    Array elements;
    if (Peek() == ']') {
      ++pos_;
      out = Value::Array();
      return true;
    }
    while (true) {
      const int c = Peek();
      // An omitted element is null: [1,] has two elements, and so has [,].
      if (c == ',' || c == ';' || c == ']') {
        if (++values_ > limits_.max_values) return Fail("too many values");
        elements.emplace_back();
      } else if (!ReadValue(elements.emplace_back(), depth)) {
        return false;
      }
      const int separator = Peek();
      if (separator == kEnd) return Fail("array without end");
      ++pos_;
      if (separator == ']') break;
      if (separator != ',' && separator != ';') return Fail("array without end");
    }
    out = Value::Array(std::move(elements));
    return true;
  }

  bool ReadObject(Value& out, size_t depth) {
    Members members;
    if (Peek() == '}') {
      ++pos_;
    } else {
      if (depth == 1) members.Reserve(kUsualMembers);
      while (true) {
        std::string name;
        if (!ReadName(name) || !ReadColon()) return false;
        Value value;
        if (!ReadValue(value, depth)) return false;
        members.Set(std::move(name), std::move(value));
        const int separator = Peek();
        if (separator == kEnd) return Fail("object without end");
        ++pos_;
        if (separator == '}') break;
        if (separator != ',' && separator != ';') return Fail("object without end");
      }
    }
    out = Value::FromMembers(std::move(members));
    return true;
  }

  bool ReadName(std::string& out) {
    const int c = Peek();
    if (c == '"' || c == '\'') return ReadQuoted(out);
    if (c == kEnd || !IsLiteral(static_cast<unsigned char>(c))) return Fail("name expected");
    out = ReadLiteral();
    return true;
  }

  bool ReadColon() {
    const int c = Peek();
    if (c != ':' && c != '=') return Fail("':' expected");
    ++pos_;
    if (c == '=' && pos_ < text_.size() && text_[pos_] == '>') ++pos_;
    return true;
  }

  std::string_view ReadLiteral() {
    const size_t begin = pos_;
    while (pos_ < text_.size() && IsLiteral(static_cast<unsigned char>(text_[pos_]))) ++pos_;
    return text_.substr(begin, pos_ - begin);
  }

  bool ReadBare(Value& out) {
    const std::string_view literal = ReadLiteral();
    if (literal.empty()) return Fail("value expected");
    if (literal.size() <= 5) {
      if (IsKeyword(literal, "true")) return out = Value(true), true;
      if (IsKeyword(literal, "false")) return out = Value(false), true;
      if (IsKeyword(literal, "null")) return out = Value(), true;
    }
    out = IsNumber(literal) ? Value::NumberText(std::string(literal)) : Value(literal);
    return true;
  }

  // RFC 8259's grammar; near-numbers (01, .5, +1, NaN) are strings.
  static bool IsNumber(std::string_view s) {
    if (s.size() > kMaxNumberLength) return false;
    size_t i = 0;
    const auto digits = [&] {
      const size_t begin = i;
      while (i < s.size() && s[i] >= '0' && s[i] <= '9') ++i;
      return i - begin;
    };
    if (s[i] == '-') ++i;
    const size_t first = i;
    const size_t whole = digits();
    if (whole == 0 || (whole > 1 && s[first] == '0')) return false;
    if (i < s.size() && s[i] == '.') {
      ++i;
      if (digits() == 0) return false;
    }
    if (i < s.size() && (s[i] == 'e' || s[i] == 'E')) {
      ++i;
      if (i < s.size() && (s[i] == '+' || s[i] == '-')) ++i;
      if (digits() == 0) return false;
    }
    return i == s.size();
  }

  bool ReadQuoted(std::string& out) {
    const char quote = text_[pos_++];
    uint32_t high = 0;  // a high surrogate waiting for its other half
    size_t end = text_.find(quote, pos_);
    while (true) {
      // If an escape took what looked like the end: each character is looked for once.
      if (end < pos_) end = text_.find(quote, pos_);
      const size_t backslash = text_.substr(pos_, end - pos_).find('\\');
      const bool escaped = backslash != std::string_view::npos;
      if (!escaped && end == std::string_view::npos) return Fail("string without end");
      const size_t stop = escaped ? pos_ + backslash : end;
      const bool unicode = escaped && stop + 1 < text_.size() && text_[stop + 1] == 'u';
      if (high != 0 && (stop > pos_ || !unicode)) {
        out += '?';
        high = 0;
      }
      out.append(text_, pos_, stop - pos_);
      pos_ = stop + 1;
      if (!escaped) return true;
      if (!(unicode ? ReadUnicodeEscape(out, high) : ReadEscape(out))) return false;
    }
  }

  bool ReadEscape(std::string& out) {
    if (pos_ == text_.size()) return Fail("string without end");
    const char c = text_[pos_++];
    switch (c) {
      case 't':
        out += '\t';
        return true;
      case 'b':
        out += '\b';
        return true;
      case 'n':
        out += '\n';
        return true;
      case 'r':
        out += '\r';
        return true;
      case 'f':
        out += '\f';
        return true;
      case '\n':
      case '\'':
      case '"':
      case '\\':
      case '/':
        out += c;
        return true;
      default:
        return Fail("unknown escape");
    }
  }

  bool ReadUnicodeEscape(std::string& out, uint32_t& high) {
    ++pos_;
    if (text_.size() - pos_ < 4) return Fail("string without end");
    uint32_t unit = 0;
    for (int i = 0; i < 4; ++i) {
      const char c = text_[pos_++];
      if (!std::isxdigit(static_cast<unsigned char>(c))) return Fail("bad \\u escape");
      unit = unit * 16 + (c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    const bool low = unit >= 0xDC00 && unit <= 0xDFFF;
    if (high != 0 && low) {
      AppendUtf8(0x10000 + ((high - 0xD800) << 10) + (unit - 0xDC00), out);
      high = 0;
      return true;
    }
    // Half a pair has no UTF-8; Java's encoder writes a question mark for it.
    if (high != 0) out += '?';
    high = 0;
    if (unit >= 0xD800 && unit <= 0xDBFF) {
      high = unit;
    } else if (low) {
      out += '?';
    } else {
      AppendUtf8(unit, out);
    }
    return true;
  }

  const std::string_view text_;
  const ParseLimits& limits_;
  size_t pos_ = 0;
  size_t values_ = 0;
  bool failed_ = false;
  const char* what_ = "";
  size_t failed_at_ = 0;
};

}  // namespace

bool IsValidUtf8(std::string_view text) {
  constexpr uint64_t kNotAscii = 0x8080808080808080ULL;
  size_t i = 0;
  const size_t n = text.size();
  const auto at = [&](size_t k) { return static_cast<unsigned char>(text[k]); };
  while (i < n) {
    // Most text is ASCII.
    uint64_t words[4];
    while (i + sizeof(words) <= n) {
      std::memcpy(words, text.data() + i, sizeof(words));
      if (((words[0] | words[1] | words[2] | words[3]) & kNotAscii) != 0) break;
      i += sizeof(words);
    }
    while (i + 8 <= n && (std::memcpy(words, text.data() + i, 8), (words[0] & kNotAscii) == 0)) {
      i += 8;
    }
    if (i >= n) return true;
    const unsigned char c = at(i);
    if (c < 0x80) {
      ++i;
      continue;
    }
    size_t more;
    unsigned char low = 0x80, high = 0xBF;  // limits of the second byte
    if (c >= 0xC2 && c <= 0xDF) {
      more = 1;
    } else if (c >= 0xE0 && c <= 0xEF) {
      more = 2;
      if (c == 0xE0) low = 0xA0;
      if (c == 0xED) high = 0x9F;
    } else if (c >= 0xF0 && c <= 0xF4) {
      more = 3;
      if (c == 0xF0) low = 0x90;
      if (c == 0xF4) high = 0x8F;
    } else {
      return false;
    }
    if (i + more >= n) return false;
    if (at(i + 1) < low || at(i + 1) > high) return false;
    for (size_t k = 2; k <= more; ++k) {
      if ((at(i + k) & 0xC0) != 0x80) return false;
    }
    i += more + 1;
  }
  return true;
}

absl::StatusOr<Value> Parse(std::string_view text, const ParseLimits& limits) {
  return Parser(text, limits).Run();
}

}  // namespace gatehouse::json

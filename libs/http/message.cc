#include "libs/http/message.h"

#include <algorithm>

#include "libs/base/char_set.h"
#include "libs/base/json.h"
#include "libs/base/status.h"
#include "libs/base/utf8.h"

namespace gatehouse::http {

namespace {

// More parameters than any operation has; keeps look-ups by scan cheap.
constexpr size_t kMaxParameters = 1000;

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c = Lower(c);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// Appends `in` decoded; false for a bad escape.
bool PercentDecode(std::string_view in, bool plus_is_blank, std::string& out) {
  for (size_t i = 0; i < in.size(); ++i) {
    if (in[i] == '%') {
      if (i + 2 >= in.size()) return false;
      const int high = HexDigit(in[i + 1]), low = HexDigit(in[i + 2]);
      if (high < 0 || low < 0) return false;
      out += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      out += plus_is_blank && in[i] == '+' ? ' ' : in[i];
    }
  }
  return true;
}

// Whether a path means what it says: no escapes, parameters, empty or dotted segments.
bool IsPlainPath(std::string_view raw) {
  static constexpr CharSet kSpecial("%;\\");
  char before = 0;
  for (const char c : raw) {
    if (kSpecial.Contains(c) || (before == '/' && (c == '/' || c == '.'))) return false;
    before = c;
  }
  return true;
}

bool ParsePath(std::string_view raw, std::string& path) {
  if (IsPlainPath(raw)) {
    path = raw;
    return json::IsValidUtf8(path);
  }
  bool slash_at_end = false;
  while (!raw.empty()) {
    raw.remove_prefix(1);  // the slash
    const size_t end = std::min(raw.find('/'), raw.size());
    std::string segment;
    if (!PercentDecode(raw.substr(0, std::min(end, raw.find(';'))), false, segment)) return false;
    for (const char c : segment) {
      // An encoded slash would lead to another path than the one that proxies in front have
      // checked.
      if (c == '/' || c == '\\' || static_cast<unsigned char>(c) < 0x20 || c == 0x7F) return false;
    }
    raw.remove_prefix(end);
    slash_at_end = segment.empty() || segment == "." || segment == "..";
    if (segment == "..") {
      if (path.empty()) return false;
      path.resize(path.rfind('/'));
    } else if (!segment.empty() && segment != ".") {
      path += '/';
      path += segment;
    }
  }
  if (slash_at_end || path.empty()) path += '/';
  return json::IsValidUtf8(path);
}

bool ParseParameters(std::string_view raw, Parameters& parameters) {
  while (!raw.empty()) {
    const size_t end = std::min(raw.find('&'), raw.size());
    const std::string_view pair = raw.substr(0, end);
    raw.remove_prefix(std::min(end + 1, raw.size()));
    const size_t equals = std::min(pair.find('='), pair.size());
    if (equals == 0) continue;
    if (parameters.size() == kMaxParameters) return false;
    auto& [name, value] = parameters.emplace_back();
    if (!PercentDecode(pair.substr(0, equals), true, name)) return false;
    if (equals < pair.size() && !PercentDecode(pair.substr(equals + 1), true, value)) return false;
    if (!json::IsValidUtf8(name) || !json::IsValidUtf8(value)) return false;
  }
  return true;
}

std::string FromUtf16(std::string_view bytes, bool big_endian) {
  std::string out;
  out.reserve(bytes.size());
  const auto unit = [&](size_t i) -> uint32_t {
    const auto a = static_cast<unsigned char>(bytes[i]);
    const auto b = static_cast<unsigned char>(bytes[i + 1]);
    return big_endian ? a << 8 | b : b << 8 | a;
  };
  for (size_t i = 0; i + 1 < bytes.size(); i += 2) {
    const uint32_t c = unit(i);
    if (c < 0xD800 || c > 0xDFFF) {
      AppendUtf8(c, out);
      continue;
    }
    const uint32_t next = i + 3 < bytes.size() ? unit(i + 2) : 0;
    if (c < 0xDC00 && next >= 0xDC00 && next <= 0xDFFF) {
      AppendUtf8(0x10000 + ((c - 0xD800) << 10) + (next - 0xDC00), out);
      i += 2;
    } else {
      out += '?';
    }
  }
  return out;
}

std::string_view Trim(std::string_view s) {
  while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
  while (!s.empty() && (s.back() == ' ' || s.back() == '\t')) s.remove_suffix(1);
  return s;
}

// The charset parameter of a content type, without quotes; "" when there is none.
std::string_view CharsetOf(std::string_view content_type) {
  while (true) {
    const size_t semicolon = content_type.find(';');
    if (semicolon == std::string_view::npos) return "";
    content_type.remove_prefix(semicolon + 1);
    const std::string_view parameter = Trim(content_type.substr(0, content_type.find(';')));
    const size_t equals = parameter.find('=');
    if (equals == std::string_view::npos) continue;
    if (!EqualsIgnoreCase(Trim(parameter.substr(0, equals)), "charset")) continue;
    std::string_view value = Trim(parameter.substr(equals + 1));
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
      value = value.substr(1, value.size() - 2);
    }
    return value;
  }
}

}  // namespace

std::optional<std::string_view> FindParameter(const Parameters& parameters, std::string_view name) {
  for (const auto& [key, value] : parameters) {
    if (key == name) return value;
  }
  return std::nullopt;
}

absl::StatusOr<Parameters> ParseForm(std::string_view text) {
  Parameters parameters;
  if (!ParseParameters(text, parameters)) return absl::InvalidArgumentError("bad form");
  return parameters;
}

bool EqualsIgnoreCase(std::string_view a, std::string_view b) {
  // Most are written as they are looked for.
  return a == b || (a.size() == b.size() &&
                    std::equal(a.begin(), a.end(), b.begin(),
                               [](char x, char y) { return Lower(x) == Lower(y); }));
}

void Headers::Add(std::string_view name, std::string_view value) {
  if (fields_.empty()) {
    text_.reserve(512);
    fields_.reserve(12);
  }
  text_ += name;
  const auto name_end = static_cast<uint32_t>(text_.size());
  text_ += value;
  fields_.push_back(Field{name_end, static_cast<uint32_t>(text_.size())});
}

std::pair<std::string_view, std::string_view> Headers::at(size_t i) const {
  const uint32_t begin = i == 0 ? 0 : fields_[i - 1].value_end;
  const Field& f = fields_[i];
  return {{text_.data() + begin, f.name_end - begin},
          {text_.data() + f.name_end, f.value_end - f.name_end}};
}

std::optional<std::string_view> Headers::Find(std::string_view name) const {
  uint32_t begin = 0;
  for (const auto& [name_end, value_end] : fields_) {
    if (name_end - begin == name.size() &&
        EqualsIgnoreCase({text_.data() + begin, name.size()}, name)) {
      return std::string_view(text_.data() + name_end, value_end - name_end);
    }
    begin = value_end;
  }
  return std::nullopt;
}

absl::StatusOr<Target> ParseTarget(std::string_view raw) {
  Target target;
  if (raw == "*") {
    target.path = "*";
    return target;
  }
  raw = raw.substr(0, raw.find('#'));
  if (!raw.starts_with('/')) {
    const size_t scheme = raw.find("://");
    if (scheme == std::string_view::npos || (!EqualsIgnoreCase(raw.substr(0, scheme), "http") &&
                                             !EqualsIgnoreCase(raw.substr(0, scheme), "https"))) {
      return absl::InvalidArgumentError("bad request target");
    }
    raw.remove_prefix(scheme + 3);
    target.authority = raw.substr(0, raw.find_first_of("/?"));
    raw.remove_prefix(target.authority.size());
  }
  const size_t question = std::min(raw.find('?'), raw.size());
  const std::string_view path = question == 0 ? "/" : raw.substr(0, question);
  if (!ParsePath(path, target.path)) return absl::InvalidArgumentError("bad path");
  if (question < raw.size() && !ParseParameters(raw.substr(question + 1), target.query)) {
    return absl::InvalidArgumentError("bad query");
  }
  return target;
}

absl::StatusOr<std::string> DecodeBody(std::string_view content_type, std::string body) {
  const std::string_view charset = CharsetOf(content_type);
  if (charset.empty() || EqualsIgnoreCase(charset, "utf-8") || EqualsIgnoreCase(charset, "utf8") ||
      EqualsIgnoreCase(charset, "us-ascii")) {
    if (!json::IsValidUtf8(body)) return BadInput("Request body is not valid UTF-8");
    return body;
  }
  if (EqualsIgnoreCase(charset, "iso-8859-1") || EqualsIgnoreCase(charset, "latin1")) {
    std::string out;
    out.reserve(body.size());
    for (const char c : body) AppendUtf8(static_cast<unsigned char>(c), out);
    return out;
  }
  const bool little = EqualsIgnoreCase(charset, "utf-16le");
  if (!little && !EqualsIgnoreCase(charset, "utf-16") && !EqualsIgnoreCase(charset, "utf-16be")) {
    return BadInput("Unsupported charset in Content-Type");
  }
  if (body.size() % 2 != 0) return BadInput("Request body is not valid UTF-16");
  std::string_view bytes = body;
  bool big_endian = !little;
  if (EqualsIgnoreCase(charset, "utf-16") && bytes.size() >= 2) {
    if (bytes.starts_with("\xFF\xFE")) big_endian = false;
    if (bytes.starts_with("\xFF\xFE") || bytes.starts_with("\xFE\xFF")) bytes.remove_prefix(2);
  }
  return FromUtf16(bytes, big_endian);
}

std::string_view StatusText(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 204:
      return "No Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 402:
      return "Payment Required";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 413:
      return "Content Too Large";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "";
  }
}

Response ErrorPage(int status) {
  const std::string title = std::to_string(status) + " " + std::string(StatusText(status));
  return Response{.status = status,
                  .content_type = "text/html;charset=utf-8",
                  .body = "<!doctype html><html lang=\"en\"><head><title>" + title +
                          "</title></head><body><h1>" + title + "</h1></body></html>"};
}

}  // namespace gatehouse::http

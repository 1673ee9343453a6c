#include "libs/http/reply_format.h"

#include <algorithm>
#include <charconv>

#include "libs/base/char_set.h"
#include "libs/base/strings.h"

namespace gatehouse::http {
namespace {

// A header that would split the reply is a bug of ours; it is safest to leave it out.
bool SafeHeader(std::string_view s) {
  static constexpr CharSet kEndsOfLines(std::string_view("\r\n\0", 3));
  return !kEndsOfLines.ContainsAnyOf(s);
}

// A page that is meant to be one says itself what it may do.
bool HasOwnPolicy(const Response& response) {
  return std::any_of(response.headers.begin(), response.headers.end(), [](const auto& header) {
    return EqualsIgnoreCase(header.first, "Content-Security-Policy");
  });
}

// The decimal digits of a number.
class Digits {
 public:
  explicit Digits(size_t n) : end_(std::to_chars(text_, text_ + sizeof(text_), n).ptr) {}
  operator std::string_view() const { return {text_, static_cast<size_t>(end_ - text_)}; }

 private:
  char text_[24];
  const char* end_;
};

}  // namespace

void AppendReply(const Response& response, const ReplyFraming& framing, std::string_view date,
                 std::string& out) {
  const int status = response.status < 100 || response.status > 999 ? 500 : response.status;
  const bool no_body = status == 204 || status == 304;
  const std::string_view body = framing.head || no_body ? std::string_view() : response.body;
  // SDKs expect this content type; so the page that it names may do nothing.
  const bool is_page = response.content_type.starts_with("text/") && !HasOwnPolicy(response);
  const bool has_type = !response.content_type.empty() && SafeHeader(response.content_type);
  const std::string_view type = has_type ? response.content_type : std::string_view();
  const Digits bytes(response.body.size());
  const std::string_view length = no_body ? std::string_view() : bytes;
  const std::string_view connection = framing.close    ? "\r\nConnection: close"
                                      : framing.http10 ? "\r\nConnection: keep-alive"
                                                       : "";
  constexpr size_t kUsualHeader = 400;
  out.reserve(out.size() + kUsualHeader + body.size());
  StrAppend(out, "HTTP/1.1 ", Digits(status), " ", StatusText(status),
            has_type ? "\r\nContent-Type: " : "", type,
            no_body ? "" : "\r\nContent-Length: ", length,
            "\r\nDate: ", date, "\r\nX-Content-Type-Options: nosniff",
            is_page ? "\r\nContent-Security-Policy: default-src 'none'; sandbox" : "", connection);
  for (const auto& [name, value] : response.headers) {
    if (!SafeHeader(name) || !SafeHeader(value)) continue;
    StrAppend(out, "\r\n", name, ": ", value);
  }
  out += "\r\n\r\n";
  out += body;
}

Response PlainError(int status) {
  Response r{.status = status, .content_type = "text/html;charset=UTF-8"};
  r.body = std::string(StatusText(status)) + "\n";
  if (status == 503) r.headers.emplace_back("Retry-After", "1");
  return r;
}

}  // namespace gatehouse::http

#include "libs/http/reply_format.h"

#include <algorithm>
#include <charconv>

namespace gatehouse::http {
namespace {

// A header that would split the reply is a bug of ours; it is safest to leave it out.
bool SafeHeader(std::string_view s) {
  return s.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

// A page that is meant to be one says itself what it may do.
bool HasOwnPolicy(const Response& response) {
  return std::any_of(response.headers.begin(), response.headers.end(), [](const auto& header) {
    return EqualsIgnoreCase(header.first, "Content-Security-Policy");
  });
}

void AppendNumber(size_t n, std::string& out) {
  char digits[24];
  out.append(digits, std::to_chars(digits, digits + sizeof(digits), n).ptr);
}

}  // namespace

void AppendReply(const Response& response, const ReplyFraming& framing, std::string_view date,
                 std::string& out) {
  const int status = response.status < 100 || response.status > 999 ? 500 : response.status;
  out += "HTTP/1.1 ";
  AppendNumber(status, out);
  out += ' ';
  out += StatusText(status);
  if (!response.content_type.empty() && SafeHeader(response.content_type)) {
    out += "\r\nContent-Type: ";
    out += response.content_type;
  }
  const bool no_body = status == 204 || status == 304;
  if (!no_body) {
    out += "\r\nContent-Length: ";
    AppendNumber(response.body.size(), out);
  }
  out += "\r\nDate: ";
  out += date;
  out += "\r\nX-Content-Type-Options: nosniff";
  // SDKs expect this content type; so the page that it names may do nothing.
  if (response.content_type.starts_with("text/") && !HasOwnPolicy(response)) {
    out += "\r\nContent-Security-Policy: default-src 'none'; sandbox";
  }
  if (framing.close) {
    out += "\r\nConnection: close";
  } else if (framing.http10) {
    out += "\r\nConnection: keep-alive";
  }
  for (const auto& [name, value] : response.headers) {
    if (!SafeHeader(name) || !SafeHeader(value)) continue;
    out += "\r\n";
    out += name;
    out += ": ";
    out += value;
  }
  out += "\r\n\r\n";
  if (!framing.head && !no_body) out += response.body;
}

Response PlainError(int status) {
  Response r{.status = status, .content_type = "text/html;charset=UTF-8"};
  r.body = std::string(StatusText(status)) + "\n";
  if (status == 503) r.headers.emplace_back("Retry-After", "1");
  return r;
}

}  // namespace gatehouse::http

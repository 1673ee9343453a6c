#include "gateway/api/reply.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"

namespace gatehouse::gateway {
namespace {

// RFC 9110's token.
bool IsToken(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

// RFC 6265's cookie-octet: printable, without blank, quote, comma, semicolon and backslash.
bool IsCookieValue(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return c > 0x20 && c < 0x7F && std::string_view("\",;\\").find(c) == std::string_view::npos;
  });
}

bool IsCookiePath(std::string_view text) {
  return text.starts_with('/') && std::all_of(text.begin(), text.end(), [](char c) {
           return c >= 0x20 && c < 0x7F && c != ';';
         });
}

bool IsUri(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
           std::string_view("-._~:/?#[]@!$&'()*+,;=%").find(c) != std::string_view::npos;
  });
}

std::string_view NameOf(Cookie::SameSite same_site) {
  switch (same_site) {
    case Cookie::SameSite::kStrict:
      return "Strict";
    case Cookie::SameSite::kNone:
      return "None";
    case Cookie::SameSite::kLax:
      break;
  }
  return "Lax";
}

}  // namespace

absl::Status Reply::SetCookie(const Cookie& cookie) {
  if (!IsToken(cookie.name) || !IsCookieValue(cookie.value) || !IsCookiePath(cookie.path)) {
    return MakeError(ErrorReason::kInternal, "a cookie that can't be written");
  }
  std::string text = StrCat(cookie.name, "=", cookie.value, "; Path=", cookie.path);
  if (cookie.max_age.has_value()) {
    text += "; Max-Age=" + std::to_string(absl::ToInt64Seconds(*cookie.max_age));
  }
  if (cookie.secure) text += "; Secure";
  if (cookie.http_only) text += "; HttpOnly";
  text += StrCat("; SameSite=", NameOf(cookie.same_site));
  headers.emplace_back("Set-Cookie", std::move(text));
  return absl::OkStatus();
}

Reply JsonReply(const json::Value& value) {
  Reply reply;
  reply.body.reserve(Reply::kUsualBytes);
  json::SerializeTo(value, reply.body);
  return reply;
}

Reply StatusReply(std::string_view status) {
  return JsonReply(json::Value::Object({{"status", status}}));
}

Reply TextReply(int status, std::string_view text) {
  Reply reply;
  reply.status = status;
  reply.kind = Reply::Kind::kText;
  reply.body = std::string(text);
  return reply;
}

Reply RawReply(std::string_view content_type, std::string body) {
  Reply reply;
  reply.kind = Reply::Kind::kRaw;
  reply.content_type = std::string(content_type);
  reply.body = std::move(body);
  return reply;
}

absl::StatusOr<Reply> RedirectReply(int status, std::string_view location) {
  if (!IsUri(location)) return BadInput("The address to redirect to is not a URI");
  Reply reply = RawReply("", "");
  reply.status = status;
  reply.headers.emplace_back("Location", std::string(location));
  return reply;
}

}  // namespace gatehouse::gateway

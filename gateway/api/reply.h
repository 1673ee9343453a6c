#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/base/json.h"
#include "libs/base/json_object_writer.h"
#include "libs/http/message.h"

namespace gatehouse::gateway {

// A cookie to set (RFC 6265). Browsers send it for the path and below; scripts can't read it.
struct Cookie {
  std::string name;
  std::string value;
  std::string path = "/";
  std::optional<absl::Duration> max_age;  // absent: until the browser ends; zero: remove it
  bool secure = true;
  bool http_only = true;
  enum class SameSite { kLax, kStrict, kNone } same_site = SameSite::kLax;
};

// The reply of a route handler.
struct Reply {
  // kJson and kText are the original's replies: the gateway adds their content type and a final
  // newline. A kRaw reply is sent byte for byte, with the content type it names.
  enum class Kind { kJson, kText, kRaw };
  // Most bodies are no longer.
  static constexpr size_t kUsualBytes = 512;
  int status = 200;
  Kind kind = Kind::kJson;
  std::string body;
  std::string content_type;  // of kRaw; empty: none is sent
  http::ResponseHeaders headers;

  // kInternal, and no cookie, when a part of it can't be written in a cookie: encode input from
  // clients first.
  absl::Status SetCookie(const Cookie& cookie);
};

Reply JsonReply(const json::Value& value);
// An object of about `bytes` that `write(json::ObjectWriter&)` writes, for hot paths.
template <typename Write>
Reply ObjectReply(Write write, size_t bytes = Reply::kUsualBytes) {
  Reply reply;
  reply.body.reserve(bytes);
  json::ObjectWriter writer(reply.body);
  write(writer);
  writer.End();
  return reply;
}
// {"status":"<status>"}
Reply StatusReply(std::string_view status);
Reply TextReply(int status, std::string_view text);
Reply RawReply(std::string_view content_type, std::string body);
// Redirects the browser, with status 302, 303, 307 or 308 and an empty body. BAD_INPUT when
// `location` has characters that a URI can't have (RFC 3986): it may come from a client, and could
// end the header.
absl::StatusOr<Reply> RedirectReply(int status, std::string_view location);

}  // namespace gatehouse::gateway

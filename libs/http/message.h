#pragma once

// HTTP requests and replies as the gateway handles them, and the decoding of their parts.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/statusor.h"

namespace gatehouse::http {

// Names and values of a query or a form, decoded, in order.
using Parameters = std::vector<std::pair<std::string, std::string>>;

// The first value of a name, or nullopt.
std::optional<std::string_view> FindParameter(const Parameters& parameters, std::string_view name);

// Reads application/x-www-form-urlencoded. INVALID_ARGUMENT: bad escapes, text that is not UTF-8,
// or more than 1000 parameters.
absl::StatusOr<Parameters> ParseForm(std::string_view text);

// Header fields in order. All text lives in one block, so a request's header costs two allocations
// however many fields it has.
class Headers {
 public:
  void Add(std::string_view name, std::string_view value);
  // The first value; names match in any case.
  std::optional<std::string_view> Find(std::string_view name) const;
  size_t size() const { return fields_.size(); }
  // Name and value of the i-th field, as sent.
  std::pair<std::string_view, std::string_view> at(size_t i) const;

 private:
  struct Field {
    uint32_t name_end;
    uint32_t value_end;
  };
  std::string text_;
  std::vector<Field> fields_;
};

// A request without its body, which Responder::ReadBody delivers.
struct Request {
  std::string method;  // as sent: "GET"
  std::string target;  // as sent
  // Percent-decoded, path parameters dropped, `//`, `/./` and `/../` resolved; case kept.
  std::string path;
  Parameters query;
  Headers headers;
  std::string remote_address;  // of the peer, without port; IPv4 in its dotted form
  std::chrono::steady_clock::time_point received;  // when its header was complete
};

// Names and values. Most replies have one of their own.
using ResponseHeaders = absl::InlinedVector<std::pair<std::string, std::string>, 1>;

struct Response {
  int status = 200;
  std::string content_type;  // left out of the reply when empty
  std::string body;
  ResponseHeaders headers;
  bool close = false;  // close the connection after this reply
};

// ASCII letters match in either case.
bool EqualsIgnoreCase(std::string_view a, std::string_view b);

// The parts of a request target.
struct Target {
  std::string authority;  // of an absolute form: "host:80"
  std::string path;
  Parameters query;
};

// Reads a target in origin or absolute (http, https) form, or `*`. Errors (INVALID_ARGUMENT): bad
// escapes, an encoded slash or control character, a path that climbs above the root, text that is
// not UTF-8.
absl::StatusOr<Target> ParseTarget(std::string_view target);

// The body as UTF-8, by the charset of `content_type`: utf-8 (also when none is named), iso-8859-1,
// us-ascii, utf-16, utf-16le, utf-16be. BAD_INPUT for another charset or for bytes that are not in
// it. Half a surrogate pair in UTF-16 becomes `?`.
absl::StatusOr<std::string> DecodeBody(std::string_view content_type, std::string body);

// "Not Found" for 404; "" for a status without a name here.
std::string_view StatusText(int status);

// A small HTML page, as servlet containers answer requests that no application sees (a bad path, a
// denied address).
Response ErrorPage(int status);

}  // namespace gatehouse::http

// Requests as bytes from the network: read in one piece and in many, they mean the same.

#include <boost/beast/http/error.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "libs/base/json.h"
#include "libs/http/body_budget.h"
#include "libs/http/message.h"
#include "libs/http/request_parser.h"
#include "tests/fuzz/check.h"

namespace gatehouse::http {
namespace {

struct Outcome {
  bool failed = false;
  bool header = false;  // its header came whole
  bool done = false;
  std::string text;  // method, target, fields and body
  size_t rest = 0;   // bytes behind the request
};

// Reads as a connection does: what the parser does not take yet is shown to it again, with more.
Outcome Read(std::string_view bytes, size_t piece) {
  ServerOptions options;
  options.max_header_bytes = 2048;
  options.max_body_bytes = 4096;
  BodyBudget budget(1 << 20, 64);
  RequestParser parser(options);
  Outcome outcome;
  std::string in;
  size_t fed = 0;
  while (!outcome.failed && !outcome.done) {
    bool stuck = in.empty();
    while (!in.empty()) {
      boost::beast::error_code ec;
      const size_t n = parser.Read(in, ec);
      FUZZ_CHECK(n <= in.size());
      in.erase(0, n);
      if (ec && ec != boost::beast::http::error::need_more) {
        outcome.failed = true;
        break;
      }
      if (!outcome.header && parser.is_header_done()) {
        outcome.header = true;
        parser.TakeBody(BodyBudget::Charge(budget, "peer", "app", /*may_be_free=*/true));
        if (!parser.is_done()) continue;
      }
      if (parser.is_done()) {
        outcome.done = true;
        break;
      }
      if (ec || n == 0) {
        stuck = true;
        break;
      }
    }
    if (outcome.failed || outcome.done) break;
    if (fed == bytes.size() && (stuck || in.empty())) break;
    const std::string_view more = bytes.substr(fed, piece);
    in.append(more);
    fed += more.size();
  }
  outcome.rest = in.size() + bytes.size() - fed;
  outcome.text = parser.request.method + " " + parser.request.target;
  for (size_t i = 0; i < parser.request.headers.size(); ++i) {
    const auto [name, value] = parser.request.headers.at(i);
    outcome.text.append("\n").append(name).append(":").append(value);
  }
  outcome.text += "\n\n" + parser.body;
  FUZZ_CHECK(parser.body.size() <= options.max_body_bytes);
  return outcome;
}

void CheckRequest(std::string_view bytes, size_t piece) {
  const Outcome whole = Read(bytes, bytes.size() + 1);
  const Outcome pieces = Read(bytes, piece);
  if (whole.failed && !pieces.failed) {
    // Beast judges what comes first at once, and what comes later when the header seems to end.
    FUZZ_CHECK(!pieces.header);
    const std::string ended = std::string(bytes) + "\r\n\r\n        \r\n\r\n";
    FUZZ_CHECK(Read(ended, piece).failed);
    return;
  }
  FUZZ_CHECK(whole.failed == pieces.failed);
  FUZZ_CHECK(whole.done == pieces.done);
  if (whole.done) {
    FUZZ_CHECK(whole.text == pieces.text);
    FUZZ_CHECK(whole.rest == pieces.rest);
  }
}

void CheckTarget(std::string_view text) {
  const auto target = ParseTarget(text);
  if (!target.ok()) return;
  FUZZ_CHECK(json::IsValidUtf8(target->path));
  if (target->path != "*") FUZZ_CHECK(target->path.starts_with('/'));
  FUZZ_CHECK(("/" + target->path + "/").find("/../") == std::string::npos);
}

void CheckBody(std::string_view bytes) {
  for (const std::string_view charset :
       {"", "utf-8", "iso-8859-1", "us-ascii", "utf-16", "utf-16le", "utf-16be"}) {
    const auto text =
        DecodeBody("application/json; charset=" + std::string(charset), std::string(bytes));
    if (text.ok()) FUZZ_CHECK(json::IsValidUtf8(*text));
  }
  (void)DecodeBody(bytes, "{}").ok();
}

}  // namespace
}  // namespace gatehouse::http

// The first byte says how large the pieces are.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  gatehouse::http::CheckRequest(bytes, 1 + data[0] % 64);
  gatehouse::http::CheckTarget(bytes);
  gatehouse::http::CheckBody(bytes);
  return 0;
}

#include "libs/http/request_parser.h"

#include <algorithm>

namespace gatehouse::http {

namespace bhttp = boost::beast::http;

namespace {
// A length that a client announces is only believed this far ahead of its bytes.
constexpr std::uint64_t kMaxReserve = 64 * 1024;
}  // namespace

RequestParser::RequestParser(const std::shared_ptr<Shared>& shared) : charge(shared) {
  header_limit(static_cast<std::uint32_t>(shared->options.max_header_bytes));
  body_limit(shared->options.max_body_bytes);
}

void RequestParser::on_request_impl(bhttp::verb, string_view method, string_view target,
                                    int http_version, error_code&) {
  version = http_version;
  request.method.assign(method.data(), method.size());
  request.target.assign(target.data(), target.size());
}

void RequestParser::on_field_impl(bhttp::field name, string_view name_text, string_view value,
                                  error_code&) {
  // Trailers come after the header was judged; they must not add to it.
  if (header_done_) return;
  if (name == bhttp::field::host) ++hosts_;
  if (name == bhttp::field::expect && boost::beast::iequals(value, "100-continue")) {
    expects_continue = true;
  }
  request.headers.Add(std::string_view(name_text.data(), name_text.size()),
                      std::string_view(value.data(), value.size()));
}

void RequestParser::on_header_impl(error_code& ec) {
  header_done_ = true;
  // RFC 9112 3.2: two hosts are an attack, and 1.1 without one is an error.
  if (hosts_ > 1 || (hosts_ == 0 && version >= 11)) ec = bhttp::error::bad_field;
}

void RequestParser::on_body_init_impl(const boost::optional<std::uint64_t>& length, error_code&) {
  if (length) request.body.reserve(std::min(*length, kMaxReserve));
}

std::size_t RequestParser::on_body_impl(string_view body, error_code& ec) {
  if (!charge.Add(static_cast<int64_t>(body.size()))) {
    over_budget = true;
    ec = bhttp::error::body_limit;
    return 0;
  }
  request.body.append(body.data(), body.size());
  return body.size();
}

}  // namespace gatehouse::http

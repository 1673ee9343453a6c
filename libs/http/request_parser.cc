#include "libs/http/request_parser.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <functional>

#include "libs/base/char_set.h"

namespace gatehouse::http {

namespace bhttp = boost::beast::http;

namespace {

// Memory for an announced length is reserved at most this far ahead of the bytes.
constexpr std::uint64_t kMaxReserve = 64 * 1024;

bool AllDigits(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// Whether this is a host, with or without a port (RFC 3986). Proxies disagree about a list, a path,
// or a user before the host.
bool IsHost(std::string_view text) {
  static constexpr CharSet kOfOtherParts(",/\\?#@\"<>^`{|}");
  return std::all_of(text.begin(), text.end(), [](char c) {
    return c > 0x20 && c < 0x7F && !kOfOtherParts.Contains(c);
  });
}

}  // namespace

RequestParser::RequestParser(const ServerOptions& options) {
  header_limit(static_cast<std::uint32_t>(options.max_header_bytes));
  body_limit(options.max_body_bytes);
}

std::size_t RequestParser::Read(std::string_view bytes, boost::beast::error_code& ec) {
  input_ = bytes;
  return put(boost::asio::buffer(bytes.data(), bytes.size()), ec);
}

void RequestParser::TakeBody(BodyBudget::Charge body_charge) {
  charge.emplace(std::move(body_charge));
}

void RequestParser::DropBody() {
  dropping_ = true;
  charge.reset();
  body = std::string();
}

void RequestParser::on_request_impl(bhttp::verb, string_view method, string_view target,
                                    int http_version, error_code&) {
  version = http_version;
  request.method.assign(method.data(), method.size());
  request.target.assign(target.data(), target.size());
}

// Whether the value spans several lines. Beast joins such lines, outside the input buffer if the
// first one was not empty.
bool RequestParser::Folded(string_view name, string_view value) const {
  const char* const name_end = name.data() + name.size();
  const char* const input_end = input_.data() + input_.size();
  if (std::less<>()(value.data(), name_end) || std::less<>()(input_end, value.data())) return true;
  return std::find(name_end, value.data(), '\r') != value.data();
}

void RequestParser::on_field_impl(bhttp::field name, string_view name_text, string_view value,
                                  error_code&) {
  // Trailers come after the header was checked; they must not add to it.
  if (header_done_) return;
  const std::string_view text(value.data(), value.size());
  bad_field_ |= Folded(name_text, value);
  switch (name) {
    case bhttp::field::host:
      ++hosts_;
      bad_field_ |= !IsHost(text);
      break;
    case bhttp::field::content_length:
      ++lengths_;
      bad_field_ |= !AllDigits(text);
      break;
    case bhttp::field::transfer_encoding:
      ++codings_;
      chunked_ = boost::beast::iequals(value, "chunked");
      break;
    case bhttp::field::expect:
      if (boost::beast::iequals(value, "100-continue")) expects_continue = true;
      break;
    default:
      break;
  }
  request.headers.Add(std::string_view(name_text.data(), name_text.size()), text);
}

// Beast treats an unknown coding as none, and a length that is given twice as one.
void RequestParser::on_header_impl(error_code& ec) {
  header_done_ = true;
  if (version < 11) expects_continue = false;
  // RFC 9112 3.2: two hosts are an attack, and 1.1 without one is an error.
  bool bad = bad_field_ || hosts_ > 1 || (hosts_ == 0 && version >= 11);
  // RFC 9112 6.1 to 6.3: a length and a coding, or either of them twice, or a coding in 1.0.
  bad |= lengths_ + codings_ > 1 || (codings_ > 0 && version < 11);
  if (!bad && codings_ == 1 && !chunked_) refusal = 501;
  if (bad || refusal != 400) ec = bhttp::error::bad_field;
}

void RequestParser::on_body_init_impl(const boost::optional<std::uint64_t>& length, error_code&) {
  if (length && !dropping_) body.reserve(std::min(*length, kMaxReserve));
}

void RequestParser::on_chunk_header_impl(std::uint64_t, string_view extensions, error_code& ec) {
  // Beast looks for CR LF only: other readers would end the line at a bare LF.
  if (extensions.find_first_of("\n\0", 0, 2) != string_view::npos) {
    ec = bhttp::error::bad_chunk_extension;
  }
}

std::size_t RequestParser::on_body_impl(string_view bytes, error_code& ec) {
  if (dropping_) return bytes.size();
  if (!charge || !charge->Add(static_cast<int64_t>(bytes.size()))) {
    over_budget = true;
    ec = bhttp::error::body_limit;
    return 0;
  }
  body.append(bytes.data(), bytes.size());
  return bytes.size();
}

}  // namespace gatehouse::http

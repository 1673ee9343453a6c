#pragma once

// Internal to libs/http: reads one request from bytes as they come.

#include <boost/beast/http/basic_parser.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "libs/http/body_budget.h"
#include "libs/http/event_loop.h"

namespace gatehouse::http {

// Writes straight into a Request, with none of Beast's message containers in between. The header
// first; the body only after TakeBody or DropBody.
//
// Stricter than Beast: anything that two readers of a request could understand differently is
// refused, since one of them may be a proxy in front, and the rest of a request that is read in two
// ways becomes somebody else's request.
class RequestParser : public boost::beast::http::basic_parser<true> {
 public:
  explicit RequestParser(const ServerOptions& options);

  // Parses from the front of `bytes`; returns how many were consumed. Stops after the header.
  std::size_t Read(std::string_view bytes, boost::beast::error_code& ec);

  void TakeBody(BodyBudget::Charge charge);
  // Discards it.
  void DropBody();
  bool dropping() const { return dropping_; }
  // Whether more than `bytes` of the body may be to come.
  bool MayBeLongerThan(std::uint64_t bytes) const {
    const auto rest = content_length_remaining();
    return !rest || *rest > bytes;
  }

  Request request;
  std::string body;
  std::optional<BodyBudget::Charge> charge;
  int version = 11;  // 10 or 11
  bool expects_continue = false;
  bool over_budget = false;
  int refusal = 400;  // the status for a header that on_header_impl refuses

 private:
  using string_view = boost::beast::string_view;
  using error_code = boost::beast::error_code;

  void on_request_impl(boost::beast::http::verb, string_view method, string_view target,
                       int version, error_code& ec) override;
  void on_response_impl(int, string_view, int, error_code&) override {}
  void on_field_impl(boost::beast::http::field name, string_view name_text, string_view value,
                     error_code& ec) override;
  void on_header_impl(error_code& ec) override;
  void on_body_init_impl(const boost::optional<std::uint64_t>& length, error_code& ec) override;
  std::size_t on_body_impl(string_view body, error_code& ec) override;
  void on_chunk_header_impl(std::uint64_t, string_view extensions, error_code& ec) override;
  std::size_t on_chunk_body_impl(std::uint64_t, string_view body, error_code& ec) override {
    return on_body_impl(body, ec);
  }
  void on_finish_impl(error_code&) override {}

  bool Folded(string_view name, string_view value) const;

  std::string_view input_;  // what Read works on
  bool dropping_ = false;
  bool header_done_ = false;
  int hosts_ = 0;
  int lengths_ = 0;
  int codings_ = 0;
  bool chunked_ = false;  // the only supported coding
  bool bad_field_ = false;
};

}  // namespace gatehouse::http

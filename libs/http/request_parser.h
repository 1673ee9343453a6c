#pragma once

// Internal to libs/http: reads one request from bytes as they come.

#include <boost/beast/http/basic_parser.hpp>
#include <memory>

#include "libs/http/event_loop.h"

namespace gatehouse::http {

// A share of the server-wide allowance for request bodies, given back on destruction.
class BodyCharge {
 public:
  explicit BodyCharge(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}
  BodyCharge(BodyCharge&& other) noexcept
      : shared_(std::move(other.shared_)), bytes_(std::exchange(other.bytes_, 0)) {}
  BodyCharge& operator=(BodyCharge&& other) noexcept {
    std::swap(shared_, other.shared_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~BodyCharge() {
    if (bytes_ > 0) shared_->body_bytes -= bytes_;
  }
  // False when the allowance is used up.
  bool Add(int64_t bytes) {
    if (shared_->body_bytes.fetch_add(bytes) + bytes >
        static_cast<int64_t>(shared_->options.max_total_body_bytes)) {
      shared_->body_bytes -= bytes;
      return false;
    }
    bytes_ += bytes;
    return true;
  }

 private:
  std::shared_ptr<Shared> shared_;
  int64_t bytes_ = 0;
};

// Writes straight into a Request, with none of Beast's message containers in between.
class RequestParser : public boost::beast::http::basic_parser<true> {
 public:
  explicit RequestParser(const std::shared_ptr<Shared>& shared);

  Request request;
  BodyCharge charge;
  int version = 11;  // 10 or 11
  bool expects_continue = false;
  bool over_budget = false;

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
  void on_chunk_header_impl(std::uint64_t, string_view, error_code&) override {}
  std::size_t on_chunk_body_impl(std::uint64_t, string_view body, error_code& ec) override {
    return on_body_impl(body, ec);
  }
  void on_finish_impl(error_code&) override {}

  int hosts_ = 0;
  bool header_done_ = false;
};

}  // namespace gatehouse::http

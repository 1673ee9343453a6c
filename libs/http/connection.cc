#include "libs/http/connection.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/error.hpp>
#include <charconv>

namespace gatehouse::http {

namespace asio = boost::asio;
namespace bhttp = boost::beast::http;
using boost::system::error_code;

namespace {

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

// Enough for most requests; grows to what the limits allow and shrinks when the connection rests.
constexpr size_t kFirstBuffer = 4 * 1024;
constexpr size_t kBodyBuffer = 64 * 1024;
constexpr size_t kKeptOutput = 64 * 1024;
// What a closing client may still send before it is cut off.
constexpr size_t kMaxLingerBytes = 16 * 1024 * 1024;

// A header that would split the reply is a bug of ours; leaving it out is the safe end of it.
bool SafeHeader(std::string_view s) {
  return s.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

Response PlainError(int status) {
  Response r{.status = status, .content_type = "text/html;charset=UTF-8"};
  r.body = std::string(StatusText(status)) + "\n";
  if (status == 503) r.headers.emplace_back("Retry-After", "1");
  return r;
}

void AppendNumber(size_t n, std::string& out) {
  char digits[24];
  out.append(digits, std::to_chars(digits, digits + sizeof(digits), n).ptr);
}

}  // namespace

Connection::Connection(std::shared_ptr<EventLoop> loop, asio::ip::tcp::socket socket,
                       bool turn_away)
    : loop_(std::move(loop)),
      socket_(std::move(socket)),
      wake_(loop_->io, Clock::time_point::max()),
      turn_away_(turn_away) {
  error_code ec;
  socket_.non_blocking(true, ec);
  socket_.set_option(asio::ip::tcp::no_delay(true), ec);
  asio::ip::address address = socket_.remote_endpoint(ec).address();
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    address = asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
  }
  remote_address_ = address.to_string();
}

Connection::~Connection() = default;

asio::awaitable<void> Connection::Run() {
  const std::shared_ptr<Connection> self = shared_from_this();
  co_await ReadRequests();
  Flush();
  // No further requests; what is in flight is still answered.
  while (open_ && !closing_ && !(slots_.empty() && !writing_)) co_await Wait();
  if (open_) co_await Linger();
  Close();
  loop_->connections.erase(self);
  Shared& shared = *loop_->shared;
  if (--shared.connections == 0) {
    std::lock_guard lock(shared.mutex);
    shared.none_left.notify_all();
  }
}

asio::awaitable<void> Connection::ReadRequests() {
  const ServerOptions& options = loop_->shared->options;
  while (true) {
    for (Parsed parsed = Parse(); parsed != Parsed::kMore; parsed = Parse()) {
      if (parsed == Parsed::kFailed) co_return;
      if (!MayDispatch()) Flush();
      while (open_ && !closing_ && !MayDispatch()) co_await Wait();
      if (!open_ || closing_ || last_formatted_) co_return;
      if (!Dispatch()) co_return;
    }
    Flush();
    if (!open_ || closing_ || last_formatted_) co_return;

    if (!MakeRoom()) {
      AnswerAndClose(parser_ && header_seen_ ? 400 : 431);
      co_return;
    }
    const Clock::time_point now = Clock::now();
    if (parser_) {
      read_deadline_ = message_deadline_;
    } else {
      read_deadline_ = Idle() ? now + options.idle_timeout : Clock::time_point::max();
    }
    reading_ = true;
    const auto [ec, n] = co_await socket_.async_read_some(
        asio::buffer(in_.data() + in_end_, in_.size() - in_end_), kAwait);
    reading_ = false;
    read_deadline_ = Clock::time_point::max();
    if (!open_ || closing_) co_return;
    if (timed_out_) {
      AnswerAndClose(408);
      co_return;
    }
    if (ec) {
      if (ec == asio::error::eof) {
        peer_done_ = true;
      } else {
        Close();
      }
      co_return;
    }
    in_end_ += n;
  }
}

asio::awaitable<void> Connection::Linger() {
  error_code ec;
  socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ec);
  if (ec || peer_done_) co_return;
  in_.resize(kFirstBuffer);
  read_deadline_ = Clock::now() + loop_->shared->options.linger_timeout;
  reading_ = true;
  closing_ = true;
  for (size_t total = 0; open_ && total < kMaxLingerBytes;) {
    const auto [read_ec, n] = co_await socket_.async_read_some(asio::buffer(in_), kAwait);
    if (read_ec) break;
    total += n;
  }
  reading_ = false;
}

asio::awaitable<void> Connection::Wait() { co_await wake_.async_wait(kAwait); }

// Makes room to read into; false when what is buffered has reached the limit.
bool Connection::MakeRoom() {
  const size_t header_room = loop_->shared->options.max_header_bytes + kFirstBuffer;
  if (in_begin_ == in_end_) {
    in_begin_ = in_end_ = 0;
    if (in_.size() > kFirstBuffer && !parser_) std::string().swap(in_);
  }
  const size_t wanted = parser_ && header_seen_ ? kBodyBuffer : kFirstBuffer;
  if (in_.size() < wanted) in_.resize(wanted);
  if (in_end_ < in_.size() && in_.size() - in_end_ >= kFirstBuffer / 4) return true;
  if (in_begin_ > 0) {
    std::copy(in_.begin() + in_begin_, in_.begin() + in_end_, in_.begin());
    in_end_ -= in_begin_;
    in_begin_ = 0;
  }
  const size_t most = std::max(header_room, kBodyBuffer);
  if (in_end_ == in_.size()) {
    if (in_.size() >= most) return false;
    in_.resize(std::min(in_.size() * 2, most));
  }
  return true;
}

Connection::Parsed Connection::Parse() {
  const ServerOptions& options = loop_->shared->options;
  if (!parser_) {
    // Some clients end a body with a line break that is not part of it.
    while (in_begin_ < in_end_ && (in_[in_begin_] == '\r' || in_[in_begin_] == '\n')) ++in_begin_;
    if (in_begin_ == in_end_) return Parsed::kMore;
    parser_.emplace(loop_->shared);
    header_seen_ = false;
    message_deadline_ = Clock::now() + options.header_timeout;
  }
  if (turn_away_) {
    AnswerAndClose(503);
    return Parsed::kFailed;
  }
  while (!parser_->is_done()) {
    if (in_begin_ == in_end_) return Parsed::kMore;
    error_code ec;
    const size_t n = parser_->put(asio::buffer(in_.data() + in_begin_, in_end_ - in_begin_), ec);
    in_begin_ += n;
    if (ec && ec != bhttp::error::need_more) return FailParse(ec);
    if (parser_->is_header_done() && !header_seen_) {
      header_seen_ = true;
      if (!parser_->is_done()) {
        message_deadline_ = Clock::now() + options.body_timeout;
        if (parser_->expects_continue && in_begin_ == in_end_) {
          Slot& slot = slots_.emplace_back();
          slot.ready = slot.interim = true;
        }
      }
    }
    if (ec || n == 0) {
      if (!parser_->is_done()) return Parsed::kMore;
    }
  }
  return Parsed::kRequest;
}

Connection::Parsed Connection::FailParse(const error_code& ec) {
  int status = 400;
  if (ec == bhttp::error::body_limit) {
    status = parser_->over_budget ? 503 : 413;
  } else if (ec == bhttp::error::header_limit) {
    status = 431;
  } else if (ec == bhttp::error::bad_version) {
    status = 505;
  }
  AnswerAndClose(status);
  return Parsed::kFailed;
}

bool Connection::MayDispatch() const {
  if (slots_.empty()) return true;
  if (slots_.size() >= loop_->shared->options.max_pipelined || writing_) return false;
  const std::string& method = parser_->request.method;
  return unsafe_in_flight_ == 0 && (method == "GET" || method == "HEAD");
}

bool Connection::Dispatch() {
  Slot& slot = slots_.emplace_back();
  const uint64_t id = first_id_ + slots_.size() - 1;
  Request request = std::move(parser_->request);
  const bool keep_alive = parser_->keep_alive();
  slot.keep_alive = keep_alive;
  slot.http10 = parser_->version == 10;
  slot.head = request.method == "HEAD";
  slot.safe = slot.head || request.method == "GET";
  if (!request.body.empty()) slot.charge.emplace(std::move(parser_->charge));
  parser_.reset();
  if (!slot.safe) ++unsafe_in_flight_;

  absl::StatusOr<Target> target = ParseTarget(request.target);
  if (!target.ok()) {
    slot.response = ErrorPage(400);
    slot.ready = true;
    return keep_alive;
  }
  request.path = std::move(target->path);
  request.query = std::move(target->query);
  request.remote_address = remote_address_;
  request.received = Clock::now();
  dispatching_ = true;
  try {
    loop_->shared->handler->Handle(std::move(request), Responder(shared_from_this(), id));
  } catch (...) {
    // The responder has gone with the exception and has answered 500.
  }
  dispatching_ = false;
  return keep_alive;
}

void Connection::AnswerAndClose(Response response) {
  parser_.reset();
  Slot& slot = slots_.emplace_back();
  slot.ready = true;
  slot.keep_alive = false;
  slot.response = std::move(response);
}

void Connection::AnswerAndClose(int status) { AnswerAndClose(PlainError(status)); }

void Connection::Reply(uint64_t id, Response response) {
  if (loop_->InLoop()) {
    Complete(id, std::move(response));
  } else {
    loop_->Post([self = shared_from_this(), id, response = std::move(response)]() mutable {
      self->Complete(id, std::move(response));
    });
  }
}

void Connection::Complete(uint64_t id, Response response) {
  if (!open_ || id < first_id_ || id - first_id_ >= slots_.size()) return;
  Slot& slot = slots_[id - first_id_];
  slot.response = std::move(response);
  slot.ready = true;
  if (!dispatching_) Flush();
}

void Connection::Flush() {
  if (writing_ || !open_) return;
  out_.clear();
  while (!slots_.empty() && slots_.front().ready && !last_formatted_) {
    Slot& slot = slots_.front();
    const bool last_when_draining = loop_->draining && slots_.size() == 1 && !parser_;
    last_formatted_ =
        !slot.interim && (!slot.keep_alive || slot.response.close || last_when_draining);
    Format(slot, last_formatted_);
    if (!slot.safe) --unsafe_in_flight_;
    slots_.pop_front();
    ++first_id_;
  }
  if (out_.empty()) return;
  // Most replies fit into the socket's buffer: no need to go through the loop for them.
  error_code ec;
  const size_t sent = socket_.write_some(asio::buffer(out_), ec);
  if (ec && ec != asio::error::would_block && ec != asio::error::try_again) {
    Close();
  } else if (!ec && sent == out_.size()) {
    Written();
  } else {
    writing_ = true;
    write_deadline_ = Clock::now() + loop_->shared->options.write_timeout;
    asio::async_write(socket_, asio::buffer(out_.data() + sent, out_.size() - sent),
                      [self = shared_from_this()](error_code write_ec, size_t) {
                        self->writing_ = false;
                        self->write_deadline_ = Clock::time_point::max();
                        if (write_ec) {
                          self->Close();
                          return;
                        }
                        self->Written();
                        self->Flush();
                      });
  }
}

void Connection::Written() {
  if (out_.capacity() > kKeptOutput) std::string().swap(out_);
  if (last_formatted_) {
    closing_ = true;
    slots_.clear();
    if (reading_) {
      error_code ec;
      socket_.cancel(ec);
    }
  } else if (reading_ && Idle()) {
    read_deadline_ = Clock::now() + loop_->shared->options.idle_timeout;
  }
  Wake();
}

void Connection::Format(const Slot& slot, bool close) {
  if (slot.interim) {
    out_ += "HTTP/1.1 100 Continue\r\n\r\n";
    return;
  }
  const Response& r = slot.response;
  out_ += "HTTP/1.1 ";
  AppendNumber(r.status < 100 || r.status > 999 ? 500 : r.status, out_);
  out_ += ' ';
  out_ += StatusText(r.status);
  if (!r.content_type.empty() && SafeHeader(r.content_type)) {
    out_ += "\r\nContent-Type: ";
    out_ += r.content_type;
  }
  const bool no_body = r.status == 204 || r.status == 304;
  if (!no_body) {
    out_ += "\r\nContent-Length: ";
    AppendNumber(r.body.size(), out_);
  }
  out_ += "\r\nDate: ";
  out_ += loop_->Date();
  if (close) {
    out_ += "\r\nConnection: close";
  } else if (slot.http10) {
    out_ += "\r\nConnection: keep-alive";
  }
  for (const auto& [name, value] : r.headers) {
    if (!SafeHeader(name) || !SafeHeader(value)) continue;
    out_ += "\r\n";
    out_ += name;
    out_ += ": ";
    out_ += value;
  }
  out_ += "\r\n\r\n";
  if (!slot.head && !no_body) out_ += r.body;
}

void Connection::Sweep(Clock::time_point now) {
  if (!open_) return;
  if (now > write_deadline_) {
    Close();
  } else if (reading_ && now > read_deadline_) {
    if (parser_ && !writing_ && !closing_) {
      timed_out_ = true;
      error_code ec;
      socket_.cancel(ec);
    } else {
      Close();
    }
  } else if (reading_ && loop_->draining && now > loop_->close_idle_from && Idle() && !closing_) {
    // A request that has just come is served; closing over it would lose it.
    error_code ec;
    if (socket_.available(ec) == 0) Close();
  }
}

void Connection::Close() {
  if (!open_) return;
  open_ = false;
  error_code ec;
  socket_.close(ec);
  slots_.clear();
  parser_.reset();
  Wake();
}

}  // namespace gatehouse::http

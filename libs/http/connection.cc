#include "libs/http/connection.h"

#include <algorithm>
#include <boost/asio/write.hpp>
#include <boost/beast/http/error.hpp>

#include "libs/http/reply_format.h"

namespace gatehouse::http {

namespace asio = boost::asio;
namespace bhttp = boost::beast::http;
using boost::system::error_code;

namespace {

// Enough for most requests; grows to what the limits allow and shrinks when the connection is idle.
constexpr size_t kFirstBuffer = 4 * 1024;
// Not more: a stalled upload holds it.
constexpr size_t kBodyBuffer = 16 * 1024;
constexpr size_t kKeptOutput = 64 * 1024;
// What a closing client may still send before it is cut off.
constexpr size_t kMaxLingerBytes = 16 * 1024 * 1024;
// A connection beyond a limit gets this long to send the request that is answered with 503.
constexpr std::chrono::seconds kTurnAwayTimeout{1};

}  // namespace

Connection::Connection(std::shared_ptr<EventLoop> loop, Socket socket,
                       std::string peer, bool turn_away)
    : loop_(std::move(loop)),
      socket_(std::move(socket)),
      wake_(loop_->io, Clock::time_point::max()),
      peer_(std::move(peer)),
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

Awaitable<void> Connection::Run() {
  const std::shared_ptr<Connection> self = shared_from_this();
  co_await ReadRequests();
  Flush();
  // No further requests; what is in flight is still answered.
  while (open_ && !closing_ && !(slots_.empty() && !writing_)) co_await Wait();
  const ServerOptions& options = loop_->shared->options;
  if (open_) co_await Linger(let_go_ ? options.drain_idle_grace : options.linger_timeout);
  Close();
  loop_->connections.erase(self);
  Shared& shared = *loop_->shared;
  if (turn_away_) {
    --shared.turned_away;
  } else {
    shared.limits.Leave(peer_);
  }
  if (--shared.connections == 0) {
    std::lock_guard lock(shared.mutex);
    shared.none_left.notify_all();
  }
}

Awaitable<void> Connection::ReadRequests() {
  while (true) {
    for (Parsed parsed = Parse(); parsed != Parsed::kMore; parsed = Parse()) {
      if (parsed == Parsed::kFailed) co_return;
      if (parsed == Parsed::kHeader) {
        if (!MayDispatch()) Flush();
        while (Reading() && !MayDispatch()) co_await Wait();
        if (!Reading()) co_return;
        Dispatch();
        if (body_ == Body::kUndecided) Flush();
        while (Reading() && body_ == Body::kUndecided) co_await Wait();
      } else {
        DeliverBody();
      }
      if (!Reading() || body_ == Body::kLeft) co_return;
      if (body_ == Body::kNone && !slots_.empty() && !slots_.back().keep_alive) co_return;
    }
    Flush();
    if (!Reading()) co_return;

    if (!MakeRoom()) {
      AnswerAndClose(body_ == Body::kReading ? 400 : 431);
      co_return;
    }
    read_deadline_ = ReadDeadline(now_);
    reading_ = true;
    const auto [ec, n] = co_await socket_.async_read_some(
        asio::buffer(in_.data() + in_end_, in_.size() - in_end_), kAwait);
    now_ = Clock::now();
    reading_ = false;
    read_deadline_ = Clock::time_point::max();
    if (!open_ || closing_) co_return;
    if (let_go_ && ec) co_return;
    if (timed_out_) {
      AnswerAndClose(408);
      co_return;
    }
    if (ec) {
      if (ec == asio::error::eof) {
        peer_done_ = true;
        if (body_ == Body::kReading) AnswerAndClose(400);
      } else {
        Close();
      }
      co_return;
    }
    in_end_ += n;
  }
}

Connection::Clock::time_point Connection::ReadDeadline(Clock::time_point now) const {
  if (parser_) return message_deadline_;
  if (!Idle()) return Clock::time_point::max();
  if (turn_away_) return accepted_ + kTurnAwayTimeout;
  // The longer time-out is for connection pools; a client that has sent nothing yet is none.
  const ServerOptions& options = loop_->shared->options;
  return used_ ? now + options.idle_timeout : accepted_ + options.header_timeout;
}

Awaitable<void> Connection::Linger(std::chrono::milliseconds timeout) {
  error_code ec;
  socket_.shutdown(Socket::shutdown_send, ec);
  if (ec || peer_done_) co_return;
  in_.resize(kFirstBuffer);
  read_deadline_ = Clock::now() + timeout;
  reading_ = true;
  closing_ = true;
  for (size_t total = 0; open_ && total < kMaxLingerBytes;) {
    const auto [read_ec, n] = co_await socket_.async_read_some(asio::buffer(in_), kAwait);
    if (read_ec) break;
    total += n;
  }
  reading_ = false;
}

Awaitable<void> Connection::Wait() {
  co_await wake_.async_wait(kAwait);
  now_ = Clock::now();
}

// Makes room to read into; false when the buffer has reached its limit.
bool Connection::MakeRoom() {
  const size_t header_room = loop_->shared->options.max_header_bytes + kFirstBuffer;
  if (in_begin_ == in_end_) {
    in_begin_ = in_end_ = 0;
    if (in_.size() > kFirstBuffer && !parser_) {
      in_.clear();
      in_.shrink_to_fit();
    }
  }
  const size_t wanted = body_ == Body::kReading && parser_->MayBeLongerThan(kFirstBuffer)
                            ? kBodyBuffer
                            : kFirstBuffer;
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
    parser_.emplace(options);
    message_deadline_ = now_ + options.header_timeout;
    used_ = true;
  }
  if (turn_away_) {
    AnswerAndClose(503);
    return Parsed::kFailed;
  }
  while (in_begin_ != in_end_) {
    error_code ec;
    const size_t n = parser_->Read({in_.data() + in_begin_, in_end_ - in_begin_}, ec);
    in_begin_ += n;
    if (ec && ec != bhttp::error::need_more) return FailParse(ec);
    if (body_ == Body::kNone) {
      if (parser_->is_header_done()) return Parsed::kHeader;
    } else if (parser_->is_done()) {
      return Parsed::kBody;
    }
    if (ec || n == 0) break;
  }
  return Parsed::kMore;
}

Connection::Parsed Connection::FailParse(const error_code& ec) {
  int status = 400;
  if (ec == bhttp::error::body_limit) {
    status = parser_->over_budget ? 503 : 413;
  } else if (ec == bhttp::error::header_limit) {
    status = 431;
  } else if (ec == bhttp::error::bad_version) {
    status = 505;
  } else if (ec == bhttp::error::bad_field) {
    status = parser_->refusal;
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

void Connection::Dispatch() {
  Slot& slot = slots_.emplace_back();
  const uint64_t id = first_id_ + slots_.size() - 1;
  Request request = std::move(parser_->request);
  slot.keep_alive = parser_->keep_alive();
  slot.http10 = parser_->version == 10;
  slot.head = request.method == "HEAD";
  slot.safe = slot.head || request.method == "GET";
  slot.body_to_come = !parser_->is_done();
  if (slot.body_to_come) {
    body_ = Body::kUndecided;
  } else {
    parser_.reset();
  }
  if (!slot.safe) ++unsafe_in_flight_;

  absl::StatusOr<Target> target = ParseTarget(request.target);
  // RFC 9112 3.2.2: the authority of the target counts, not the Host field. A proxy in front must
  // have checked the same host that is used here, so they may not differ.
  const bool two_hosts =
      target.ok() && !target->authority.empty() &&
      !EqualsIgnoreCase(target->authority,
                        request.headers.Find("Host").value_or(target->authority));
  dispatching_ = true;
  if (!target.ok() || two_hosts) {
    Complete(id, ErrorPage(400));
  } else {
    request.path = std::move(target->path);
    request.query = std::move(target->query);
    request.remote_address = remote_address_;
    request.received = now_;
    try {
      loop_->shared->handler->Handle(std::move(request), Responder(shared_from_this(), id));
    } catch (...) {
      // The responder was destroyed by the exception and has answered 500.
    }
  }
  dispatching_ = false;
}

void Connection::Reply(uint64_t id, Response response) {
  if (loop_->InLoop()) {
    Complete(id, std::move(response));
  } else {
    loop_->Post([self = shared_from_this(), id, response = std::move(response)]() mutable {
      self->Complete(id, std::move(response));
    });
  }
}

Connection::Slot* Connection::Find(uint64_t id) {
  if (!open_ || id < first_id_ || id - first_id_ >= slots_.size()) return nullptr;
  return &slots_[id - first_id_];
}

void Connection::Complete(uint64_t id, Response response) {
  Slot* const slot = Find(id);
  if (slot == nullptr || slot->ready) return;
  slot->response = std::move(response);
  slot->ready = true;
  if (slot->body_to_come) GiveUpBody(*slot);
  if (!dispatching_) Flush();
}

void Connection::Flush() {
  if (writing_ || !open_) return;
  out_.clear();
  while (!slots_.empty() && !last_formatted_) {
    Slot& slot = slots_.front();
    if (slot.send_continue) {
      out_ += "HTTP/1.1 100 Continue\r\n\r\n";
      slot.send_continue = false;
    }
    if (!slot.ready) break;
    const bool last_when_draining = loop_->shared->draining && slots_.size() == 1 && !MoreHasCome();
    last_formatted_ = !slot.keep_alive || slot.response.close || last_when_draining;
    AppendReply(slot.response, {.http10 = slot.http10, .head = slot.head, .close = last_formatted_},
                loop_->Date(), out_);
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
    read_deadline_ = ReadDeadline(Clock::now());
  }
  Wake();
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
  } else if (reading_ && loop_->shared->draining && now > loop_->close_idle_from && Idle() &&
             !closing_) {
    // A request that has just come is served; closing over it would lose it.
    error_code ec;
    if (socket_.available(ec) > 0) return;
    let_go_ = true;
    socket_.cancel(ec);
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

#pragma once

// Internal to libs/http: one client's connection.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "libs/http/event_loop.h"
#include "libs/http/request_parser.h"

namespace gatehouse::http {

// Reads requests in a coroutine (Run), keeps a slot for each until its reply has been written, and
// writes replies in the order of their requests, as many at once as are ready.
// Everything but Reply runs on the loop's thread.
class Connection : public ReplySink, public std::enable_shared_from_this<Connection> {
 public:
  using Clock = std::chrono::steady_clock;

  // `turn_away`: answer the first request with 503 and close.
  Connection(std::shared_ptr<EventLoop> loop, boost::asio::ip::tcp::socket socket, bool turn_away);
  ~Connection() override;

  // Serves the connection to its end, then takes it out of the loop's set.
  boost::asio::awaitable<void> Run();
  // Acts on time-outs.
  void Sweep(Clock::time_point now);
  // Closes at once.
  void Close();

  void Reply(uint64_t id, Response response) override;

 private:
  struct Slot {
    bool ready = false;
    bool keep_alive = true;
    bool http10 = false;
    bool head = false;
    bool safe = true;      // GET and HEAD, which may run beside each other
    bool interim = false;  // 100 Continue
    Response response;
    std::optional<BodyCharge> charge;
  };
  enum class Parsed { kMore, kRequest, kFailed };

  boost::asio::awaitable<void> ReadRequests();
  boost::asio::awaitable<void> Linger();
  // Sleeps until Wake.
  boost::asio::awaitable<void> Wait();
  void Wake() { wake_.cancel(); }

  Parsed Parse();
  Parsed FailParse(const boost::system::error_code& ec);
  bool MayDispatch() const;
  // Hands the parsed request to the handler. False when no request may follow it.
  bool Dispatch();
  // Queues a reply of the server's own, after which the connection closes.
  void AnswerAndClose(Response response);
  void AnswerAndClose(int status);
  void Complete(uint64_t id, Response response);
  void Flush();
  void Format(const Slot& slot, bool close);
  void Written();
  bool MakeRoom();
  bool Idle() const { return slots_.empty() && !writing_ && !parser_ && in_begin_ == in_end_; }

  // Declared first so that it outlives the socket and the timer, which belong to its io_context.
  const std::shared_ptr<EventLoop> loop_;
  boost::asio::ip::tcp::socket socket_;
  boost::asio::steady_timer wake_;
  const bool turn_away_;
  std::string remote_address_;

  std::string in_;  // bytes read and not yet parsed: [in_begin_, in_end_)
  size_t in_begin_ = 0;
  size_t in_end_ = 0;
  std::optional<RequestParser> parser_;  // set while a request is partly read
  bool header_seen_ = false;
  Clock::time_point message_deadline_;

  std::deque<Slot> slots_;
  uint64_t first_id_ = 0;  // of slots_.front()
  size_t unsafe_in_flight_ = 0;
  std::string out_;

  bool open_ = true;
  bool dispatching_ = false;  // replies made meanwhile wait for the batch's Flush
  bool reading_ = false;
  bool writing_ = false;
  bool last_formatted_ = false;  // a reply with `Connection: close` is on its way
  bool closing_ = false;         // and has been written
  bool timed_out_ = false;
  bool peer_done_ = false;  // the client has ended its side
  Clock::time_point read_deadline_ = Clock::time_point::max();
  Clock::time_point write_deadline_ = Clock::time_point::max();
};

}  // namespace gatehouse::http

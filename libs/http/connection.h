#pragma once

// Internal to libs/http: one client's connection.

#include <atomic>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "libs/http/event_loop.h"
#include "libs/http/request_parser.h"

namespace gatehouse::http {

// Reads requests in a coroutine (Run), keeps a slot for each until its reply has been written, and
// writes replies in the order of their requests, as many at once as are ready. A request goes to
// the handler when its header has arrived; its body is read when the handler asks for it.
// Everything but Reply and Wanted runs on the loop's thread.
class Connection : public ReplySink, public std::enable_shared_from_this<Connection> {
 public:
  using Clock = std::chrono::steady_clock;

  // `peer`: as returned by PeerOf. `turn_away`: answer the first request with 503 and close.
  Connection(std::shared_ptr<EventLoop> loop, Socket socket, std::string peer,
             bool turn_away);
  ~Connection() override;

  // Serves the connection to its end, then takes it out of the loop's set.
  Awaitable<void> Run();
  // Acts on time-outs.
  void Sweep(Clock::time_point now);
  // Closes at once.
  void Close();

  void Reply(uint64_t id, Response response) override;
  bool Wanted() const override { return open_; }
  void ReadBody(uint64_t id, std::string app, BodyCallback then) override;

 private:
  struct Slot {
    bool ready = false;
    bool keep_alive = true;
    bool http10 = false;
    bool head = false;
    bool safe = true;            // GET and HEAD, which may run concurrently
    bool body_to_come = false;   // then this is the last slot
    bool send_continue = false;  // 100 Continue is due
    Response response;
    BodyCallback on_body;
    std::optional<BodyBudget::Charge> charge;
  };
  enum class Parsed { kMore, kHeader, kBody, kFailed };
  // What happens to the body of the request whose header was read last.
  enum class Body {
    kNone,       // there is none to come
    kUndecided,  // the handler has not decided
    kReading,    // for the handler, or to discard it
    kLeft,       // stays unread: the connection ends after the reply
  };

  Awaitable<void> ReadRequests();
  // Ends our side and waits for the client's end, so that it can read the last reply.
  Awaitable<void> Linger(std::chrono::milliseconds timeout);
  // Sleeps until Wake.
  Awaitable<void> Wait();
  void Wake() { wake_.cancel(); }

  // Whether to keep reading: nothing has closed the connection or is about to.
  bool Reading() const { return open_ && !closing_ && !last_formatted_; }

  Parsed Parse();
  Parsed FailParse(const boost::system::error_code& ec);
  bool MayDispatch() const;
  // Hands the request whose header has arrived to the handler.
  void Dispatch();
  void StartBody(uint64_t id, std::string app, BodyCallback then);
  // The request was answered with its body unread: discards a small one, or ends the connection.
  void GiveUpBody(Slot& slot);
  void DeliverBody();
  // Answers, instead of the handler, the request that is being read; then the connection closes.
  void AnswerAndClose(int status);
  Slot* Find(uint64_t id);
  void Complete(uint64_t id, Response response);
  void Flush();
  void Written();
  bool MakeRoom();
  bool Idle() const { return slots_.empty() && !writing_ && !parser_ && in_begin_ == in_end_; }
  // Whether part of a request has arrived that has not been handed over.
  bool MoreHasCome() const { return in_begin_ != in_end_ || (parser_ && body_ == Body::kNone); }
  Clock::time_point ReadDeadline(Clock::time_point now) const;

  // Declared first so that it outlives the socket and the timer, which belong to its io_context.
  const std::shared_ptr<EventLoop> loop_;
  Socket socket_;
  Timer wake_;
  const std::string peer_;
  const bool turn_away_;
  std::string remote_address_;

  std::string in_;  // bytes read and not yet parsed: [in_begin_, in_end_)
  size_t in_begin_ = 0;
  size_t in_end_ = 0;
  std::optional<RequestParser> parser_;  // set while a request is partly read
  Body body_ = Body::kNone;
  // When ReadRequests last went on. The clock is not read for each thing that is done then.
  Clock::time_point now_ = Clock::now();
  Clock::time_point message_deadline_;
  const Clock::time_point accepted_ = now_;
  bool used_ = false;  // a request has arrived

  std::deque<Slot> slots_;
  uint64_t first_id_ = 0;  // of slots_.front()
  size_t unsafe_in_flight_ = 0;
  std::string out_;

  std::atomic<bool> open_ = true;
  bool dispatching_ = false;  // replies made meanwhile wait for the batch's Flush
  bool reading_ = false;
  bool writing_ = false;
  bool last_formatted_ = false;  // a reply with `Connection: close` is on its way
  bool closing_ = false;         // and has been written
  bool timed_out_ = false;
  bool peer_done_ = false;  // the client has ended its side
  bool let_go_ = false;     // idle when the server drained: ends without a reply
  Clock::time_point read_deadline_ = Clock::time_point::max();
  Clock::time_point write_deadline_ = Clock::time_point::max();
};

}  // namespace gatehouse::http

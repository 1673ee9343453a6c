#include "libs/db/listener.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <thread>

#include "libs/base/status.h"
#include "libs/base/steady_time.h"
#include "libs/db/error_map.h"
#include "libs/db/pool.h"

namespace gatehouse::db {
namespace {

constexpr int kFirstPauseMs = 50;
// The longest time until a server that is back is listened to again.
constexpr int kLongestPauseMs = 1000;
// If nothing is delivered: rare enough for callers that read thousands of rows each time.
constexpr int kPollEveryMs = 10000;
constexpr absl::Duration kListenTimeout = absl::Seconds(5);
constexpr size_t kMaxChannel = 63;

// A thread and its connection.
class Listener final : public Subscription {
 public:
  Listener(Pool& pool, std::string channel, std::function<void(const Notification&)> callback,
           int wake_fd)
      : pool_(pool),
        has_connection_(pool.Reserve()),
        channel_(std::move(channel)),
        callback_(std::move(callback)),
        wake_fd_(wake_fd),
        thread_([this] { Run(); }) {}

  ~Listener() override {
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(wake_fd_, &one, sizeof(one));
    thread_.join();
    ::close(wake_fd_);
  }

 private:
  void Run() {
    int pause_ms = 0;
    while (has_connection_ && !Stopping(pause_ms)) {
      bool shared = false;
      absl::Status ended = ListenUntilBroken(pause_ms, shared);
      if (shared) break;
      if (ended.ok()) return;
      LogFailure("listen", ended);
      pause_ms = std::clamp(pause_ms * 2, kFirstPauseMs, kLongestPauseMs);
    }
    // Behind a pooler nothing would be delivered, and somebody else's session would listen.
    for (int wait_ms = 0; !Stopping(wait_ms); wait_ms = kPollEveryMs) {
      callback_({channel_, "", true});
    }
  }

  // OK when asked to stop; an error when the connection is lost.
  absl::Status ListenUntilBroken(int& pause_ms, bool& shared) {
    ASSIGN_OR_RETURN(const std::unique_ptr<Connection> connection, pool_.OpenReserved(wake_fd_));
    shared = connection->shares_sessions();
    if (shared) return absl::OkStatus();
    RETURN_IF_ERROR(connection->Listen(SteadyNow() + kListenTimeout, channel_,
                                       [this](const std::string& payload) {
                                         callback_({channel_, payload, false});
                                       }));
    pause_ms = 0;
    callback_({channel_, "", true});
    for (;;) {
      RETURN_IF_ERROR(connection->Deliver());
      pollfd fds[2] = {{connection->socket(), POLLIN, 0}, {wake_fd_, POLLIN, 0}};
      if (::poll(fds, 2, -1) < 0 && errno != EINTR) return ConnectionTrouble("poll failed");
      if (fds[1].revents != 0) return absl::OkStatus();
    }
  }

  bool Stopping(int wait_ms) const {
    pollfd fd = {wake_fd_, POLLIN, 0};
    return ::poll(&fd, 1, wait_ms) > 0;
  }

  Pool& pool_;
  const bool has_connection_;
  const std::string channel_;
  const std::function<void(const Notification&)> callback_;
  const int wake_fd_;
  std::thread thread_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Subscription>> StartListener(
    Pool& pool, std::string channel, std::function<void(const Notification&)> callback) {
  if (channel.empty() || channel.size() > kMaxChannel) return Bug("a bad channel name");
  const int wake_fd = ::eventfd(0, EFD_CLOEXEC);
  if (wake_fd < 0) return Bug("no eventfd");
  return std::make_unique<Listener>(pool, std::move(channel), std::move(callback), wake_fd);
}

}  // namespace gatehouse::db

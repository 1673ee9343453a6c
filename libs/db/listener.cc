#include "libs/db/listener.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <pqxx/pqxx>
#include <thread>

#include "libs/base/status.h"
#include "libs/db/error_map.h"

namespace gatehouse::db {
namespace {

constexpr int kFirstPauseMs = 50;
constexpr int kLongestPauseMs = 5000;
constexpr size_t kMaxChannel = 63;

class Receiver final : public pqxx::notification_receiver {
 public:
  Receiver(pqxx::connection_base& connection, const std::string& channel,
           const std::function<void(const Notification&)>& callback)
      : notification_receiver(connection, channel), callback_(callback) {}

  void operator()(const std::string& payload, int) override {
    callback_({channel(), payload, false});
  }

 private:
  const std::function<void(const Notification&)>& callback_;
};

// A thread and its connection.
class Listener final : public Subscription {
 public:
  Listener(std::string conninfo, std::string channel,
           std::function<void(const Notification&)> callback, int wake_fd)
      : conninfo_(std::move(conninfo)),
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
    while (!Stopping(pause_ms)) {
      try {
        ListenUntilBroken(pause_ms);
        return;
      } catch (const std::exception& error) {
        LogFailure("listen", ConnectionTrouble(error.what()));
      }
      pause_ms = std::clamp(pause_ms * 2, kFirstPauseMs, kLongestPauseMs);
    }
  }

  // Returns when asked to stop; throws when the connection is lost.
  void ListenUntilBroken(int& pause_ms) {
    pqxx::connection connection(conninfo_);
    const pqxx::quiet_errorhandler quiet(connection);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    connection.inhibit_reactivation(true);
#pragma GCC diagnostic pop
    Receiver receiver(connection, channel_, callback_);
    pause_ms = 0;
    callback_({channel_, "", true});
    for (;;) {
      connection.get_notifs();
      pollfd fds[2] = {{connection.sock(), POLLIN, 0}, {wake_fd_, POLLIN, 0}};
      if (::poll(fds, 2, -1) < 0 && errno != EINTR) throw pqxx::broken_connection("poll failed");
      if (fds[1].revents != 0) {
        // The receiver's end sends UNLISTEN and waits for the answer: not for ours to wait for.
        ::shutdown(connection.sock(), SHUT_RDWR);
        return;
      }
      if ((fds[0].revents & (POLLERR | POLLHUP | POLLNVAL)) != 0 || !connection.is_open()) {
        throw pqxx::broken_connection("the server closed the connection");
      }
    }
  }

  bool Stopping(int wait_ms) const {
    pollfd fd = {wake_fd_, POLLIN, 0};
    return ::poll(&fd, 1, wait_ms) > 0;
  }

  const std::string conninfo_;
  const std::string channel_;
  const std::function<void(const Notification&)> callback_;
  const int wake_fd_;
  std::thread thread_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Subscription>> StartListener(
    std::string conninfo, std::string channel, std::function<void(const Notification&)> callback) {
  if (channel.empty() || channel.size() > kMaxChannel) return Bug("a bad channel name");
  const int wake_fd = ::eventfd(0, EFD_CLOEXEC);
  if (wake_fd < 0) return Bug("no eventfd");
  return std::make_unique<Listener>(std::move(conninfo), std::move(channel), std::move(callback),
                                    wake_fd);
}

}  // namespace gatehouse::db

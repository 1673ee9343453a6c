#include "libs/db/cancel_request.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <thread>

#include "libs/base/steady_time.h"

namespace gatehouse::db {
namespace {

// A server handles a request in about a millisecond. After this long it would do more harm than
// good.
constexpr absl::Duration kPatience = absl::Seconds(2);
// At a time: enough for a healthy server, and a bound on the sockets that silent ones hold.
constexpr size_t kMaxRunningPerServer = 8;
constexpr size_t kMaxRunning = 256;
// Queued requests; each belongs to a connection that is cut in a moment anyway.
constexpr size_t kMaxWaitingPerServer = 1000;
constexpr size_t kMaxWaiting = 10000;
// The code that the protocol uses in place of a version number.
constexpr uint32_t kCancelRequestCode = 80877102;

}  // namespace

CancelKey CancelKey::Of(int socket, int32_t pid, int32_t secret) {
  CancelKey key;
  socklen_t size = sizeof(key.address);
  if (::getpeername(socket, reinterpret_cast<sockaddr*>(&key.address), &size) == 0 &&
      size <= sizeof(key.address)) {
    key.address_size = size;
  }
  key.pid = pid;
  key.secret = secret;
  return key;
}

Canceller& Canceller::Get() {
  static Canceller* const canceller = new Canceller;
  return *canceller;
}

Canceller::Canceller() : wake_fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  std::thread([this] { Run(); }).detach();
}

void Canceller::Send(const CancelKey& key) {
  if (!key.known()) return;
  Request request;
  request.key = key;
  request.server.assign(reinterpret_cast<const char*>(&key.address), key.address_size);
  request.give_up = SteadyNow() + kPatience;
  {
    const std::lock_guard lock(mutex_);
    if (arriving_.size() >= kMaxWaiting) return;
    arriving_.push_back(std::move(request));
  }
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(wake_fd_, &one, sizeof(one));
}

// Starts the requests whose turn it is.
void Canceller::Begin(absl::Time now) {
  {
    const std::lock_guard lock(mutex_);
    for (Request& request : arriving_) {
      std::deque<Request>& queue = waiting_[request.server];
      if (queue.size() < kMaxWaitingPerServer) queue.push_back(std::move(request));
    }
    arriving_.clear();
  }
  std::map<std::string, size_t> busy;
  for (const Request& request : running_) ++busy[request.server];
  for (auto it = waiting_.begin(); it != waiting_.end();) {
    auto& [server, queue] = *it;
    while (!queue.empty() && now >= queue.front().give_up) queue.pop_front();
    for (size_t& count = busy[server];
         !queue.empty() && count < kMaxRunningPerServer && running_.size() < kMaxRunning;) {
      Request request = std::move(queue.front());
      queue.pop_front();
      if (!Connect(request)) continue;
      running_.push_back(std::move(request));
      ++count;
    }
    it = queue.empty() ? waiting_.erase(it) : std::next(it);
  }
}

bool Canceller::Connect(Request& request) {
  request.socket =
      ::socket(request.key.address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (request.socket < 0) return false;
  const auto* address = reinterpret_cast<const sockaddr*>(&request.key.address);
  if (::connect(request.socket, address, request.key.address_size) == 0 || errno == EINPROGRESS) {
    return true;
  }
  ::close(request.socket);
  return false;
}

// Sends the request once connected; true when nothing is left to do.
bool Canceller::Step(Request& request, short events) {
  // The server answers by closing.
  if (request.sent) return events != 0;
  if ((events & (POLLOUT | POLLERR | POLLHUP)) == 0) return false;
  const uint32_t packet[4] = {htonl(sizeof(packet)), htonl(kCancelRequestCode),
                              htonl(static_cast<uint32_t>(request.key.pid)),
                              htonl(static_cast<uint32_t>(request.key.secret))};
  // This little always fits into the buffer of a new connection.
  request.sent = ::send(request.socket, packet, sizeof(packet), MSG_NOSIGNAL) == sizeof(packet);
  return !request.sent;
}

void Canceller::Run() {
  std::vector<pollfd> fds;
  for (;;) {
    absl::Time now = SteadyNow();
    Begin(now);
    absl::Time next = absl::InfiniteFuture();
    fds.assign(1, {wake_fd_, POLLIN, 0});
    for (const Request& request : running_) {
      fds.push_back({request.socket, static_cast<short>(request.sent ? POLLIN : POLLOUT), 0});
      next = std::min(next, request.give_up);
    }
    const int timeout_ms =
        running_.empty() ? -1
                         : std::max(0, static_cast<int>(absl::ToInt64Milliseconds(next - now)) + 1);
    ::poll(fds.data(), fds.size(), timeout_ms);
    uint64_t count = 0;
    [[maybe_unused]] const ssize_t got = ::read(wake_fd_, &count, sizeof(count));
    now = SteadyNow();
    size_t kept = 0;
    for (size_t i = 0; i < running_.size(); ++i) {
      Request& request = running_[i];
      if (Step(request, fds[i + 1].revents) || now >= request.give_up) {
        ::close(request.socket);
      } else {
        if (kept != i) running_[kept] = std::move(request);
        ++kept;
      }
    }
    running_.resize(kept);
  }
}

}  // namespace gatehouse::db

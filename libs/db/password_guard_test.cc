// What a server sees that asks for a password in clear text. The real server's other methods are
// tested in tests/integration/database_credentials_test.py.

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "libs/base/status.h"
#include "libs/base/steady_time.h"
#include "libs/db/database.h"

namespace gatehouse::db {
namespace {

using std::string_literals::operator""s;

constexpr char kPassword[] = "the-password";
const std::string kNoTls = "N";
const std::string kClearText = "R\0\0\0\x08\0\0\0\x03"s;
const std::string kMd5 = "R\0\0\0\x0c\0\0\0\x05salt"s;
const std::string kNotice = "N\0\0\0\x05\0"s;

// A server that sends the same to every client, and records what it receives.
class FakeServer {
 public:
  struct Step {
    std::string bytes;
    bool one_by_one = false;
    bool then_read = false;  // waits for an answer before the next step
  };

  explicit FakeServer(std::vector<Step> steps) : steps_(std::move(steps)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof(address);
    EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), length), 0);
    EXPECT_EQ(::listen(listener_, 16), 0);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length);
    port_ = ::ntohs(address.sin_port);
    thread_ = std::thread([this] { Serve(); });
  }
  ~FakeServer() {
    done_ = true;
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }

  int port() const { return port_; }
  std::string received() {
    std::lock_guard<std::mutex> lock(mutex_);
    return received_;
  }

 private:
  void Serve() {
    while (!done_) {
      const int peer = ::accept(listener_, nullptr, nullptr);
      if (peer < 0) return;
      // The client asks for TLS and is refused; then the start packet comes.
      if (Read(peer) && Write(peer, kNoTls, false) && Read(peer)) {
        for (const Step& step : steps_) {
          if (!Write(peer, step.bytes, step.one_by_one)) break;
          if (step.then_read && !Read(peer)) break;
        }
        while (Read(peer)) {
        }
      }
      ::close(peer);
    }
  }
  bool Write(int peer, const std::string& bytes, bool one_by_one) {
    const size_t at_once = one_by_one ? 1 : bytes.size();
    for (size_t i = 0; i < bytes.size(); i += at_once) {
      if (::send(peer, bytes.data() + i, at_once, MSG_NOSIGNAL) < 0) return false;
    }
    return true;
  }
  // False when the peer is gone or silent for 2 s.
  bool Read(int peer) {
    pollfd fd = {peer, POLLIN, 0};
    if (::poll(&fd, 1, 2000) != 1) return false;
    char buffer[4096];
    const ssize_t got = ::recv(peer, buffer, sizeof(buffer), 0);
    if (got <= 0) return false;
    std::lock_guard<std::mutex> lock(mutex_);
    received_.append(buffer, static_cast<size_t>(got));
    return true;
  }

  const std::vector<Step> steps_;
  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> done_ = false;
  std::thread thread_;
  std::mutex mutex_;
  std::string received_;
};

std::string ReceivedBy(std::vector<FakeServer::Step> steps, bool allowed = false) {
  FakeServer server(std::move(steps));
  DatabaseOptions options;
  options.host = "127.0.0.1";
  options.port = server.port();
  options.user = "u";
  options.password = kPassword;
  options.dbname = "x";
  options.allow_clear_text_password = allowed;
  auto database = Database::Create(options);
  EXPECT_TRUE(database.ok()) << database.status();
  const absl::Status status = (*database)->Ping(SteadyNow() + absl::Seconds(10));
  EXPECT_EQ(ReasonOf(status), ErrorReason::kDependencyDown);
  return server.received();
}

bool HasPassword(const std::string& received) {
  EXPECT_NE(received.find("user"), received.npos) << "the start packet";
  return received.find(kPassword) != received.npos;
}

TEST(PasswordGuardTest, NoPasswordInClearText) {
  EXPECT_FALSE(HasPassword(ReceivedBy({{kClearText}})));
  EXPECT_FALSE(HasPassword(ReceivedBy({{kClearText, /*one_by_one=*/true}})));
}

TEST(PasswordGuardTest, NorAfterAnotherMethod) {
  // Both in one packet, so that libpq could read the second with the first.
  EXPECT_FALSE(HasPassword(ReceivedBy({{kMd5 + kClearText}})));
  EXPECT_FALSE(HasPassword(ReceivedBy({{kMd5, false, /*then_read=*/true}, {kClearText}})));
  EXPECT_FALSE(HasPassword(ReceivedBy({{kNotice + kClearText}})));
}

TEST(PasswordGuardTest, OtherMethodsGoThrough) {
  const std::string received = ReceivedBy({{kMd5, /*one_by_one=*/true, /*then_read=*/true}});
  EXPECT_NE(received.find("md5"), received.npos);
}

TEST(PasswordGuardTest, UnlessItIsAllowed) {
  EXPECT_TRUE(HasPassword(ReceivedBy({{kClearText}}, /*allowed=*/true)));
}

}  // namespace
}  // namespace gatehouse::db

#pragma once

// Helpers for tests of the server: a raw client, a handler that acts by path, a fixture.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "libs/http/server.h"

namespace gatehouse::http {

using std::chrono::milliseconds;

// A raw client: what it sends and reads are bytes.
class RawClient {
 public:
  RawClient() : fd_(socket(AF_INET, SOCK_STREAM, 0)) {}
  explicit RawClient(uint16_t port) : RawClient() { Connect(port); }
  ~RawClient() { close(fd_); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;
  RawClient& Connect(uint16_t port) {
    sockaddr_in address{.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
    return *this;
  }
  bool connected() const { return connected_; }
  int fd() const { return fd_; }

  RawClient& Send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) break;
      bytes.remove_prefix(n);
    }
    return *this;
  }
  void EndSending() { shutdown(fd_, SHUT_WR); }

  // Reads until what has come ends with `until`.
  std::string ReadUntil(std::string_view until) {
    while (!std::string_view(in_).ends_with(until)) {
      if (!ReadSome()) break;
    }
    return std::exchange(in_, "");
  }
  std::string ReadToEnd() {
    while (ReadSome()) {
    }
    return std::exchange(in_, "");
  }

 private:
  bool ReadSome() {
    pollfd p{.fd = fd_, .events = POLLIN};
    if (poll(&p, 1, 5000) <= 0) {
      in_ += "<nothing came for 5 s>";
      return false;
    }
    char buffer[16384];
    const ssize_t n = recv(fd_, buffer, sizeof(buffer), 0);
    if (n <= 0) return false;
    in_.append(buffer, n);
    return true;
  }

  int fd_;
  bool connected_ = false;
  std::string in_;
};

// Reads the body (not on /refuse, and on /judge when the test says so), and then answers by path:
// /echo at once, /hold when the test says so, /drop never, /throw by throwing.
class TestHandler : public Handler {
 public:
  void Handle(Request request, Responder responder) override {
    if (request.path == "/refuse") return responder.Send({.status = 401, .body = "refused\n"});
    if (request.path == "/judge") return Hold(request.path, std::move(responder));
    struct Call {
      Request request;
      Responder responder;
    };
    auto call = std::make_shared<Call>(Call{std::move(request), std::move(responder)});
    call->responder.ReadBody("app", [this, call](std::string body) {
      Answer(call->request, std::move(body), std::move(call->responder));
    });
  }

  void Hold(const std::string& path, Responder responder) {
    std::lock_guard lock(mutex_);
    held_.emplace(path, std::move(responder));
    changed_.notify_all();
  }

  void Answer(const Request& request, const std::string& body, Responder responder) {
    if (request.path == "/throw") throw std::runtime_error("bug");
    if (request.path == "/drop") return;
    if (request.path.starts_with("/hold")) return Hold(request.path, std::move(responder));
    Response r{.content_type = "text/plain;charset=UTF-8"};
    if (request.path == "/big") {
      r.body = std::string(8 << 20, 'x');
    } else if (request.path == "/split") {
      r.headers = {{"X-Bad", "a\r\nSet-Cookie: b"}, {"X-Good", "yes"}};
    } else {
      r.body = absl::StrCat(request.method, " ", request.path, " [", body, "] ",
                            request.remote_address, "\n");
    }
    if (request.path == "/close") r.close = true;
    responder.Send(std::move(r));
  }

  // The responder of a held request, once it has arrived.
  Responder Take(const std::string& path) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(
        changed_.wait_for(lock, std::chrono::seconds(5), [&] { return held_.contains(path); }));
    Responder r = std::move(held_.at(path));
    held_.erase(path);
    return r;
  }
  void Release(const std::string& path) { Take(path).Send({.body = path + " released\n"}); }
  size_t held() {
    std::lock_guard lock(mutex_);
    return held_.size();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, Responder> held_;
};

inline std::string Get(std::string_view path, std::string_view more = "") {
  return absl::StrCat("GET ", std::string(path), " HTTP/1.1\r\nHost: x\r\n", std::string(more),
                      "\r\n");
}
inline std::string Post(std::string_view path, std::string_view body) {
  return absl::StrCat("POST ", std::string(path),
                      " HTTP/1.1\r\nHost: x\r\nContent-Length: ", body.size(), "\r\n\r\n",
                      std::string(body));
}

class HttpServerTest : public ::testing::Test {
 protected:
  void Start(ServerOptions options = {}) {
    options.drain_idle_grace = milliseconds(50);
    auto server = Server::Create(options, &handler_);
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  TestHandler handler_;
  std::unique_ptr<Server> server_;
};

}  // namespace gatehouse::http

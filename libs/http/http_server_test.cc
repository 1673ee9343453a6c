#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <condition_variable>
#include <functional>
#include <future>
#include <map>
#include <mutex>
#include <random>
#include <thread>

#include "absl/strings/str_cat.h"
#include "libs/http/server.h"
#include "gtest/gtest.h"

namespace gatehouse::http {
namespace {

using std::chrono::milliseconds;

// A raw client: what it sends and reads are bytes.
class Client {
 public:
  Client() : fd_(socket(AF_INET, SOCK_STREAM, 0)) {}
  explicit Client(uint16_t port) : Client() { Connect(port); }
  ~Client() { close(fd_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  Client& Connect(uint16_t port) {
    sockaddr_in address{.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
    return *this;
  }
  bool connected() const { return connected_; }
  int fd() const { return fd_; }

  Client& Send(std::string_view bytes) {
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

// Asks for the body (but not on /refuse, and on /judge when told to), and then answers by path:
// /echo at once, /hold when told to, /drop never, /throw by throwing.
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

  // The responder of a held request, once it has come.
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

std::string Get(std::string_view path, std::string_view more = "") {
  return absl::StrCat("GET ", std::string(path), " HTTP/1.1\r\nHost: x\r\n", std::string(more),
                      "\r\n");
}
std::string Post(std::string_view path, std::string_view body) {
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

TEST_F(HttpServerTest, AnswersAndKeepsTheConnection) {
  Start();
  Client c(server_->port());
  for (int i = 0; i < 3; ++i) {
    const std::string reply = c.Send(Get("/echo")).ReadUntil("127.0.0.1\n");
    EXPECT_TRUE(
        reply.starts_with("HTTP/1.1 200 OK\r\nContent-Type: text/plain;charset=UTF-8\r\n"
                          "Content-Length: 23\r\nDate: "))
        << reply;
    EXPECT_TRUE(reply.ends_with(" GMT\r\nX-Content-Type-Options: nosniff\r\n"
                                "Content-Security-Policy: default-src 'none'; sandbox\r\n\r\n"
                                "GET /echo [] 127.0.0.1\n"))
        << reply;
  }
  EXPECT_EQ(server_->connections(), 1);
}

TEST_F(HttpServerTest, ReadsBodiesOfEveryMethodInEveryFraming) {
  Start();
  Client c(server_->port());
  EXPECT_NE(c.Send(Post("/p", "abc")).ReadUntil("1\n").find("POST /p [abc]"), std::string::npos);
  const std::string chunked =
      "DELETE /d HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3;ext=1\r\nabc\r\n2\r\nde\r\n0\r\nTrailer: t\r\n\r\n";
  EXPECT_NE(c.Send(chunked).ReadUntil("1\n").find("DELETE /d [abcde]"), std::string::npos);
  for (const char byte : "GET /g HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\nhi") {
    if (byte != 0) c.Send(std::string_view(&byte, 1));
  }
  EXPECT_NE(c.ReadUntil("1\n").find("GET /g [hi]"), std::string::npos);
  const std::string large(3 << 20, 'y');
  EXPECT_NE(c.Send(Post("/l", large)).ReadUntil("1\n").find("[" + large + "]"), std::string::npos);
}

TEST_F(HttpServerTest, HeadHasNoBody) {
  Start();
  Client c(server_->port());
  const std::string reply = c.Send("HEAD /h HTTP/1.1\r\nHost: x\r\n\r\n").ReadUntil("\r\n\r\n");
  EXPECT_NE(reply.find("Content-Length: 21\r\n"), std::string::npos) << reply;
  EXPECT_TRUE(c.Send(Get("/echo")).ReadUntil("1\n").starts_with("HTTP/1.1 200"));
}

TEST_F(HttpServerTest, ClosesWhenEitherSideAsks) {
  Start();
  for (const std::string& request : {Get("/echo", "Connection: close\r\n"), Get("/close"),
                                     std::string("GET /o HTTP/1.0\r\n\r\n")}) {
    Client c(server_->port());
    const std::string reply = c.Send(request).ReadToEnd();
    EXPECT_NE(reply.find("\r\nConnection: close\r\n"), std::string::npos) << reply;
    EXPECT_TRUE(reply.ends_with("1\n")) << reply;
  }
  Client old(server_->port());
  old.Send("GET /o HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_NE(old.ReadUntil("1\n").find("Connection: keep-alive"), std::string::npos);
}

TEST_F(HttpServerTest, AnswersAClientThatHasEndedItsSide) {
  Start();
  Client c(server_->port());
  c.Send(Get("/hold")).EndSending();
  handler_.Release("/hold");
  EXPECT_TRUE(c.ReadToEnd().ends_with("/hold released\n"));
}

TEST_F(HttpServerTest, PipelinedRepliesKeepTheOrderOfTheirRequests) {
  Start();
  Client c(server_->port());
  c.Send(Get("/hold1") + Get("/echo2") + Get("/hold3") + Get("/echo4"));
  Responder third = handler_.Take("/hold3");
  Responder first = handler_.Take("/hold1");
  third.Send({.body = "third\n"});
  first.Send({.body = "first\n"});
  const std::string all = c.ReadUntil("/echo4 [] 127.0.0.1\n");
  const size_t at1 = all.find("first"), at2 = all.find("/echo2"), at3 = all.find("third"),
               at4 = all.find("/echo4");
  EXPECT_NE(at1, std::string::npos);
  EXPECT_TRUE(at1 < at2 && at2 < at3 && at3 < at4) << all;
}

TEST_F(HttpServerTest, APipelinedWriteWaitsForWhatIsBeforeItAndHoldsBackWhatIsBehind) {
  Start();
  Client c(server_->port());
  c.Send(Get("/hold1") + Post("/hold2", "x") + Get("/hold3"));
  Responder first = handler_.Take("/hold1");
  // The server has all three; a request of another connection shows that its loops are not stuck.
  for (int i = 0; i < 4; ++i) {
    Client other(server_->port());
    other.Send(Get("/echo")).ReadUntil("1\n");
  }
  EXPECT_EQ(handler_.held(), 0u);
  first.Send({.body = "1\n"});
  Responder second = handler_.Take("/hold2");
  EXPECT_EQ(handler_.held(), 0u);
  second.Send({.body = "2\n"});
  handler_.Release("/hold3");
  EXPECT_TRUE(c.ReadUntil("/hold3 released\n").ends_with("/hold3 released\n"));
}

TEST_F(HttpServerTest, PipelineDepthIsBounded) {
  Start({.max_pipelined = 4});
  Client c(server_->port());
  std::string requests;
  for (int i = 0; i < 1000; ++i) requests += Get("/echo");
  requests += Get("/hold");
  for (int i = 0; i < 10; ++i) requests += Get("/hold" + std::to_string(i));
  c.Send(requests);
  Responder first = handler_.Take("/hold");
  for (int i = 0; i < 3; ++i) first.Send({}), first = handler_.Take("/hold" + std::to_string(i));
  EXPECT_LE(handler_.held(), 4u);
  first.Send({});
  for (int i = 3; i < 10; ++i) handler_.Release("/hold" + std::to_string(i));
  c.ReadUntil("/hold9 released\n");
}

TEST_F(HttpServerTest, AnUnansweredRequestIsA500) {
  Start();
  Client c(server_->port());
  for (std::string_view path : {"/drop", "/throw"}) {
    const std::string reply = c.Send(Get(path)).ReadUntil("Internal Error\n");
    EXPECT_TRUE(reply.starts_with("HTTP/1.1 500 Internal Server Error\r\n")) << reply;
  }
  c.Send(Get("/hold"));
  { Responder dropped = handler_.Take("/hold"); }
  EXPECT_TRUE(c.ReadUntil("Internal Error\n").starts_with("HTTP/1.1 500 "));
}

TEST_F(HttpServerTest, LimitsAreAnsweredAndClose) {
  Start({.max_header_bytes = 4096, .max_body_bytes = 1000});
  const std::vector<std::pair<std::string, std::string>> cases = {
      {Post("/p", std::string(1001, 'x')), "413"},
      {"POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n", "413"},
      {"POST /p HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n7d0\r\n" +
           std::string(2000, 'x') + "\r\n0\r\n\r\n",
       "413"},
      {Get("/g", "X: " + std::string(5000, 'x') + "\r\n"), "431"},
      {Get("/" + std::string(100'000, 'x')), "431"},
      {"\x16\x03\x01 this is TLS\r\n\r\n", "400"},
      {"GET / HTTP/3.0\r\nHost: x\r\n\r\n", "505"},
      {"GET / HTTP/1.1\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "400"},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
       "400"},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "400"},
      {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", "400"},
  };
  for (const auto& [request, status] : cases) {
    Client c(server_->port());
    const std::string reply = c.Send(request).ReadToEnd();
    EXPECT_TRUE(reply.starts_with("HTTP/1.1 " + status + " ")) << request.substr(0, 80) << reply;
    EXPECT_NE(reply.find("Connection: close"), std::string::npos) << reply;
  }
  Client c(server_->port());
  EXPECT_TRUE(
      c.Send(Post("/p", std::string(1000, 'x'))).ReadUntil("1\n").starts_with("HTTP/1.1 200"));
}

// What two readers of one request could end at different places is refused by both: with a reply
// for one request, and the end of the connection, so that nothing behind it is read.
TEST_F(HttpServerTest, RequestsThatCanBeReadInTwoWaysAreRefused) {
  Start();
  const std::string hidden = "5\r\nabcde\r\n0\r\n\r\n" + Get("/hidden");
  const auto post = [&](std::string_view fields, std::string_view version = "1.1") {
    return absl::StrCat("POST /p HTTP/", std::string(version), "\r\nHost: x\r\n",
                        std::string(fields), "\r\n", hidden);
  };
  const std::vector<std::pair<std::string, std::string>> cases = {
      {post("Transfer-Encoding: gzip\r\n"), "501"},
      {post("Transfer-Encoding: xchunked\r\n"), "501"},
      {post("Transfer-Encoding: chunked, identity\r\n"), "501"},
      {post("Transfer-Encoding: identity, chunked\r\n"), "501"},
      {post("Transfer-Encoding: chunked;x=y\r\n"), "501"},
      {post("Transfer-Encoding: chunked,\r\n"), "501"},
      {post("Transfer-Encoding: \"chunked\"\r\n"), "501"},
      {post("Transfer-Encoding: \xA0" "chunked\r\n"), "501"},
      {post("Transfer-Encoding:\r\n"), "501"},
      {post("Transfer-Encoding: chunked, chunked\r\n"), "501"},
      {post("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n"), "400"},
      {post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), "400"},
      {post("Transfer-Encoding: gzip\r\nContent-Length: 3\r\n"), "400"},
      {post("Content-Length: 3\r\nTransfer-Encoding: gzip\r\n"), "400"},
      {post("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"), "400"},
      {post("Transfer-Encoding: chunked\r\n", "1.0"), "400"},
      {post("Transfer-Encoding : chunked\r\n"), "400"},
      {post("Transfer-Encoding\t: chunked\r\n"), "400"},
      {post(" Transfer-Encoding: chunked\r\n"), "400"},
      {post("Transfer-Encoding:\r\n chunked\r\n"), "400"},
      {post("X: y\r\n Transfer-Encoding: chunked\r\n"), "400"},
      {post("X:\r\n\ty\r\n"), "400"},
      {post("X: y\r\n \r\n"), "400"},
      {post("X: y\nTransfer-Encoding: chunked\r\n"), "400"},
      {post("X: y\rTransfer-Encoding: chunked\r\n"), "400"},
      {post(std::string("X: y\0z\r\n", 9)), "400"},
      {post("X: y\x01z\r\n"), "400"},
      {post("X\x01: y\r\n"), "400"},
      {post(": y\r\n"), "400"},
      {post("Xy\r\n"), "400"},
      {post("Content-Length: +3\r\n"), "400"},
      {post("Content-Length: 0x3\r\n"), "400"},
      {post("Content-Length: 3 3\r\n"), "400"},
      {post("Content-Length: 3,3\r\n"), "400"},
      {post("Content-Length: 3,\r\n"), "400"},
      {post("Content-Length: 3.0\r\n"), "400"},
      {post("Content-Length: 3;x\r\n"), "400"},
      {post("Content-Length:\r\n"), "400"},
      {post("Content-Length: 3\r\nContent-Length: 3\r\n"), "400"},
      {post("Content-Length: 3\r\nContent-Length: 4\r\n"), "400"},
      {post("Content-Length: 18446744073709551617\r\n"), "400"},
      {post("Content-Length : 3\r\n"), "400"},
      {post("Host: x\r\n"), "400"},
      {post("Host: y\r\n"), "400"},
      {"GET /p HTTP/1.1\r\nHost: x, y\r\n\r\n" + hidden, "400"},
      {"GET /p HTTP/1.1\r\nHost: x/y\r\n\r\n" + hidden, "400"},
      {"GET /p HTTP/1.1\r\nHost: user@x\r\n\r\n" + hidden, "400"},
      {"GET  /p HTTP/1.1\r\nHost: x\r\n\r\n" + hidden, "400"},
      {"GET /p\tHTTP/1.1\r\nHost: x\r\n\r\n" + hidden, "400"},
      {"GET /p HTTP/1.1 \r\nHost: x\r\n\r\n" + hidden, "505"},
      {"GET /p HTTP/1.1\nHost: x\n\n" + hidden, "505"},
      {"GET /p HTTP/2.0\r\nHost: x\r\n\r\n" + hidden, "505"},
      {"GET /p\r\n" + hidden, "400"},
  };
  for (const auto& [request, status] : cases) {
    Client c(server_->port());
    const std::string reply = c.Send(request).ReadToEnd();
    EXPECT_TRUE(reply.starts_with("HTTP/1.1 " + status + " ")) << request << "\n" << reply;
    EXPECT_NE(reply.find("\r\nConnection: close\r\n"), std::string::npos) << request << reply;
    EXPECT_EQ(reply.find("HTTP/1.1", 1), std::string::npos) << request << "\n" << reply;
  }
}

TEST_F(HttpServerTest, ChunksThatCanBeReadInTwoWaysAreRefused) {
  Start();
  for (std::string_view chunks :
       {"+5\r\nabcde\r\n0\r\n\r\n", "0x5\r\nabcde\r\n0\r\n\r\n", " 5\r\nabcde\r\n0\r\n\r\n",
        "5 \r\nabcde\r\n0\r\n\r\n", "5\nabcde\r\n0\r\n\r\n", "5;\nxx\r\nabcde\r\n0\r\n\r\n",
        "5;a\nb=c\r\nabcde\r\n0\r\n\r\n", "5;a=\"\n\"\r\nabcde\r\n0\r\n\r\n",
        "5\rabcde\r\n0\r\n\r\n", "5\r\nabcdefg\r\n0\r\n\r\n", "5\r\nabcde0\r\n\r\n",
        "fffffffffffffffff\r\nabcde\r\n0\r\n\r\n", "-1\r\nabcde\r\n0\r\n\r\n", "\r\n\r\n", "x\r\n",
        "0\r\nContent-Length: 3\r\n\r\nabc", "0\r\nX\r\n\r\n"}) {
    Client c(server_->port());
    const std::string reply =
        c.Send("POST /p HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
            .Send(chunks)
            .Send(Get("/hidden"))
            .ReadToEnd();
    EXPECT_TRUE(reply.starts_with("HTTP/1.1 400 ")) << chunks << "\n" << reply;
    EXPECT_EQ(reply.find("HTTP/1.1", 1), std::string::npos) << chunks << "\n" << reply;
  }
}

TEST_F(HttpServerTest, AnAbsoluteTargetNamesTheHostThatTheHeaderNames) {
  Start();
  Client c(server_->port());
  EXPECT_TRUE(c.Send("GET http://X:1/echo HTTP/1.1\r\nHost: x:1\r\n\r\n")
                  .ReadUntil("1\n")
                  .starts_with("HTTP/1.1 200"));
  for (std::string_view target : {"http://y/echo", "http://x/echo", "http://a@x:1/echo",
                                  "ftp://x:1/echo", "x:1", "http:/echo"}) {
    EXPECT_TRUE(c.Send(absl::StrCat("GET ", std::string(target),
                                    " HTTP/1.1\r\nHost: x:1\r\n\r\n"))
                    .ReadUntil("</html>")
                    .starts_with("HTTP/1.1 400"))
        << target;
  }
}

TEST_F(HttpServerTest, ABadTargetIsA400PageAndTheConnectionGoesOn) {
  Start();
  Client c(server_->port());
  const std::string reply = c.Send(Get("/%2e%2e/hello")).ReadUntil("</html>");
  EXPECT_TRUE(reply.starts_with("HTTP/1.1 400 Bad Request\r\n")) << reply;
  EXPECT_NE(reply.find("\r\n\r\n<!doctype html>"), std::string::npos);
  EXPECT_TRUE(c.Send(Get("/echo")).ReadUntil("1\n").starts_with("HTTP/1.1 200"));
}

TEST_F(HttpServerTest, BodiesInFlightShareOneAllowance) {
  Start({.max_total_body_bytes = 1000});
  Client a(server_->port());
  // Small ones, which no share is kept for: all of the allowance may go to them.
  a.Send(Post("/hold", std::string(900, 'x')));
  Responder held = handler_.Take("/hold");
  const std::string refused =
      Client(server_->port()).Send(Post("/p", std::string(200, 'x'))).ReadToEnd();
  EXPECT_TRUE(refused.starts_with("HTTP/1.1 503 ")) << refused;
  EXPECT_NE(refused.find("Retry-After: 1"), std::string::npos);
  held.Send({.body = "done\n"});
  a.ReadUntil("done\n");
  Client c(server_->port());
  EXPECT_TRUE(
      c.Send(Post("/p", std::string(200, 'x'))).ReadUntil("1\n").starts_with("HTTP/1.1 200"));
}

TEST_F(HttpServerTest, ExpectContinue) {
  Start({.max_body_bytes = 1000});
  Client c(server_->port());
  c.Send("POST /p HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
  EXPECT_EQ(c.ReadUntil("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_NE(c.Send("abc").ReadUntil("1\n").find("[abc]"), std::string::npos);
  c.Send("POST /p HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1001\r\n\r\n");
  EXPECT_TRUE(c.ReadToEnd().starts_with("HTTP/1.1 413 "));
}

TEST_F(HttpServerTest, ARefusedRequestsBodyIsNeitherKeptNorReadAsARequest) {
  Start({.max_total_body_bytes = 100});
  // Small: read away, and the connection lives.
  Client c(server_->port());
  for (const std::string& body : {std::string("x"), Get("/hidden"), std::string(60'000, 'x')}) {
    const std::string reply = c.Send(Post("/refuse", body)).ReadUntil("refused\n");
    EXPECT_TRUE(reply.starts_with("HTTP/1.1 401 ")) << reply;
    EXPECT_EQ(reply.find("Connection: close"), std::string::npos) << reply;
  }
  EXPECT_NE(c.Send(Post("/p", "x")).ReadUntil("1\n").find("POST /p [x]"), std::string::npos);
  // The reply does not wait for the body.
  c.Send("POST /refuse HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nab");
  EXPECT_TRUE(c.ReadUntil("refused\n").starts_with("HTTP/1.1 401 "));
  EXPECT_NE(c.Send("c" + Get("/echo")).ReadUntil("1\n").find("GET /echo []"), std::string::npos);
  // Large, of unknown length, or perhaps not to come at all: the connection ends.
  for (std::string_view fields :
       {"Content-Length: 5000000\r\n", "Transfer-Encoding: chunked\r\n",
        "Content-Length: 3\r\nExpect: 100-continue\r\n"}) {
    Client other(server_->port());
    const std::string reply =
        other.Send(absl::StrCat("POST /refuse HTTP/1.1\r\nHost: x\r\n", std::string(fields), "\r\n"))
            .Send(Get("/hidden"))
            .ReadToEnd();
    EXPECT_TRUE(reply.starts_with("HTTP/1.1 401 ")) << fields << reply;
    EXPECT_NE(reply.find("Connection: close"), std::string::npos) << fields << reply;
    EXPECT_EQ(reply.find("HTTP/1.1", 1), std::string::npos) << fields << reply;
  }
}

TEST_F(HttpServerTest, NothingIsSaidOrKeptBeforeTheHandlerHasJudgedTheHeader) {
  Start({.max_total_body_bytes = 100});
  Client c(server_->port());
  c.Send("POST /judge HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
  auto judged = std::make_shared<Responder>(handler_.Take("/judge"));
  judged->ReadBody("app", [judged](const std::string& body) {
    judged->Send({.body = "got " + body + "\n"});
  });
  EXPECT_EQ(c.ReadUntil("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_TRUE(c.Send("abc").ReadUntil("got abc\n").starts_with("HTTP/1.1 200 "));
  // HTTP/1.0 knows no interim replies.
  Client old(server_->port());
  old.Send("POST /p HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n").Send("abc");
  EXPECT_TRUE(old.ReadToEnd().starts_with("HTTP/1.1 200 "));
  // Bodies that wait for a verdict take nothing of the allowance.
  std::vector<std::unique_ptr<Client>> stalled;
  for (int i = 0; i < 50; ++i) {
    stalled.push_back(std::make_unique<Client>(server_->port()));
    stalled.back()->Send(Post("/judge", std::string(99, 'x')));
  }
  EXPECT_NE(c.Send(Post("/p", std::string(99, 'x'))).ReadUntil("1\n").find("[xxx"),
            std::string::npos);
}

TEST_F(HttpServerTest, NobodyUsesTheAllowanceForBodiesUp) {
  // Of this machine's clients only the app's share counts: of what lies beyond 64 KiB of a body.
  Start({.max_total_body_bytes = 1'000'000});
  const std::string begun(200'000, 'x');
  std::vector<std::unique_ptr<Client>> stalled;
  for (int i = 0; i < 8; ++i) {
    stalled.push_back(std::make_unique<Client>(server_->port()));
    stalled.back()
        ->Send("POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\n")
        .Send(begun);
  }
  // Not all of them fit, and there is room for others.
  std::vector<pollfd> replies;
  for (auto& client : stalled) replies.push_back({.fd = client->fd(), .events = POLLIN});
  ASSERT_GT(poll(replies.data(), replies.size(), 5000), 0);
  for (size_t i = 0; i < stalled.size(); ++i) {
    if (replies[i].revents == 0) continue;
    EXPECT_TRUE(stalled[i]->ReadToEnd().starts_with("HTTP/1.1 503 "));
  }
  Client c(server_->port());
  const std::string reply = c.Send(Post("/p", std::string(60'000, 'y'))).ReadUntil("1\n");
  EXPECT_TRUE(reply.starts_with("HTTP/1.1 200 ")) << reply.substr(0, 200);
}

TEST_F(HttpServerTest, SlowClientsAreCutOff) {
  Start({.header_timeout = milliseconds(60),
         .body_timeout = milliseconds(60),
         .idle_timeout = milliseconds(60),
         .write_timeout = milliseconds(100),
         .linger_timeout = milliseconds(60)});
  Client header(server_->port()), body(server_->port()), idle(server_->port()),
      deaf(server_->port()), fresh(server_->port());
  header.Send("GET / HTTP/1.1\r\nHos");
  body.Send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab");
  idle.Send(Get("/echo"));
  deaf.Send(Get("/big"));
  EXPECT_TRUE(header.ReadToEnd().starts_with("HTTP/1.1 408 "));
  EXPECT_TRUE(body.ReadToEnd().starts_with("HTTP/1.1 408 "));
  EXPECT_TRUE(idle.ReadToEnd().ends_with("1\n"));
  EXPECT_EQ(fresh.ReadToEnd(), "");
  // A handler may take longer than any of these.
  Client slow(server_->port());
  slow.Send(Get("/hold"));
  Responder held = handler_.Take("/hold");
  while (server_->connections() > 1) std::this_thread::yield();  // `deaf` is cut off as well
  held.Send({.body = "late\n"});
  EXPECT_TRUE(slow.ReadUntil("late\n").ends_with("late\n"));
  EXPECT_LT(deaf.ReadToEnd().size(), size_t{8} << 20);
}

TEST_F(HttpServerTest, TooManyConnections) {
  Start({.max_connections = 1});
  Client first(server_->port());
  first.Send(Get("/echo")).ReadUntil("1\n");
  const std::string reply = Client(server_->port()).Send(Get("/echo")).ReadToEnd();
  EXPECT_TRUE(reply.starts_with("HTTP/1.1 503 ")) << reply;
  EXPECT_NE(reply.find("Retry-After: 1"), std::string::npos);
  EXPECT_TRUE(first.Send(Get("/echo")).ReadUntil("1\n").starts_with("HTTP/1.1 200"));
}

TEST_F(HttpServerTest, TooManyConnectionsOfOnePeer) {
  Start({.max_connections_per_peer = 2, .limit_this_machine = true});
  Client first(server_->port());
  Client second(server_->port());
  first.Send(Get("/echo")).ReadUntil("1\n");
  second.Send(Get("/echo")).ReadUntil("1\n");
  EXPECT_TRUE(
      Client(server_->port()).Send(Get("/echo")).ReadToEnd().starts_with("HTTP/1.1 503 "));
  EXPECT_EQ(server_->refused_connections(), 1);
  second.EndSending();
  second.ReadToEnd();
  while (server_->connections() > 1) std::this_thread::yield();
  EXPECT_TRUE(Client(server_->port()).Send(Get("/echo")).ReadUntil("1\n").starts_with("HTTP/1.1 200"));
}

// However many come: each is answered, and none is left without a word.
TEST_F(HttpServerTest, EveryConnectionBeyondALimitIsAnswered) {
  Start({.max_connections = 1});
  Client first(server_->port());
  first.Send(Get("/echo")).ReadUntil("1\n");
  std::vector<std::unique_ptr<Client>> more;
  for (int i = 0; i < 200; ++i) {
    more.push_back(std::make_unique<Client>(server_->port()));
    more.back()->Send(Get("/echo"));
  }
  for (auto& client : more) {
    const std::string reply = client->ReadToEnd();
    EXPECT_TRUE(reply.starts_with("HTTP/1.1 503 ")) << reply;
  }
  EXPECT_EQ(server_->refused_connections(), 200);
}

TEST_F(HttpServerTest, WithoutDescriptorsClientsAreToldSo) {
  Start();
  Client idle(server_->port());
  idle.Send(Get("/echo")).ReadUntil("1\n");
  Client c(server_->port());  // accepted by the server before descriptors run out
  c.Send(Get("/echo")).ReadUntil("1\n");
  std::vector<std::unique_ptr<Client>> clients;
  rlimit limit;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  const rlimit before = limit;
  // Both ends are of this process: descriptors for the clients, none for the server.
  clients.reserve(3);
  for (int i = 0; i < 3; ++i) clients.push_back(std::make_unique<Client>());
  const int next = dup(0);
  ASSERT_GE(next, 0);
  close(next);
  limit.rlim_cur = next;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  for (auto& client : clients) client->Connect(server_->port()).Send(Get("/echo"));
  for (auto& client : clients) {
    const std::string reply = client->ReadToEnd();
    EXPECT_TRUE(reply.starts_with("HTTP/1.1 503 ")) << reply;
  }
  EXPECT_TRUE(c.Send(Get("/echo")).ReadUntil("1\n").starts_with("HTTP/1.1 200"));
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_TRUE(Client(server_->port()).Send(Get("/echo")).ReadUntil("1\n").starts_with("HTTP/1.1 200"));
}

// A connection that says nothing lives as long as a header may take; one that is kept after a
// request lives on.
TEST_F(HttpServerTest, SilentConnectionsAreShortLivedAndKeptOnesAreNot) {
  Start({.header_timeout = milliseconds(50), .idle_timeout = milliseconds(60'000)});
  Client kept(server_->port()), silent(server_->port()), dribbling(server_->port());
  kept.Send(Get("/echo")).ReadUntil("1\n");
  dribbling.Send("\r\n");
  EXPECT_EQ(silent.ReadToEnd(), "");
  EXPECT_EQ(dribbling.ReadToEnd(), "");
  EXPECT_TRUE(kept.Send(Get("/echo")).ReadUntil("1\n").starts_with("HTTP/1.1 200"));
}

TEST_F(HttpServerTest, HeadersThatWouldSplitTheReplyAreLeftOut) {
  Start();
  Client c(server_->port());
  const std::string reply = c.Send(Get("/split", "Connection: close\r\n")).ReadToEnd();
  EXPECT_EQ(reply.find("Set-Cookie"), std::string::npos);
  EXPECT_NE(reply.find("\r\nX-Good: yes\r\n"), std::string::npos);
}

TEST_F(HttpServerTest, DrainAnswersWhatIsInFlightAndClosesTheIdle) {
  Start();
  Client idle(server_->port()), busy(server_->port());
  idle.Send(Get("/echo")).ReadUntil("1\n");
  busy.Send(Get("/hold"));
  Responder held = handler_.Take("/hold");
  auto drained = std::async(std::launch::async, [&] { return server_->Drain(milliseconds(5000)); });
  EXPECT_EQ(idle.ReadToEnd(), "");
  EXPECT_FALSE(Client(server_->port()).connected());
  held.Send({.body = "done\n"});
  const std::string reply = busy.ReadToEnd();
  EXPECT_NE(reply.find("Connection: close\r\n"), std::string::npos) << reply;
  EXPECT_TRUE(reply.ends_with("done\n"));
  // The client closes on `Connection: close`; ReadToEnd has seen the server's end.
  busy.EndSending();
  idle.EndSending();
  EXPECT_TRUE(drained.get());
}

TEST_F(HttpServerTest, ADrainGoesOnAcceptingForAWhile) {
  Start();
  Client kept(server_->port());
  kept.Send(Get("/echo")).ReadUntil("1\n");
  // As long as Stop lets it.
  auto drained = std::async(std::launch::async, [&] {
    return server_->Drain(std::chrono::hours(1), std::chrono::hours(1));
  });
  // A connection that was open is told to end with its next reply, and is not before.
  std::string reply;
  while (reply.find("Connection: close\r\n") == std::string::npos) {
    reply = kept.Send(Get("/echo")).ReadUntil("1\n");
    ASSERT_TRUE(reply.starts_with("HTTP/1.1 200 ")) << reply;
  }
  // New ones are served all the while, and let go in the same way.
  for (int i = 0; i < 3; ++i) {
    Client late(server_->port());
    ASSERT_TRUE(late.connected());
    reply = late.Send(Get("/echo")).ReadToEnd();
    EXPECT_TRUE(reply.starts_with("HTTP/1.1 200 ")) << reply;
    EXPECT_NE(reply.find("Connection: close\r\n"), std::string::npos) << reply;
  }
  server_->Stop();
  EXPECT_TRUE(drained.get());
}

TEST_F(HttpServerTest, DrainGivesUpInTimeAndStopClosesTheRest) {
  Start();
  Client busy(server_->port());
  busy.Send(Get("/hold"));
  Responder held = handler_.Take("/hold");
  EXPECT_FALSE(server_->Drain(milliseconds(100)));
  server_->Stop();
  EXPECT_EQ(busy.ReadToEnd(), "");
  held.Send({.body = "too late\n"});
}

TEST_F(HttpServerTest, GarbageNeverHurts) {
  Start({.header_timeout = milliseconds(50), .linger_timeout = milliseconds(50)});
  std::mt19937 random(11);
  const std::vector<std::string> parts = {"GET ",
                                          "POST ",
                                          "/",
                                          "/echo",
                                          " HTTP/1.1",
                                          " HTTP/1.0",
                                          "\r\n",
                                          "\r\n\r\n",
                                          "\n",
                                          "Host: x",
                                          "Content-Length: ",
                                          "5",
                                          "-1",
                                          "99999999999999999999",
                                          "Transfer-Encoding: chunked",
                                          "0\r\n\r\n",
                                          "5\r\nabcde\r\n",
                                          "fffffffffffffffff\r\n",
                                          std::string(3, '\0'),
                                          "\xFF\xFE",
                                          ":",
                                          " ",
                                          "Expect: 100-continue",
                                          "Connection: close",
                                          "Connection: upgrade",
                                          "%",
                                          ";",
                                          "abcde"};
  for (int round = 0; round < 2000; ++round) {
    Client c(server_->port());
    std::string bytes = round % 2 == 0 ? "POST /echo HTTP/1.1\r\nHost: x\r\n" : "";
    for (int i = random() % 12; i >= 0; --i) bytes += parts[random() % parts.size()];
    c.Send(bytes);
    if (round % 8 == 0) {
      c.EndSending();
      const std::string reply = c.ReadToEnd();
      EXPECT_EQ(reply.find("<nothing"), std::string::npos) << bytes;
      const size_t fault = reply.find("HTTP/1.1 5");
      const std::string_view status =
          fault == std::string::npos ? "" : std::string_view(reply).substr(fault + 9, 3);
      // A coding or a version that is not understood; nothing else is our fault.
      EXPECT_TRUE(status.empty() || status == "501" || status == "505") << bytes << reply;
    }
  }
  Client c(server_->port());
  EXPECT_TRUE(c.Send(Get("/echo")).ReadUntil("1\n").starts_with("HTTP/1.1 200"));
}

TEST_F(HttpServerTest, ManyClientsWithRepliesFromOtherThreads) {
  class Threaded : public Handler {
   public:
    void Handle(Request, Responder responder) override {
      auto call = std::make_shared<Responder>(std::move(responder));
      call->ReadBody("", [this, call](const std::string& body) {
        std::lock_guard lock(mutex);
        threads.emplace_back([body = body + "\n", call] { call->Send({.body = body}); });
      });
    }
    std::mutex mutex;
    std::vector<std::jthread> threads;
  } threaded;
  auto server = Server::Create({}, &threaded);
  ASSERT_TRUE(server.ok());
  std::vector<std::jthread> clients;
  for (int t = 0; t < 8; ++t) {
    clients.emplace_back([&, t] {
      Client c((*server)->port());
      for (int i = 0; i < 50; ++i) {
        const std::string body = absl::StrCat("body", t, "-", i);
        EXPECT_TRUE(
            c.Send(Post("/p", body)).ReadUntil(body + "\n").ends_with("\r\n\r\n" + body + "\n"));
      }
    });
  }
  clients.clear();
  server->reset();
}

TEST(HttpServerCreate, ReportsWhatItCannotBind) {
  TestHandler handler;
  auto first = Server::Create({}, &handler);
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(Server::Create({.port = (*first)->port()}, &handler).status().code(),
            absl::StatusCode::kUnavailable);
  EXPECT_FALSE(Server::Create({.host = "no such host"}, &handler).ok());
}

}  // namespace
}  // namespace gatehouse::http

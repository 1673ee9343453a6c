// The server against malicious clients, and against too many.

#include <poll.h>
#include <sys/resource.h>

#include <memory>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "libs/http/server.h"
#include "libs/http/server_test_util.h"

namespace gatehouse::http {
namespace {

class HttpAbuseTest : public HttpServerTest {};

// A request whose end two readers could see at different places is refused: with one reply, and the
// end of the connection, so that nothing after it is read.
TEST_F(HttpAbuseTest, RequestsThatCanBeReadInTwoWaysAreRefused) {
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
      {post("Transfer-Encoding: \xA0"
            "chunked\r\n"),
       "501"},
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
    RawClient c(server_->port());
    const std::string reply = c.Send(request).ReadToEnd();
    EXPECT_TRUE(reply.starts_with("HTTP/1.1 " + status + " ")) << request << "\n" << reply;
    EXPECT_NE(reply.find("\r\nConnection: close\r\n"), std::string::npos) << request << reply;
    EXPECT_EQ(reply.find("HTTP/1.1", 1), std::string::npos) << request << "\n" << reply;
  }
}

TEST_F(HttpAbuseTest, ChunksThatCanBeReadInTwoWaysAreRefused) {
  Start();
  for (std::string_view chunks :
       {"+5\r\nabcde\r\n0\r\n\r\n", "0x5\r\nabcde\r\n0\r\n\r\n", " 5\r\nabcde\r\n0\r\n\r\n",
        "5 \r\nabcde\r\n0\r\n\r\n", "5\nabcde\r\n0\r\n\r\n", "5;\nxx\r\nabcde\r\n0\r\n\r\n",
        "5;a\nb=c\r\nabcde\r\n0\r\n\r\n", "5;a=\"\n\"\r\nabcde\r\n0\r\n\r\n",
        "5\rabcde\r\n0\r\n\r\n", "5\r\nabcdefg\r\n0\r\n\r\n", "5\r\nabcde0\r\n\r\n",
        "fffffffffffffffff\r\nabcde\r\n0\r\n\r\n", "-1\r\nabcde\r\n0\r\n\r\n", "\r\n\r\n", "x\r\n",
        "0\r\nContent-Length: 3\r\n\r\nabc", "0\r\nX\r\n\r\n"}) {
    RawClient c(server_->port());
    const std::string reply =
        c.Send("POST /p HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
            .Send(chunks)
            .Send(Get("/hidden"))
            .ReadToEnd();
    EXPECT_TRUE(reply.starts_with("HTTP/1.1 400 ")) << chunks << "\n" << reply;
    EXPECT_EQ(reply.find("HTTP/1.1", 1), std::string::npos) << chunks << "\n" << reply;
  }
}

TEST_F(HttpAbuseTest, AnAbsoluteTargetNamesTheHostThatTheHeaderNames) {
  Start();
  RawClient c(server_->port());
  EXPECT_TRUE(c.Send("GET http://X:1/echo HTTP/1.1\r\nHost: x:1\r\n\r\n")
                  .ReadUntil("1\n")
                  .starts_with("HTTP/1.1 200"));
  for (std::string_view target : {"http://y/echo", "http://x/echo", "http://a@x:1/echo",
                                  "ftp://x:1/echo", "x:1", "http:/echo"}) {
    EXPECT_TRUE(c.Send(absl::StrCat("GET ", std::string(target), " HTTP/1.1\r\nHost: x:1\r\n\r\n"))
                    .ReadUntil("</html>")
                    .starts_with("HTTP/1.1 400"))
        << target;
  }
}

TEST_F(HttpAbuseTest, ARefusedRequestsBodyIsNeitherKeptNorReadAsARequest) {
  Start({.max_total_body_bytes = 100, .free_body_bytes = 0});
  // Small: discarded, and the connection lives.
  RawClient c(server_->port());
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
  // Large, of unknown length, or perhaps never sent: the connection ends.
  for (std::string_view fields : {"Content-Length: 5000000\r\n", "Transfer-Encoding: chunked\r\n",
                                  "Content-Length: 3\r\nExpect: 100-continue\r\n"}) {
    RawClient other(server_->port());
    const std::string reply =
        other
            .Send(absl::StrCat("POST /refuse HTTP/1.1\r\nHost: x\r\n", std::string(fields), "\r\n"))
            .Send(Get("/hidden"))
            .ReadToEnd();
    EXPECT_TRUE(reply.starts_with("HTTP/1.1 401 ")) << fields << reply;
    EXPECT_NE(reply.find("Connection: close"), std::string::npos) << fields << reply;
    EXPECT_EQ(reply.find("HTTP/1.1", 1), std::string::npos) << fields << reply;
  }
}

TEST_F(HttpAbuseTest, NothingIsSaidOrKeptBeforeTheHandlerHasJudgedTheHeader) {
  Start({.max_total_body_bytes = 200, .free_body_bytes = 0});
  RawClient c(server_->port());
  c.Send("POST /judge HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
  auto judged = std::make_shared<Responder>(handler_.Take("/judge"));
  judged->ReadBody(
      "app", [judged](const std::string& body) { judged->Send({.body = "got " + body + "\n"}); });
  EXPECT_EQ(c.ReadUntil("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_TRUE(c.Send("abc").ReadUntil("got abc\n").starts_with("HTTP/1.1 200 "));
  // HTTP/1.0 knows no interim replies.
  RawClient old(server_->port());
  old.Send("POST /p HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n").Send("abc");
  EXPECT_TRUE(old.ReadToEnd().starts_with("HTTP/1.1 200 "));
  // Bodies that wait for a decision take nothing from the allowance.
  std::vector<std::unique_ptr<RawClient>> stalled;
  for (int i = 0; i < 50; ++i) {
    stalled.push_back(std::make_unique<RawClient>(server_->port()));
    stalled.back()->Send(Post("/judge", std::string(99, 'x')));
  }
  EXPECT_NE(c.Send(Post("/p", std::string(99, 'x'))).ReadUntil("1\n").find("[xxx"),
            std::string::npos);
}

TEST_F(HttpAbuseTest, NobodyUsesTheAllowanceForBodiesUp) {
  // For clients on this machine only the app's share counts: of the part of a body beyond 64 KiB.
  Start({.max_total_body_bytes = 1'000'000});
  const std::string begun(200'000, 'x');
  std::vector<std::unique_ptr<RawClient>> stalled;
  for (int i = 0; i < 8; ++i) {
    stalled.push_back(std::make_unique<RawClient>(server_->port()));
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
  RawClient c(server_->port());
  const std::string reply = c.Send(Post("/p", std::string(60'000, 'y'))).ReadUntil("1\n");
  EXPECT_TRUE(reply.starts_with("HTTP/1.1 200 ")) << reply.substr(0, 200);
}

TEST_F(HttpAbuseTest, ManySmallBodiesOfOneAppLeaveRoomForOthers) {
  Start({.max_total_body_bytes = 1'000'000});
  const std::string all_but_one(50'000, 'x');
  std::vector<std::unique_ptr<RawClient>> stalled;
  for (int i = 0; i < 30; ++i) {
    stalled.push_back(std::make_unique<RawClient>(server_->port()));
    stalled.back()
        ->Send("POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 50001\r\n\r\n")
        .Send(all_but_one);
  }
  std::vector<pollfd> replies;
  for (auto& client : stalled) replies.push_back({.fd = client->fd(), .events = POLLIN});
  ASSERT_GT(poll(replies.data(), replies.size(), 5000), 0);
  RawClient c(server_->port());
  c.Send(Post("/judge", std::string(50'000, 'y')));
  auto other = std::make_shared<Responder>(handler_.Take("/judge"));
  other->ReadBody("other", [other](const std::string& body) {
    other->Send({.body = std::to_string(body.size()) + "\n"});
  });
  const std::string reply = c.ReadUntil("50000\n");
  EXPECT_TRUE(reply.starts_with("HTTP/1.1 200 ")) << reply.substr(0, 200);
}

TEST_F(HttpAbuseTest, TooManyConnectionsOfOnePeer) {
  Start({.max_connections_per_peer = 2, .limit_this_machine = true});
  RawClient first(server_->port());
  RawClient second(server_->port());
  first.Send(Get("/echo")).ReadUntil("1\n");
  second.Send(Get("/echo")).ReadUntil("1\n");
  EXPECT_TRUE(
      RawClient(server_->port()).Send(Get("/echo")).ReadToEnd().starts_with("HTTP/1.1 503 "));
  EXPECT_EQ(server_->StatsReader()().refused, 1);
  second.EndSending();
  second.ReadToEnd();
  while (server_->connections() > 1) std::this_thread::yield();
  EXPECT_TRUE(
      RawClient(server_->port()).Send(Get("/echo")).ReadUntil("1\n").starts_with("HTTP/1.1 200"));
}

// However many come, each is answered.
TEST_F(HttpAbuseTest, EveryConnectionBeyondALimitIsAnswered) {
  Start({.max_connections = 1});
  RawClient first(server_->port());
  first.Send(Get("/echo")).ReadUntil("1\n");
  std::vector<std::unique_ptr<RawClient>> more;
  for (int i = 0; i < 200; ++i) {
    more.push_back(std::make_unique<RawClient>(server_->port()));
    more.back()->Send(Get("/echo"));
  }
  for (auto& client : more) {
    const std::string reply = client->ReadToEnd();
    EXPECT_TRUE(reply.starts_with("HTTP/1.1 503 ")) << reply;
  }
  EXPECT_EQ(server_->StatsReader()().refused, 200);
}

TEST_F(HttpAbuseTest, WithoutDescriptorsClientsAreToldSo) {
  Start();
  RawClient idle(server_->port());
  idle.Send(Get("/echo")).ReadUntil("1\n");
  RawClient c(server_->port());  // accepted by the server before descriptors run out
  c.Send(Get("/echo")).ReadUntil("1\n");
  std::vector<std::unique_ptr<RawClient>> clients;
  rlimit limit;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  const rlimit before = limit;
  // Both ends are in this process: descriptors for the clients, none for the server.
  clients.reserve(3);
  for (int i = 0; i < 3; ++i) clients.push_back(std::make_unique<RawClient>());
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
  EXPECT_TRUE(
      RawClient(server_->port()).Send(Get("/echo")).ReadUntil("1\n").starts_with("HTTP/1.1 200"));
}

// A silent connection lives as long as a header may take; one that is kept after a request lives
// longer.
TEST_F(HttpAbuseTest, SilentConnectionsAreShortLivedAndKeptOnesAreNot) {
  Start({.header_timeout = milliseconds(50), .idle_timeout = milliseconds(60'000)});
  RawClient kept(server_->port()), silent(server_->port()), dribbling(server_->port());
  kept.Send(Get("/echo")).ReadUntil("1\n");
  dribbling.Send("\r\n");
  EXPECT_EQ(silent.ReadToEnd(), "");
  EXPECT_EQ(dribbling.ReadToEnd(), "");
  EXPECT_TRUE(kept.Send(Get("/echo")).ReadUntil("1\n").starts_with("HTTP/1.1 200"));
}

}  // namespace
}  // namespace gatehouse::http

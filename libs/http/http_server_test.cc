#include "libs/http/server.h"

#include <functional>
#include <future>
#include <map>
#include <mutex>
#include <random>
#include <thread>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "libs/http/reply_format.h"
#include "libs/http/server_test_util.h"

namespace gatehouse::http {
namespace {

TEST_F(HttpServerTest, AnswersAndKeepsTheConnection) {
  Start();
  RawClient c(server_->port());
  for (int i = 0; i < 3; ++i) {
    const std::string reply = c.Send(Get("/echo")).ReadUntil("127.0.0.1\n");
    EXPECT_TRUE(
        reply.starts_with("HTTP/1.1 200 OK\r\nContent-Type: text/plain;charset=UTF-8\r\n"
                          "Content-Length: 23\r\nDate: "))
        << reply;
    EXPECT_TRUE(
        reply.ends_with(" GMT\r\nX-Content-Type-Options: nosniff\r\n"
                        "Content-Security-Policy: default-src 'none'; sandbox\r\n\r\n"
                        "GET /echo [] 127.0.0.1\n"))
        << reply;
  }
  EXPECT_EQ(server_->connections(), 1);
}

// Two policies would both hold.
TEST(ReplyFormatTest, APageMayHaveItsOwnPolicy) {
  Response page{.content_type = "text/html;charset=utf-8"};
  page.headers = {{"content-security-policy", "default-src 'self'"}};
  std::string reply;
  AppendReply(page, {}, "", reply);
  EXPECT_EQ(reply.find("sandbox"), std::string::npos) << reply;
  EXPECT_NE(reply.find("content-security-policy: default-src 'self'\r\n"), std::string::npos);
}

TEST_F(HttpServerTest, ReadsBodiesOfEveryMethodInEveryFraming) {
  Start();
  RawClient c(server_->port());
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
  RawClient c(server_->port());
  const std::string reply = c.Send("HEAD /h HTTP/1.1\r\nHost: x\r\n\r\n").ReadUntil("\r\n\r\n");
  EXPECT_NE(reply.find("Content-Length: 21\r\n"), std::string::npos) << reply;
  EXPECT_TRUE(c.Send(Get("/echo")).ReadUntil("1\n").starts_with("HTTP/1.1 200"));
}

TEST_F(HttpServerTest, ClosesWhenEitherSideAsks) {
  Start();
  for (const std::string& request : {Get("/echo", "Connection: close\r\n"), Get("/close"),
                                     std::string("GET /o HTTP/1.0\r\n\r\n")}) {
    RawClient c(server_->port());
    const std::string reply = c.Send(request).ReadToEnd();
    EXPECT_NE(reply.find("\r\nConnection: close\r\n"), std::string::npos) << reply;
    EXPECT_TRUE(reply.ends_with("1\n")) << reply;
  }
  RawClient old(server_->port());
  old.Send("GET /o HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_NE(old.ReadUntil("1\n").find("Connection: keep-alive"), std::string::npos);
}

TEST_F(HttpServerTest, AnswersAClientThatHasEndedItsSide) {
  Start();
  RawClient c(server_->port());
  c.Send(Get("/hold")).EndSending();
  handler_.Release("/hold");
  EXPECT_TRUE(c.ReadToEnd().ends_with("/hold released\n"));
}

TEST_F(HttpServerTest, AResponderKnowsWhenNobodyWaitsAnyMore) {
  Start();
  RawClient half_closed(server_->port());
  half_closed.Send(Get("/hold1")).EndSending();
  Responder still_read = handler_.Take("/hold1");
  auto gone = std::make_unique<RawClient>(server_->port());
  gone->Send(Get("/hold2"));
  Responder unread = handler_.Take("/hold2");
  EXPECT_TRUE(unread.wanted());
  const linger reset = {.l_onoff = 1, .l_linger = 0};
  setsockopt(gone->fd(), SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
  gone.reset();
  while (server_->connections() > 1) std::this_thread::sleep_for(milliseconds(1));
  EXPECT_FALSE(unread.wanted());
  EXPECT_TRUE(still_read.wanted());
  still_read.Send({.body = "read\n"});
  EXPECT_FALSE(still_read.wanted());
  EXPECT_TRUE(half_closed.ReadToEnd().ends_with("read\n"));
}

TEST_F(HttpServerTest, PipelinedRepliesKeepTheOrderOfTheirRequests) {
  Start();
  RawClient c(server_->port());
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
  RawClient c(server_->port());
  c.Send(Get("/hold1") + Post("/hold2", "x") + Get("/hold3"));
  Responder first = handler_.Take("/hold1");
  // The server has all three; a request of another connection shows that its loops are not stuck.
  for (int i = 0; i < 4; ++i) {
    RawClient other(server_->port());
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
  RawClient c(server_->port());
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
  RawClient c(server_->port());
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
    RawClient c(server_->port());
    const std::string reply = c.Send(request).ReadToEnd();
    EXPECT_TRUE(reply.starts_with("HTTP/1.1 " + status + " ")) << request.substr(0, 80) << reply;
    EXPECT_NE(reply.find("Connection: close"), std::string::npos) << reply;
  }
  RawClient c(server_->port());
  EXPECT_TRUE(
      c.Send(Post("/p", std::string(1000, 'x'))).ReadUntil("1\n").starts_with("HTTP/1.1 200"));
}

TEST_F(HttpServerTest, ABadTargetIsA400PageAndTheConnectionGoesOn) {
  Start();
  RawClient c(server_->port());
  const std::string reply = c.Send(Get("/%2e%2e/hello")).ReadUntil("</html>");
  EXPECT_TRUE(reply.starts_with("HTTP/1.1 400 Bad Request\r\n")) << reply;
  EXPECT_NE(reply.find("\r\n\r\n<!doctype html>"), std::string::npos);
  EXPECT_TRUE(c.Send(Get("/echo")).ReadUntil("1\n").starts_with("HTTP/1.1 200"));
}

TEST_F(HttpServerTest, BodiesInFlightShareOneAllowance) {
  Start({.max_total_body_bytes = 1000, .free_body_bytes = 0});
  // An app gets three times what it leaves free for others, however small its bodies are.
  EXPECT_TRUE(RawClient(server_->port())
                  .Send(Post("/p", std::string(800, 'x')))
                  .ReadToEnd()
                  .starts_with("HTTP/1.1 503 "));
  RawClient a(server_->port());
  a.Send(Post("/hold", std::string(700, 'x')));
  Responder held = handler_.Take("/hold");
  const std::string refused =
      RawClient(server_->port()).Send(Post("/p", std::string(200, 'x'))).ReadToEnd();
  EXPECT_TRUE(refused.starts_with("HTTP/1.1 503 ")) << refused;
  EXPECT_NE(refused.find("Retry-After: 1"), std::string::npos);
  held.Send({.body = "done\n"});
  a.ReadUntil("done\n");
  RawClient c(server_->port());
  EXPECT_TRUE(
      c.Send(Post("/p", std::string(200, 'x'))).ReadUntil("1\n").starts_with("HTTP/1.1 200"));
}

TEST_F(HttpServerTest, TheSmallestBodiesAreNotCounted) {
  Start({.max_total_body_bytes = 1000, .free_body_bytes = 900});
  std::vector<std::unique_ptr<RawClient>> clients;
  std::vector<Responder> held;
  for (int i = 0; i < 10; ++i) {
    clients.push_back(std::make_unique<RawClient>(server_->port()));
    clients.back()->Send(Post("/hold", std::string(900, 'x')));
    held.push_back(handler_.Take("/hold"));
  }
  // One byte more, and the whole of it counts, however it comes.
  for (const size_t first : {size_t{0}, size_t{900}}) {
    RawClient c(server_->port());
    c.Send("POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 901\r\n\r\n");
    const std::string reply =
        c.Send(std::string(first, 'x')).Send(std::string(901 - first, 'x')).ReadToEnd();
    EXPECT_TRUE(reply.starts_with("HTTP/1.1 503 ")) << reply;
  }
  for (size_t i = 0; i < held.size(); ++i) {
    held[i].Send({.body = "done\n"});
    clients[i]->ReadUntil("done\n");
  }
  // Of a connection's requests in flight one may have such a body.
  RawClient c(server_->port());
  const auto get = [](const std::string& path) {
    return "GET " + path + " HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n" +
           std::string(900, 'x');
  };
  c.Send(get("/hold"));
  Responder first = handler_.Take("/hold");
  c.Send(get("/judge"));
  Responder second = handler_.Take("/judge");
  second.ReadBody("app", [](const std::string&) {});
  first.Send({.body = "done\n"});
  const std::string replies = c.ReadToEnd();
  EXPECT_NE(replies.find("done\n"), std::string::npos);
  EXPECT_NE(replies.find("HTTP/1.1 503 "), std::string::npos) << replies;
}

TEST_F(HttpServerTest, ExpectContinue) {
  Start({.max_body_bytes = 1000});
  RawClient c(server_->port());
  c.Send("POST /p HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
  EXPECT_EQ(c.ReadUntil("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_NE(c.Send("abc").ReadUntil("1\n").find("[abc]"), std::string::npos);
  c.Send("POST /p HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1001\r\n\r\n");
  EXPECT_TRUE(c.ReadToEnd().starts_with("HTTP/1.1 413 "));
}

TEST_F(HttpServerTest, SlowClientsAreCutOff) {
  Start({.header_timeout = milliseconds(60),
         .body_timeout = milliseconds(60),
         .idle_timeout = milliseconds(60),
         .write_timeout = milliseconds(100),
         .linger_timeout = milliseconds(60)});
  RawClient header(server_->port()), body(server_->port()), idle(server_->port()),
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
  RawClient slow(server_->port());
  slow.Send(Get("/hold"));
  Responder held = handler_.Take("/hold");
  while (server_->connections() > 1) std::this_thread::yield();  // `deaf` is cut off as well
  held.Send({.body = "late\n"});
  EXPECT_TRUE(slow.ReadUntil("late\n").ends_with("late\n"));
  EXPECT_LT(deaf.ReadToEnd().size(), size_t{8} << 20);
}

TEST_F(HttpServerTest, TooManyConnections) {
  Start({.max_connections = 1});
  RawClient first(server_->port());
  first.Send(Get("/echo")).ReadUntil("1\n");
  const std::string reply = RawClient(server_->port()).Send(Get("/echo")).ReadToEnd();
  EXPECT_TRUE(reply.starts_with("HTTP/1.1 503 ")) << reply;
  EXPECT_NE(reply.find("Retry-After: 1"), std::string::npos);
  EXPECT_TRUE(first.Send(Get("/echo")).ReadUntil("1\n").starts_with("HTTP/1.1 200"));
}

TEST_F(HttpServerTest, HeadersThatWouldSplitTheReplyAreLeftOut) {
  Start();
  RawClient c(server_->port());
  const std::string reply = c.Send(Get("/split", "Connection: close\r\n")).ReadToEnd();
  EXPECT_EQ(reply.find("Set-Cookie"), std::string::npos);
  EXPECT_NE(reply.find("\r\nX-Good: yes\r\n"), std::string::npos);
}

TEST_F(HttpServerTest, DrainAnswersWhatIsInFlightAndClosesTheIdle) {
  Start();
  RawClient idle(server_->port()), busy(server_->port());
  idle.Send(Get("/echo")).ReadUntil("1\n");
  busy.Send(Get("/hold"));
  Responder held = handler_.Take("/hold");
  auto drained = std::async(std::launch::async, [&] { return server_->Drain(milliseconds(5000)); });
  EXPECT_EQ(idle.ReadToEnd(), "");
  EXPECT_FALSE(RawClient(server_->port()).connected());
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
  RawClient kept(server_->port());
  kept.Send(Get("/echo")).ReadUntil("1\n");
  // As long as Stop lets it.
  auto drained = std::async(std::launch::async, [&] {
    return server_->Drain(std::chrono::hours(1), std::chrono::hours(1));
  });
  // An open connection learns that it ends with its next reply, not before.
  std::string reply;
  while (reply.find("Connection: close\r\n") == std::string::npos) {
    reply = kept.Send(Get("/echo")).ReadUntil("1\n");
    ASSERT_TRUE(reply.starts_with("HTTP/1.1 200 ")) << reply;
  }
  // New ones are served all the while, and end in the same way.
  for (int i = 0; i < 3; ++i) {
    RawClient late(server_->port());
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
  RawClient busy(server_->port());
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
    RawClient c(server_->port());
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
      // An unknown coding or version; nothing else is our fault.
      EXPECT_TRUE(status.empty() || status == "501" || status == "505") << bytes << reply;
    }
  }
  RawClient c(server_->port());
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
      RawClient c((*server)->port());
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

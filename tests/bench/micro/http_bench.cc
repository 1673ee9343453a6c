// A request's header, its target and its route.

#include <benchmark/benchmark.h>

#include <string>

#include "gateway/api/route_table.h"
#include "libs/http/message.h"
#include "libs/http/request_parser.h"

namespace gatehouse {
namespace {

// As the node SDK sends it.
constexpr char kHeader[] =
    "POST /appid-a1/t1/recipe/session/verify HTTP/1.1\r\n"
    "Host: 127.0.0.1:3567\r\n"
    "cdi-version: 5.4\r\n"
    "content-type: application/json; charset=utf-8\r\n"
    "api-key: some-key-of-twenty-characters\r\n"
    "rid: session\r\n"
    "Accept: */*\r\n"
    "Accept-Encoding: gzip,deflate\r\n"
    "User-Agent: node-fetch/1.0\r\n"
    "Connection: keep-alive\r\n"
    "Content-Length: 0\r\n"
    "\r\n";

void ReadHeader(benchmark::State& state) {
  const http::ServerOptions options;
  for (auto _ : state) {
    http::RequestParser parser(options);
    boost::beast::error_code ec;
    benchmark::DoNotOptimize(parser.Read(kHeader, ec));
    if (ec || !parser.is_header_done()) return state.SkipWithError("not read");
  }
}
BENCHMARK(ReadHeader);

void ParseTarget(benchmark::State& state) {
  for (auto _ : state) {
    benchmark::DoNotOptimize(http::ParseTarget(
        "/appid-a1/t1/users?limit=100&timeJoinedOrder=ASC&email=a%40example.com"));
  }
}
BENCHMARK(ParseTarget);

void FindRoute(benchmark::State& state) {
  gateway::RouteTable routes;
  for (const char* path :
       {"/hello", "/users", "/users/count", "/recipe/signin", "/recipe/signup", "/recipe/session",
        "/recipe/session/verify", "/recipe/session/refresh", "/recipe/user/metadata"}) {
    routes.Add({.method = gateway::HttpMethod::kPost,
                .path = path,
                .service = "session",
                .handler = nullptr});
  }
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        routes.Find(gateway::HttpMethod::kPost, "/appid-a1/t1/recipe/session/verify"));
  }
}
BENCHMARK(FindRoute);

}  // namespace
}  // namespace gatehouse

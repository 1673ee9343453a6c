// The least that an HTTP server on Boost.Beast costs: every request is answered with "Hello", by as
// many threads as the gateway has. Usage: bare_hello PORT [THREADS]

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;

asio::awaitable<void> Serve(asio::ip::tcp::socket socket) {
  try {
    socket.set_option(asio::ip::tcp::no_delay(true));
    for (boost::beast::flat_buffer buffer;;) {
      http::request<http::string_body> request;
      co_await http::async_read(socket, buffer, request, asio::use_awaitable);
      http::response<http::string_body> response(http::status::ok, request.version());
      response.set(http::field::content_type, "text/html;charset=UTF-8");
      response.body() = "Hello\n";
      response.prepare_payload();
      co_await http::async_write(socket, response, asio::use_awaitable);
    }
  } catch (const boost::system::system_error&) {  // its client is gone
  }
}

asio::awaitable<void> Listen(asio::ip::tcp::acceptor acceptor,
                             std::vector<asio::io_context>& loops) {
  for (size_t next = 0;; next = (next + 1) % loops.size()) {
    asio::ip::tcp::socket socket = co_await acceptor.async_accept(loops[next], asio::use_awaitable);
    asio::co_spawn(loops[next], Serve(std::move(socket)), asio::detached);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: bare_hello PORT [THREADS]\n");
    return 2;
  }
  const auto port = static_cast<asio::ip::port_type>(std::atoi(argv[1]));
  std::vector<asio::io_context> loops(argc > 2 ? std::atoi(argv[2]) : 2);
  const asio::ip::tcp::endpoint endpoint(asio::ip::address_v4::loopback(), port);
  asio::co_spawn(loops[0], Listen(asio::ip::tcp::acceptor(loops[0], endpoint), loops),
                 asio::detached);
  std::vector<std::jthread> threads;
  for (auto& loop : loops) {
    threads.emplace_back([&loop] {
      const auto work = asio::make_work_guard(loop);
      loop.run();
    });
  }
}

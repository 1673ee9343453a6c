#pragma once

// Internal to libs/http: one I/O thread and the connections that live on it.

#include <atomic>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <condition_variable>
#include <ctime>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_set>

#include "libs/http/body_budget.h"
#include "libs/http/connection_limits.h"
#include "libs/http/server.h"

namespace gatehouse::http {

// Everything is bound to a loop's own executor. Asio's default holds one of any kind, and calls it
// indirectly several times for each operation.
using Executor = boost::asio::io_context::executor_type;
template <typename T>
using Awaitable = boost::asio::awaitable<T, Executor>;
inline constexpr auto kAwait = boost::asio::as_tuple(boost::asio::use_awaitable_t<Executor>());
using Socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, Executor>;
using AcceptorSocket = boost::asio::basic_socket_acceptor<boost::asio::ip::tcp, Executor>;
using Timer =
    boost::asio::basic_waitable_timer<std::chrono::steady_clock,
                                      boost::asio::wait_traits<std::chrono::steady_clock>, Executor>;

class Connection;

// What all loops of a server share.
struct Shared {
  explicit Shared(const ServerOptions& o)
      : options(o),
        limits(o.max_connections, o.max_connections_per_peer),
        body_budget(static_cast<int64_t>(o.max_total_body_bytes),
                    static_cast<int64_t>(o.free_body_bytes)) {}

  const ServerOptions options;
  Handler* handler = nullptr;
  std::atomic<int> connections = 0;  // open ones, including those that are turned away
  std::atomic<int> turned_away = 0;
  std::atomic<bool> draining = false;  // every reply that can be a connection's last one is
  ConnectionLimits limits;
  BodyBudget body_budget;
  std::mutex mutex;
  std::condition_variable none_left;  // connections has become 0
};

// A connection stays on its loop for life, so nothing in it needs a lock. Kept alive by its
// connections, which late replies keep alive in turn.
struct EventLoop {
  explicit EventLoop(std::shared_ptr<Shared> s) : shared(std::move(s)) {}

  std::shared_ptr<Shared> shared;
  boost::asio::io_context io{1};
  std::atomic<std::thread::id> thread_id;
  // Touched by the loop's thread only.
  std::unordered_set<std::shared_ptr<Connection>> connections;
  std::chrono::steady_clock::time_point close_idle_from =
      std::chrono::steady_clock::time_point::max();

  bool InLoop() const {
    return thread_id.load(std::memory_order_relaxed) == std::this_thread::get_id();
  }

  // Runs `f` on the loop's thread; drops it when the loop has stopped. Thread-safe.
  template <typename F>
  void Post(F f) {
    std::lock_guard lock(post_mutex_);
    if (!stopped_) boost::asio::post(io, std::move(f));
  }
  void RefusePosts() {
    std::lock_guard lock(post_mutex_);
    stopped_ = true;
  }

  // The value of the Date header, updated once a second.
  const std::string& Date() {
    const std::time_t now = std::time(nullptr);
    if (now != date_second_) {
      date_second_ = now;
      std::tm tm;
      gmtime_r(&now, &tm);
      char text[40];
      date_.assign(text, std::strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &tm));
    }
    return date_;
  }

 private:
  std::mutex post_mutex_;
  bool stopped_ = false;
  std::time_t date_second_ = 0;
  std::string date_;
};

}  // namespace gatehouse::http

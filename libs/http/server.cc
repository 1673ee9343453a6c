#include "libs/http/server.h"

#include <pthread.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "libs/http/connection.h"
#include "libs/http/event_loop.h"

namespace gatehouse::http {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

namespace {

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr int kBacklog = 4096;
// When descriptors run out, accepting again at once would spin.
constexpr milliseconds kAcceptPause{50};
constexpr milliseconds kDrainSweep{20};
// Connections past the limit that are told so with a 503; any more are just closed.
constexpr int kTurnedAway = 64;

// How often time-outs are looked at: a quarter of the shortest, so that none is late by more.
milliseconds SweepInterval(const ServerOptions& o) {
  const milliseconds shortest = std::min(
      {o.header_timeout, o.body_timeout, o.idle_timeout, o.write_timeout, o.linger_timeout});
  return std::clamp(shortest / 4, milliseconds(5), milliseconds(1000));
}

void Sweep(EventLoop& loop) {
  const Clock::time_point now = Clock::now();
  // Sweep only cancels and closes; connections leave the set from their own coroutine.
  for (const auto& connection : loop.connections) connection->Sweep(now);
}

// A coroutine that waits is owned by the loop's io_context, so it must not own the loop.
asio::awaitable<void> SweepForever(EventLoop& loop, milliseconds interval) {
  asio::steady_timer timer(loop.io);
  while (true) {
    timer.expires_after(interval);
    co_await timer.async_wait(kAwait);
    Sweep(loop);
  }
}

// Runs on the loop's thread.
void StartConnection(const std::shared_ptr<EventLoop>& loop, tcp::socket socket, bool turn_away) {
  auto connection = std::make_shared<Connection>(loop, std::move(socket), turn_away);
  loop->connections.insert(connection);
  asio::co_spawn(loop->io, connection->Run(), asio::detached);
}

}  // namespace

Responder& Responder::operator=(Responder&& other) noexcept {
  std::swap(sink_, other.sink_);
  std::swap(id_, other.id_);
  return *this;
}

Responder::~Responder() {
  if (sink_ == nullptr) return;
  Send(Response{
      .status = 500, .content_type = "text/html;charset=UTF-8", .body = "Internal Error\n"});
}

void Responder::Send(Response response) {
  if (const std::shared_ptr<ReplySink> sink = std::move(sink_)) {
    sink->Reply(id_, std::move(response));
  }
}

struct Server::Impl {
  std::shared_ptr<Shared> shared = std::make_shared<Shared>();
  std::vector<std::shared_ptr<EventLoop>> loops;
  std::vector<asio::executor_work_guard<asio::io_context::executor_type>> guards;
  std::vector<std::jthread> threads;
  // On the first loop, and touched by its thread only once that runs.
  std::vector<tcp::acceptor> acceptors;
  size_t next_loop = 0;
  bool accepting = true;
  uint16_t port = 0;
  std::mutex stop_mutex;
  bool stopped = false;

  absl::Status Bind();
  void Run();
  void Accepted(tcp::socket socket, const std::shared_ptr<EventLoop>& loop);
  asio::awaitable<void> AcceptForever(tcp::acceptor& acceptor);
  void StopAccepting();
  bool WaitForNone(milliseconds timeout);
};

absl::Status Server::Impl::Bind() {
  asio::io_context& io = loops[0]->io;
  const ServerOptions& options = shared->options;
  std::vector<asio::ip::address> addresses;
  error_code ec;
  if (options.host == "localhost") {
    addresses = {asio::ip::address_v4::loopback(), asio::ip::address_v6::loopback()};
  } else if (const auto address = asio::ip::make_address(options.host, ec); !ec) {
    addresses = {address};
  } else {
    tcp::resolver resolver(io);
    for (const auto& entry : resolver.resolve(options.host, "", ec)) {
      addresses.push_back(entry.endpoint().address());
      break;
    }
    if (addresses.empty()) {
      return absl::InvalidArgumentError(absl::StrCat("cannot resolve host ", options.host));
    }
  }
  port = options.port;
  for (const asio::ip::address& address : addresses) {
    tcp::acceptor acceptor(io);
    const tcp::endpoint endpoint(address, port);
    acceptor.open(endpoint.protocol(), ec);
    if (!ec) acceptor.set_option(asio::socket_base::reuse_address(true), ec);
    // `::` takes IPv4 as well; an IPv6 address that was named takes what it says.
    if (!ec && address.is_v6()) {
      acceptor.set_option(asio::ip::v6_only(!address.is_unspecified()), ec);
    }
    if (!ec) acceptor.bind(endpoint, ec);
    if (!ec) acceptor.listen(kBacklog, ec);
    if (ec) {
      // A machine without IPv6 still has a localhost.
      if (!acceptors.empty()) continue;
      return absl::UnavailableError(absl::StrCat("cannot listen on ", options.host, " port ",
                                                 options.port, ": ", ec.message()));
    }
    port = acceptor.local_endpoint().port();
    acceptors.push_back(std::move(acceptor));
  }
  return absl::OkStatus();
}

void Server::Impl::Run() {
  const milliseconds interval = SweepInterval(shared->options);
  for (size_t i = 0; i < loops.size(); ++i) {
    guards.push_back(asio::make_work_guard(loops[i]->io));
    asio::co_spawn(loops[i]->io, SweepForever(*loops[i], interval), asio::detached);
  }
  for (tcp::acceptor& acceptor : acceptors) {
    asio::co_spawn(loops[0]->io, AcceptForever(acceptor), asio::detached);
  }
  for (size_t i = 0; i < loops.size(); ++i) {
    threads.emplace_back([loop = loops[i], i] {
      pthread_setname_np(pthread_self(), ("http-" + std::to_string(i)).c_str());
      loop->thread_id = std::this_thread::get_id();
      loop->io.run();
    });
  }
}

asio::awaitable<void> Server::Impl::AcceptForever(tcp::acceptor& acceptor) {
  asio::steady_timer pause(loops[0]->io);
  while (accepting) {
    const size_t i = next_loop++ % loops.size();
    auto [ec, socket] = co_await acceptor.async_accept(loops[i]->io, kAwait);
    if (!accepting && ec) co_return;
    if (ec) {
      pause.expires_after(kAcceptPause);
      co_await pause.async_wait(kAwait);
      continue;
    }
    Accepted(std::move(socket), loops[i]);
  }
}

void Server::Impl::Accepted(tcp::socket socket, const std::shared_ptr<EventLoop>& loop) {
  const int count = ++shared->connections;
  const int limit = shared->options.max_connections;
  if (count > limit + kTurnedAway) {
    --shared->connections;
    return;
  }
  loop->Post([loop, socket = std::move(socket), turn_away = count > limit]() mutable {
    StartConnection(loop, std::move(socket), turn_away);
  });
}

// On the first loop's thread. Clients in the backlog have connected: they are served as well.
void Server::Impl::StopAccepting() {
  if (!accepting) return;
  accepting = false;
  for (tcp::acceptor& acceptor : acceptors) {
    error_code ec;
    acceptor.non_blocking(true, ec);
    while (!ec) {
      const std::shared_ptr<EventLoop>& loop = loops[next_loop++ % loops.size()];
      tcp::socket socket(loop->io);
      acceptor.accept(socket, ec);
      if (!ec) Accepted(std::move(socket), loop);
    }
    acceptor.close(ec);
  }
}

bool Server::Impl::WaitForNone(milliseconds timeout) {
  std::unique_lock lock(shared->mutex);
  return shared->none_left.wait_for(lock, timeout, [&] { return shared->connections == 0; });
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() { Stop(); }

absl::StatusOr<std::unique_ptr<Server>> Server::Create(const ServerOptions& options,
                                                       Handler* handler) {
  auto impl = std::make_unique<Impl>();
  impl->shared->options = options;
  impl->shared->handler = handler;
  for (int i = 0; i < std::max(1, options.threads); ++i) {
    impl->loops.push_back(std::make_shared<EventLoop>(impl->shared));
  }
  if (absl::Status status = impl->Bind(); !status.ok()) {
    return status;
  }
  impl->Run();
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

uint16_t Server::port() const { return impl_->port; }
int Server::connections() const { return impl_->shared->connections; }

bool Server::Drain(milliseconds timeout) {
  const Clock::time_point end = Clock::now() + timeout;
  // The backlog is taken in first, so that the wait below counts it.
  std::mutex mutex;
  std::condition_variable done;
  bool closed = false;
  {
    std::lock_guard stop_lock(impl_->stop_mutex);
    if (impl_->stopped) return true;
    asio::post(impl_->loops[0]->io, [&] {
      impl_->StopAccepting();
      // Once more through the loop: a connection may have been accepted just before and wait there
      // to be counted.
      asio::post(impl_->loops[0]->io, [&] {
        std::lock_guard lock(mutex);
        closed = true;
        done.notify_all();
      });
    });
    std::unique_lock lock(mutex);
    done.wait(lock, [&] { return closed; });
  }
  for (const auto& loop : impl_->loops) {
    loop->Post([loop] {
      loop->draining = true;
      loop->close_idle_from = Clock::now() + loop->shared->options.drain_idle_grace;
      asio::co_spawn(loop->io, SweepForever(*loop, kDrainSweep), asio::detached);
    });
  }
  return impl_->WaitForNone(
      std::chrono::ceil<milliseconds>(std::max(end - Clock::now(), Clock::duration::zero())));
}

void Server::Stop() {
  std::lock_guard stop_lock(impl_->stop_mutex);
  if (impl_->stopped) return;
  impl_->stopped = true;
  asio::post(impl_->loops[0]->io, [this] { impl_->StopAccepting(); });
  // Connections end from their own coroutine once closed. Those of the backlog may come a moment
  // later than the first closing, hence the rounds.
  do {
    for (const auto& loop : impl_->loops) {
      loop->Post([loop] {
        for (const auto& connection : loop->connections) connection->Close();
      });
    }
  } while (!impl_->WaitForNone(milliseconds(100)));
  for (const auto& loop : impl_->loops) {
    loop->RefusePosts();
    loop->io.stop();
  }
  impl_->threads.clear();
  impl_->guards.clear();
  for (const auto& loop : impl_->loops) {
    // Late replies that were posted hold the loop; run them so that nothing keeps itself alive.
    loop->thread_id = std::this_thread::get_id();
    loop->io.restart();
    loop->io.poll();
    loop->thread_id = std::thread::id();
  }
}

}  // namespace gatehouse::http

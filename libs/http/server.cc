#include "libs/http/server.h"

#include <pthread.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "libs/http/acceptor.h"
#include "libs/http/connection.h"
#include "libs/http/event_loop.h"

namespace gatehouse::http {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds kDrainSweep{20};

// How often time-outs are checked: a quarter of the shortest, so that none is late by more.
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

// A waiting coroutine is owned by the loop's io_context, so it must not own the loop.
Awaitable<void> SweepForever(EventLoop& loop, milliseconds interval) {
  Timer timer(loop.io);
  while (true) {
    timer.expires_after(interval);
    co_await timer.async_wait(kAwait);
    Sweep(loop);
  }
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

void Responder::ReadBody(std::string app, BodyCallback then) {
  // The callback may destroy this responder.
  if (const std::shared_ptr<ReplySink> sink = sink_) {
    sink->ReadBody(id_, std::move(app), std::move(then));
  }
}

void Responder::Send(Response response) {
  if (const std::shared_ptr<ReplySink> sink = std::move(sink_)) {
    sink->Reply(id_, std::move(response));
  }
}

struct Server::Impl {
  explicit Impl(const ServerOptions& options) : shared(std::make_shared<Shared>(options)) {
    for (int i = 0; i < std::max(1, options.threads); ++i) {
      loops.push_back(std::make_shared<EventLoop>(shared));
    }
    acceptor = std::make_unique<Acceptor>(loops);
  }

  void Run();
  bool WaitForNone(milliseconds timeout);
  // Runs `f` on the loop's thread and waits until it is done.
  template <typename F>
  static void RunOn(EventLoop& loop, F f);

  const std::shared_ptr<Shared> shared;
  std::vector<std::shared_ptr<EventLoop>> loops;
  std::unique_ptr<Acceptor> acceptor;
  std::vector<asio::executor_work_guard<asio::io_context::executor_type>> guards;
  std::vector<std::jthread> threads;
  std::mutex stop_mutex;
  std::condition_variable stop_called;
  bool stopped = false;
};

void Server::Impl::Run() {
  const milliseconds interval = SweepInterval(shared->options);
  for (const auto& loop : loops) {
    guards.push_back(asio::make_work_guard(loop->io));
    asio::co_spawn(loop->io, SweepForever(*loop, interval), asio::detached);
  }
  acceptor->Start();
  for (size_t i = 0; i < loops.size(); ++i) {
    threads.emplace_back([loop = loops[i], i] {
      pthread_setname_np(pthread_self(), ("http-" + std::to_string(i)).c_str());
      loop->thread_id = std::this_thread::get_id();
      loop->io.run();
    });
  }
}

bool Server::Impl::WaitForNone(milliseconds timeout) {
  std::unique_lock lock(shared->mutex);
  return shared->none_left.wait_for(lock, timeout, [&] { return shared->connections == 0; });
}

template <typename F>
void Server::Impl::RunOn(EventLoop& loop, F f) {
  std::mutex mutex;
  std::condition_variable changed;
  bool done = false;
  asio::post(loop.io, [&] {
    f();
    std::lock_guard lock(mutex);
    done = true;
    changed.notify_all();
  });
  std::unique_lock lock(mutex);
  changed.wait(lock, [&] { return done; });
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() { Stop(); }

absl::StatusOr<std::unique_ptr<Server>> Server::Create(const ServerOptions& options,
                                                       Handler* handler) {
  auto impl = std::make_unique<Impl>(options);
  impl->shared->handler = handler;
  if (absl::Status status = impl->acceptor->Bind(); !status.ok()) {
    return status;
  }
  impl->Run();
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

uint16_t Server::port() const { return impl_->acceptor->port(); }
int Server::connections() const { return impl_->shared->connections; }

void Server::LimitConnections(int total, int per_peer) {
  impl_->shared->limits.Set(total, per_peer);
}

std::function<Server::Stats()> Server::StatsReader() const {
  return [shared = impl_->shared] { return Stats{shared->connections, shared->limits.refused()}; };
}

bool Server::Drain(milliseconds timeout, milliseconds accept_for) {
  const Clock::time_point end = Clock::now() + timeout;
  const Clock::time_point accept_end = Clock::now() + std::min(accept_for, timeout);
  {
    std::lock_guard stop_lock(impl_->stop_mutex);
    if (impl_->stopped) return true;
    impl_->shared->draining = true;
  }
  {
    std::unique_lock stop_lock(impl_->stop_mutex);
    impl_->stop_called.wait_until(stop_lock, accept_end, [&] { return impl_->stopped; });
    if (impl_->stopped) return true;
    // The backlog is accepted first, so that the wait below counts it.
    Impl::RunOn(*impl_->loops[0], [&] { impl_->acceptor->Stop(); });
    // Once more through the loop: a connection accepted just before may still be waiting there to
    // be counted.
    Impl::RunOn(*impl_->loops[0], [] {});
  }
  for (const auto& loop : impl_->loops) {
    loop->Post([loop] {
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
  impl_->stop_called.notify_all();
  asio::post(impl_->loops[0]->io, [this] { impl_->acceptor->Stop(); });
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
    // Late replies that were posted keep the loop alive; run them so that nothing keeps itself
    // alive.
    loop->thread_id = std::this_thread::get_id();
    loop->io.restart();
    loop->io.poll();
    loop->thread_id = std::thread::id();
  }
}

}  // namespace gatehouse::http

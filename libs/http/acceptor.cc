#include "libs/http/acceptor.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/v6_only.hpp>

#include "absl/strings/str_cat.h"
#include "libs/http/connection.h"
#include "libs/http/reply_format.h"

namespace gatehouse::http {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr int kBacklog = 4096;
// When descriptors run out, accepting again at once would spin.
constexpr std::chrono::milliseconds kAcceptPause{50};
// Clients that are refused in one go when there are no descriptors.
constexpr int kRefusedAtOnce = 64;
// Connections beyond a limit whose request is awaited, so that the 503 is sure to arrive; more are
// answered without waiting.
constexpr int kTurnedAway = 64;

// Answers 503 and closes, without waiting for anything.
void Refuse(Socket socket, std::string_view date) {
  error_code ec;
  socket.non_blocking(true, ec);
  // Reads what the client has sent, or closing would reset the connection before the reply arrives.
  std::array<char, 16 * 1024> request;
  socket.read_some(asio::buffer(request), ec);
  std::string reply;
  AppendReply(PlainError(503), {.close = true}, date, reply);
  socket.write_some(asio::buffer(reply), ec);
  socket.shutdown(Socket::shutdown_send, ec);
}

bool IsThisMachine(const asio::ip::address& address) {
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).is_loopback();
  }
  return address.is_loopback();
}

// Runs on the loop's thread.
void StartConnection(const std::shared_ptr<EventLoop>& loop, Socket socket, std::string peer,
                     bool turn_away) {
  auto connection =
      std::make_shared<Connection>(loop, std::move(socket), std::move(peer), turn_away);
  loop->connections.insert(connection);
  asio::co_spawn(loop->io, connection->Run(), asio::detached);
}

}  // namespace

Acceptor::Acceptor(const std::vector<std::shared_ptr<EventLoop>>& loops)
    : loops_(loops), shared_(*loops[0]->shared) {
  OpenSpare();
}

Acceptor::~Acceptor() {
  if (spare_ >= 0) close(spare_);
}

void Acceptor::OpenSpare() {
  if (spare_ < 0) spare_ = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

absl::Status Acceptor::Bind() {
  asio::io_context& io = loops_[0]->io;
  const ServerOptions& options = shared_.options;
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
  port_ = options.port;
  for (const asio::ip::address& address : addresses) {
    AcceptorSocket acceptor(io);
    const tcp::endpoint endpoint(address, port_);
    acceptor.open(endpoint.protocol(), ec);
    if (!ec) acceptor.set_option(asio::socket_base::reuse_address(true), ec);
    // `::` takes IPv4 as well; a specific IPv6 address takes IPv6 only.
    if (!ec && address.is_v6()) {
      acceptor.set_option(asio::ip::v6_only(!address.is_unspecified()), ec);
    }
    if (!ec) acceptor.bind(endpoint, ec);
    if (!ec) acceptor.listen(kBacklog, ec);
    if (ec) {
      // A machine without IPv6 still has a localhost.
      if (!acceptors_.empty()) continue;
      return absl::UnavailableError(absl::StrCat("cannot listen on ", options.host, " port ",
                                                 options.port, ": ", ec.message()));
    }
    port_ = acceptor.local_endpoint().port();
    acceptors_.push_back(std::move(acceptor));
  }
  return absl::OkStatus();
}

void Acceptor::Start() {
  for (AcceptorSocket& acceptor : acceptors_) {
    asio::co_spawn(loops_[0]->io, AcceptForever(acceptor), asio::detached);
  }
}

Awaitable<void> Acceptor::AcceptForever(AcceptorSocket& acceptor) {
  Timer pause(loops_[0]->io);
  while (accepting_) {
    const std::shared_ptr<EventLoop>& loop = NextLoop();
    auto [ec, socket] = co_await acceptor.async_accept(loop->io, kAwait);
    if (!accepting_ && ec) co_return;
    if (ec) {
      const bool no_descriptor = ec == asio::error::no_descriptors ||
                                 ec == error_code(ENFILE, boost::system::system_category());
      if (no_descriptor) RefuseWithSpare(acceptor);
      pause.expires_after(kAcceptPause);
      co_await pause.async_wait(kAwait);
      continue;
    }
    Accepted(std::move(socket), loop);
  }
}

void Acceptor::Accepted(Socket socket, const std::shared_ptr<EventLoop>& loop) {
  error_code ec;
  const asio::ip::address remote = socket.remote_endpoint(ec).address();
  const bool limited = !ec && (shared_.options.limit_this_machine || !IsThisMachine(remote));
  std::string peer = limited ? PeerOf(remote) : "";
  const std::string_view limit = shared_.limits.Enter(peer);
  const bool turn_away = !limit.empty();
  if (turn_away) {
    shared_.limits.NoteRefusal(limit);
    if (shared_.turned_away >= kTurnedAway) return Refuse(std::move(socket), loops_[0]->Date());
    ++shared_.turned_away;
  }
  ++shared_.connections;
  loop->Post([loop, socket = std::move(socket), peer = std::move(peer), turn_away]() mutable {
    StartConnection(loop, std::move(socket), std::move(peer), turn_away);
  });
}

void Acceptor::RefuseWithSpare(AcceptorSocket& acceptor) {
  error_code ec;
  acceptor.non_blocking(true, ec);
  for (int i = 0; i < kRefusedAtOnce && !ec; ++i) {
    if (spare_ >= 0) close(std::exchange(spare_, -1));
    {
      Socket socket(loops_[0]->io);
      acceptor.accept(socket, ec);
      if (!ec) {
        shared_.limits.NoteRefusal("descriptors");
        Refuse(std::move(socket), loops_[0]->Date());
      }
    }
    OpenSpare();
  }
}

void Acceptor::Stop() {
  if (!accepting_) return;
  accepting_ = false;
  for (AcceptorSocket& acceptor : acceptors_) {
    error_code ec;
    acceptor.non_blocking(true, ec);
    while (!ec) {
      const std::shared_ptr<EventLoop>& loop = NextLoop();
      Socket socket(loop->io);
      acceptor.accept(socket, ec);
      if (!ec) Accepted(std::move(socket), loop);
    }
    acceptor.close(ec);
  }
}

}  // namespace gatehouse::http

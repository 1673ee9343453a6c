#include "libs/http/client.h"

#include <boost/asio/connect.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <chrono>
#include <optional>

#include "libs/base/status.h"
#include "libs/base/strings.h"

namespace gatehouse::http {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using boost::system::error_code;

constexpr uint64_t kMaxReplyBytes = 64ull * 1024 * 1024;

absl::Status Away(error_code error) { return absl::UnavailableError(error.message()); }

}  // namespace

// One connection, plain or encrypted.
class Client::Connection {
 public:
  // Sets up encryption; FailedPrecondition when the system's certificates can't be read.
  absl::Status Open(const Url& url, absl::Duration timeout) {
    error_code failed;
    const auto addresses = asio::ip::tcp::resolver(context_).resolve(url.host, url.port, failed);
    if (failed) return Away(failed);
    if (url.encrypted) {
      tls_.set_default_verify_paths(failed);
      if (failed) return absl::FailedPreconditionError(failed.message());
      tls_.set_verify_mode(asio::ssl::verify_peer);
      encrypted_.emplace(stream_, tls_);
      encrypted_->set_verify_callback(asio::ssl::host_name_verification(url.host));
      if (SSL_set_tlsext_host_name(encrypted_->native_handle(), url.host.c_str()) != 1) {
        return absl::FailedPreconditionError("the server's name can't be sent");
      }
    }
    StartClock(timeout);
    RETURN_IF_ERROR(Wait([&](auto done) { stream_.async_connect(addresses, done); }));
    stream_.socket().set_option(asio::ip::tcp::no_delay(true), failed);
    if (!encrypted_) return absl::OkStatus();
    return Wait(
        [&](auto done) { encrypted_->async_handshake(asio::ssl::stream_base::client, done); });
  }

  // Whether the server has not closed it. What it sends unasked ends it too.
  bool LooksOpen() {
    error_code failed;
    stream_.socket().non_blocking(true, failed);
    char byte;
    stream_.socket().receive(asio::buffer(&byte, 1), asio::socket_base::message_peek, failed);
    const bool open = failed == asio::error::would_block;
    stream_.socket().non_blocking(false, failed);
    return open;
  }

  absl::StatusOr<ClientReply> Exchange(
      const beast::http::request<beast::http::string_body>& request, absl::Duration timeout,
      bool& keep) {
    beast::http::response_parser<beast::http::string_body> parser;
    parser.body_limit(kMaxReplyBytes);
    StartClock(timeout);
    RETURN_IF_ERROR(With([&](auto& stream) {
      return Wait([&](auto done) { beast::http::async_write(stream, request, done); });
    }));
    RETURN_IF_ERROR(With([&](auto& stream) {
      return Wait([&](auto done) { beast::http::async_read(stream, buffer_, parser, done); });
    }));
    keep = parser.get().keep_alive();
    ClientReply reply;
    reply.status = static_cast<int>(parser.get().result_int());
    reply.date = std::string(parser.get()[beast::http::field::date]);
    reply.body = std::move(parser.get().body());
    return reply;
  }

 private:
  void StartClock(absl::Duration timeout) {
    stream_.expires_after(std::chrono::milliseconds(absl::ToInt64Milliseconds(timeout)));
  }

  // Runs one asynchronous operation to its end: those obey the stream's clock.
  template <typename Start>
  absl::Status Wait(Start start) {
    error_code failed;
    start([&failed](error_code error, auto&&...) { failed = error; });
    context_.restart();
    context_.run();
    return failed ? Away(failed) : absl::OkStatus();
  }

  template <typename Body>
  absl::Status With(Body body) {
    return encrypted_ ? body(*encrypted_) : body(stream_);
  }

  asio::io_context context_;
  asio::ssl::context tls_{asio::ssl::context::tls_client};
  beast::tcp_stream stream_{context_};
  std::optional<beast::ssl_stream<beast::tcp_stream&>> encrypted_;
  beast::flat_buffer buffer_;
};

Client::Client(const Url& url, Headers headers) : url_(url), headers_(std::move(headers)) {}

Client::~Client() = default;

absl::StatusOr<ClientReply> Client::Send(std::string_view method, std::string_view target,
                                         std::string_view body, absl::Duration timeout) {
  if (connection_ && !connection_->LooksOpen()) connection_.reset();
  if (!connection_) {
    auto connection = std::make_unique<Connection>();
    RETURN_IF_ERROR(connection->Open(url_, timeout));
    connection_ = std::move(connection);
  }
  beast::http::request<beast::http::string_body> request;
  request.version(11);
  request.method_string(beast::string_view(method.data(), method.size()));
  request.target(beast::string_view(target.data(), target.size()));
  request.set(beast::http::field::host, url_.authority());
  for (const auto& [name, value] : headers_) request.set(name, value);
  if (!body.empty()) {
    request.set(beast::http::field::content_type, "application/json; charset=utf-8");
    request.body().assign(body);
  }
  request.prepare_payload();
  bool keep = false;
  absl::StatusOr<ClientReply> reply = connection_->Exchange(request, timeout, keep);
  if (!keep) connection_.reset();
  return reply;
}

}  // namespace gatehouse::http

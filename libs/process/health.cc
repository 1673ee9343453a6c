#include "libs/process/health.h"

#include <boost/asio/connect.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/src.hpp>  // used as headers only
#include <chrono>
#include <iostream>

#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/process/configuration.h"

namespace gatehouse::process {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using boost::system::error_code;

constexpr std::chrono::seconds kTimeout{3};
constexpr uint64_t kMaxReplyBytes = 64 * 1024;

struct Target {
  std::string host, port, path;
};

absl::StatusOr<Target> ReadUrl(const std::string& text) {
  const auto url = boost::urls::parse_uri(text);
  if (!url.has_value() || url->scheme() != "http" || url->host_address().empty()) {
    return BadInput("--url must be http://HOST[:PORT][/PATH]");
  }
  const std::string path(url->encoded_target());
  return Target{url->host_address(), url->has_port() ? std::string(url->port()) : "80",
                path.empty() ? "/" : path};
}

absl::StatusOr<Target> TargetOf(const CommandLine& line) {
  if (!line.url.empty()) return ReadUrl(line.url);
  ASSIGN_OR_RETURN(const config::ProcessConfig config, config::LoadProcessConfig(SourcesOf(line)));
  if (config.admin_port == 0) {
    return BadInput("gatehouse_admin_port is 0: give --url http://HOST:PORT/hello");
  }
  std::string host = config.admin_host;
  if (host == "0.0.0.0") host = "127.0.0.1";
  if (host == "::") host = "::1";
  return Target{host, std::to_string(config.admin_port), "/readyz"};
}

// One GET; the stream's deadline bounds all of its steps.
class Probe {
 public:
  explicit Probe(Target target) : target_(std::move(target)), request_(beast::http::verb::get,
                                                                       target_.path, 11) {
    request_.set(beast::http::field::host, target_.host);
    request_.set(beast::http::field::connection, "close");
    reply_.body_limit(kMaxReplyBytes);
  }

  absl::Status Run() {
    error_code failed;
    const auto addresses = asio::ip::tcp::resolver(context_).resolve(target_.host, target_.port,
                                                                     failed);
    if (failed) return Away(failed);
    stream_.expires_after(kTimeout);
    stream_.async_connect(addresses, [&](error_code error, const auto&) {
      if (error) {
        failed = error;
        return;
      }
      beast::http::async_write(stream_, request_, [&](error_code error, size_t) {
        if (error) {
          failed = error;
          return;
        }
        beast::http::async_read(stream_, buffer_, reply_,
                                [&](error_code error, size_t) { failed = error; });
      });
    });
    context_.run();
    if (failed) return Away(failed);
    const unsigned status = reply_.get().result_int();
    if (status / 100 == 2) return absl::OkStatus();
    return absl::UnavailableError(StrCat("answers ", std::to_string(status)));
  }

 private:
  static absl::Status Away(error_code error) { return absl::UnavailableError(error.message()); }

  const Target target_;
  asio::io_context context_;
  beast::tcp_stream stream_{context_};
  beast::http::request<beast::http::empty_body> request_;
  beast::flat_buffer buffer_;
  beast::http::response_parser<beast::http::string_body> reply_;
};

}  // namespace

int CheckHealth(const CommandLine& line) {
  const auto target = TargetOf(line);
  if (!target.ok()) {
    std::cerr << "gatehouse: " << target.status().message() << "\n";
    return 1;
  }
  const absl::Status status = Probe(*target).Run();
  if (status.ok()) return 0;
  std::cerr << "gatehouse: " << target->host << ":" << target->port << target->path << ": "
            << status.message() << "\n";
  return 1;
}

}  // namespace gatehouse::process

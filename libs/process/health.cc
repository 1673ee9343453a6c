#include "libs/process/health.h"

#include <boost/asio/connect.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <functional>
#include <iostream>
#include <optional>

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

// http://host[:port][/path]; an IPv6 address in brackets.
absl::StatusOr<Target> ReadUrl(std::string_view url) {
  constexpr std::string_view kScheme = "http://";
  if (!url.starts_with(kScheme)) return BadInput("--url must begin with http://");
  url.remove_prefix(kScheme.size());
  Target target;
  const size_t slash = url.find('/');
  target.path = slash == std::string_view::npos ? "/" : url.substr(slash);
  std::string_view authority = url.substr(0, slash);
  const size_t colon = authority.rfind(':');
  const bool has_port = colon != std::string_view::npos &&
                        authority.find(']', colon) == std::string_view::npos;
  target.port = has_port ? authority.substr(colon + 1) : "80";
  if (has_port) authority = authority.substr(0, colon);
  if (authority.size() > 2 && authority.front() == '[' && authority.back() == ']') {
    authority = authority.substr(1, authority.size() - 2);
  }
  target.host = authority;
  if (target.host.empty() || target.port.empty()) return BadInput("--url names no host");
  return target;
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

// One GET, each step of which is bounded by the stream's one deadline.
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

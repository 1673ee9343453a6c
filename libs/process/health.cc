#include "libs/process/health.h"

#include <iostream>

#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/http/client.h"
#include "libs/http/url.h"
#include "libs/process/configuration.h"

namespace gatehouse::process {
namespace {

constexpr absl::Duration kTimeout = absl::Seconds(3);

absl::StatusOr<http::Url> ReadUrl(const std::string& text) {
  auto url = http::ParseUrl(text);
  if (!url.ok() || url->encrypted) return BadInput("--url must be http://HOST[:PORT][/PATH]");
  return url;
}

absl::StatusOr<http::Url> TargetOf(const CommandLine& line) {
  if (!line.url.empty()) return ReadUrl(line.url);
  ASSIGN_OR_RETURN(const config::ProcessConfig config, config::LoadProcessConfig(SourcesOf(line)));
  if (config.admin_port == 0) {
    return BadInput("gatehouse_admin_port is 0: give --url http://HOST:PORT/hello");
  }
  std::string host = config.admin_host;
  if (host == "0.0.0.0") host = "127.0.0.1";
  if (host == "::") host = "::1";
  return http::Url{.host = host, .port = std::to_string(config.admin_port), .path = "/readyz"};
}

absl::Status Probe(const http::Url& target) {
  http::Client client(target, {{"Connection", "close"}});
  ASSIGN_OR_RETURN(const http::ClientReply reply, client.Send("GET", target.path, "", kTimeout));
  if (reply.status / 100 == 2) return absl::OkStatus();
  return absl::UnavailableError(StrCat("answers ", std::to_string(reply.status)));
}

}  // namespace

int CheckHealth(const CommandLine& line) {
  const auto target = TargetOf(line);
  if (!target.ok()) {
    std::cerr << "gatehouse: " << target.status().message() << "\n";
    return 1;
  }
  const absl::Status status = Probe(*target);
  if (status.ok()) return 0;
  std::cerr << "gatehouse: " << target->host << ":" << target->port << target->path << ": "
            << status.message() << "\n";
  return 1;
}

}  // namespace gatehouse::process

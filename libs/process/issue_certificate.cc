#include "libs/process/issue_certificate.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <iostream>

#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/config/process_config.h"
#include "libs/process/configuration.h"
#include "libs/rpc/policy.h"
#include "libs/rpc/secret_authority.h"

namespace gatehouse::process {
namespace {

absl::Status WriteNewFile(const std::string& path, const std::string& text, mode_t mode) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  const bool written =
      fd >= 0 && ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  const int error = errno;
  if (fd >= 0) ::close(fd);
  return written ? absl::OkStatus() : BadInput(StrCat(path, ": ", std::strerror(error)));
}

absl::Status Issue(const CommandLine& line) {
  if (line.out.empty()) return BadInput("issue-certificate needs --out DIR");
  const std::string name = line.name.empty() ? std::string(rpc::callers::kClient) : line.name;
  const auto services = config::ServiceNames();
  if (name != rpc::callers::kClient &&
      std::find(services.begin(), services.end(), name) == services.end()) {
    return BadInput(StrCat("--name must be client or a service's name, not ", name));
  }
  ASSIGN_OR_RETURN(const config::ProcessConfig config, config::LoadProcessConfig(SourcesOf(line)));
  if (config.internal_secret.empty()) {
    return BadInput("gatehouse_internal_secret is not set: there is nothing to make it from");
  }
  ASSIGN_OR_RETURN(const rpc::TransportSecurity made,
                   rpc::SecurityFromSecret(config.internal_secret, {name}));
  std::error_code error;
  std::filesystem::create_directories(line.out, error);
  if (error) return BadInput(StrCat(line.out, ": ", error.message()));
  RETURN_IF_ERROR(WriteNewFile(StrCat(line.out, "/", name, ".key"), made.private_key_pem, 0600));
  RETURN_IF_ERROR(WriteNewFile(StrCat(line.out, "/", name, ".crt"), made.certificate_pem, 0644));
  return WriteNewFile(StrCat(line.out, "/ca.crt"), made.ca_pem, 0644);
}

}  // namespace

int IssueCertificate(const CommandLine& line) {
  const absl::Status status = Issue(line);
  if (status.ok()) return 0;
  std::cerr << "gatehouse: " << status.message() << "\n";
  return 1;
}

}  // namespace gatehouse::process

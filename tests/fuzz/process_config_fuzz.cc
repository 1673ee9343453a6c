// config.yaml: whatever is in it, all that is wrong is said by key, and nothing else happens.

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "libs/config/process_config.h"
#include "tests/fuzz/check.h"

namespace config = gatehouse::config;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // `<key>_file` names files of this machine, devices that never end among them.
  if (std::string_view(reinterpret_cast<const char*>(data), size).find("_file") !=
      std::string_view::npos)
    return 0;
  static const int fd = ::memfd_create("config.yaml", 0);
  FUZZ_CHECK(fd >= 0 && ::ftruncate(fd, 0) == 0);
  FUZZ_CHECK(::pwrite(fd, data, size, 0) == static_cast<ssize_t>(size));
  config::ConfigSources sources;
  sources.yaml_path = "/proc/self/fd/" + std::to_string(fd);
  const config::ConfigReport report = config::CheckProcessConfig(sources);
  for (const config::ConfigProblem& problem : report.problems) FUZZ_CHECK(!problem.text.empty());
  FUZZ_CHECK(report.problems.empty() == config::LoadProcessConfig(sources).ok());
  if (report.problems.empty()) FUZZ_CHECK(report.config.core != nullptr);
  return 0;
}

#include "libs/process/secret_argument.h"

#include <cstdlib>
#include <optional>

#include "absl/strings/ascii.h"
#include "libs/base/read_file.h"
#include "libs/base/strings.h"

namespace gatehouse::process {
namespace {
constexpr size_t kMaxBytes = 64 * 1024;
}  // namespace

absl::StatusOr<std::string> SecretArgument(const std::string& file, const char* variable,
                                           std::string_view what) {
  if (file.empty()) {
    const char* const value = std::getenv(variable);
    return std::string(value == nullptr ? "" : value);
  }
  const std::string text = ReadFile(file, kMaxBytes).value_or("");
  const std::string line = text.substr(0, text.find('\n'));
  const absl::string_view secret = absl::StripAsciiWhitespace(line);
  if (secret.empty()) return absl::InvalidArgumentError(StrCat(file, " has no ", what));
  return std::string(secret);
}

}  // namespace gatehouse::process

#include "services/saml/saml_time.h"

#include <string>

#include "absl/time/time.h"
#include "libs/base/strings.h"

namespace gatehouse::saml {
namespace {

constexpr size_t kMaxBytes = 64;

}  // namespace

std::optional<int64_t> ReadTime(std::string_view text) {
  // Abseil also takes blanks, and words for infinity.
  if (text.size() > kMaxBytes || text.empty() || text.front() < '0' || text.front() > '9' ||
      text.find_first_of(" \t\r\n") != std::string_view::npos) {
    return std::nullopt;
  }
  absl::Time time;
  for (const std::string& candidate : {std::string(text), StrCat(text, "Z")}) {
    if (absl::ParseTime(absl::RFC3339_full, candidate, &time, nullptr)) {
      return absl::ToUnixMillis(time);
    }
  }
  return std::nullopt;
}

std::string WriteTime(int64_t ms) {
  return absl::FormatTime("%Y-%m-%d%ET%H:%M:%E3SZ", absl::FromUnixMillis(ms), absl::UTCTimeZone());
}

}  // namespace gatehouse::saml

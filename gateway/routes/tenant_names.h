#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace gatehouse::gateway {

// Trimmed and in lower case; BAD_INPUT with the original's texts otherwise (formats.md 9.3).
absl::StatusOr<std::string> NormaliseConnectionUriDomain(std::string_view text);
absl::StatusOr<std::string> NormaliseAppId(std::string_view text);
absl::StatusOr<std::string> NormaliseTenantId(std::string_view text);

}  // namespace gatehouse::gateway

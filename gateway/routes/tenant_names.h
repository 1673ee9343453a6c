#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gatehouse/common/v1/scope.pb.h"

namespace gatehouse::gateway {

// Trimmed and in lower case; BAD_INPUT with the original's texts otherwise (formats.md 9.3).
absl::StatusOr<std::string> NormaliseConnectionUriDomain(std::string_view text);
absl::StatusOr<std::string> NormaliseAppId(std::string_view text);
absl::StatusOr<std::string> NormaliseTenantId(std::string_view text);

// BAD_INPUT when a name is longer than the column that would hold it.
absl::Status CheckLengths(const common::v1::Scope& scope);

}  // namespace gatehouse::gateway

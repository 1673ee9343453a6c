#pragma once

// Private to libs/porting: a function for each kind of file.

#include "absl/status/statusor.h"
#include "libs/porting/converter.h"

namespace gatehouse::porting {

absl::StatusOr<ConvertFunction> MakeAuth0(const ConvertOptions& options);
absl::StatusOr<ConvertFunction> MakeFirebase(const ConvertOptions& options);
absl::StatusOr<ConvertFunction> MakeCognito(const ConvertOptions& options);
absl::StatusOr<ConvertFunction> MakeKeycloak(const ConvertOptions& options);

}  // namespace gatehouse::porting

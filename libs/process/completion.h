#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace gatehouse::process {

// The script that completes `gatehouse` in `shell`: "bash", "zsh" or "fish". InvalidArgument, with
// a text for the user, for another.
absl::StatusOr<std::string> CompletionScript(const std::string& shell);

}  // namespace gatehouse::process

#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace gatehouse::process {

// A secret for a command, which must not be on the command line, where every user of the machine
// sees it: the first line of `file`, or, if that is "", the value of the environment's `variable`.
// "" when there is neither. InvalidArgument, with the name of `what` is missing, when the file
// can't be read or its first line is blank. Blanks around the secret are no part of it.
absl::StatusOr<std::string> SecretArgument(const std::string& file, const char* variable,
                                           std::string_view what);

}  // namespace gatehouse::process

#pragma once

#include <string_view>

#include "absl/status/status.h"

namespace gatehouse::telemetry {

// Logs `status`, marked as logged from then on, as an error when it is a fault (IsFault) that was
// not logged before: where it happened, with its request's id. `where` is a method or a route. The
// text of a fault is ours or a driver's, never a client's. Thread-safe.
void LogFaultOnce(absl::Status& status, std::string_view event, std::string_view where);

}  // namespace gatehouse::telemetry

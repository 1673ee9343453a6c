#pragma once

#include "absl/status/status.h"
#include "gateway/api/reply.h"

namespace gatehouse::gateway {

// The one place where a fault becomes an HTTP error. Only messages written for clients (those of
// MakeError) are shown; any other status is a bare 500.
Reply ErrorReply(const absl::Status& status);

}  // namespace gatehouse::gateway

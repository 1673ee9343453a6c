#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "libs/host/host.h"
#include "libs/process/program.h"

namespace gatehouse::gateway {

// The REST interface over the services that `host` knows: every recipe's routes, the pipeline and
// the HTTP server, listening on the configured host and port when this returns.
absl::StatusOr<std::unique_ptr<process::FrontEnd>> StartRestFrontEnd(host::Host& host);

}  // namespace gatehouse::gateway

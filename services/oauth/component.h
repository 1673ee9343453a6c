#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "libs/host/component.h"

namespace gatehouse::oauth {

// The OAuth 2 and OpenID Connect provider, wired: clients, their tokens, and sessions of tokens.
absl::StatusOr<std::unique_ptr<host::Component>> MakeOAuthComponent(host::Environment& environment);

}  // namespace gatehouse::oauth

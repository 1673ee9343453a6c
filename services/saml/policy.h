#pragma once

#include "libs/rpc/policy.h"

namespace gatehouse::saml {

// The callers that each method of SamlService accepts.
rpc::Policy SamlPolicy();

}  // namespace gatehouse::saml

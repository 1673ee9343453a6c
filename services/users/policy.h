#pragma once

#include "libs/rpc/policy.h"

namespace gatehouse::users {

// The callers that each method accepts.
rpc::Policy RegistryPolicy();
rpc::Policy EmailPasswordPolicy();
rpc::Policy UserDirectoryPolicy();
rpc::Policy UserImportPolicy();
rpc::Policy LinkingPolicy();
rpc::Policy IdMappingPolicy();
rpc::Policy EmailVerificationPolicy();
rpc::Policy MetadataPolicy();

}  // namespace gatehouse::users

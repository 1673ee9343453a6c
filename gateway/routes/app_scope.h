#pragma once

#include "absl/status/status.h"
#include "gateway/api/api_request.h"

namespace gatehouse::users::v1 {
class UserDirectoryService;
}

namespace gatehouse::gateway {

// kTenantNotFound, in the form for the public tenant, when the request's app does not exist.
absl::Status CheckAppExists(users::v1::UserDirectoryService& users, ApiRequest& request);

// kTenantNotFound when the request's tenant does not exist: for operations that tell that before
// what is wrong with the rest of their input.
absl::Status CheckTenantExists(users::v1::UserDirectoryService& users, ApiRequest& request);

// As request.RequirePublicTenant(), for operations of the original that look up the app on their
// way and so tell an unknown app first.
absl::Status RequirePublicTenantOfApp(users::v1::UserDirectoryService& users, ApiRequest& request);

}  // namespace gatehouse::gateway

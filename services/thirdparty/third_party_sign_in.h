#pragma once

#include "absl/status/statusor.h"
#include "gatehouse/thirdparty/v1/thirdparty_service.pb.h"
#include "gatehouse/users/v1/registry_service.rpc.h"
#include "services/thirdparty/third_party_user_store.h"

namespace gatehouse::thirdparty {

// kForbidden when the tenant's settings forbid signing in with a third party (formats.md 9.7).
absl::Status CheckThirdPartyGate(const tenancy::Tenant& tenant, users::v1::RecipeGate gate);

// Two steps, each idempotent: the registry finds or registers the identity; then this service's
// own row is made or brought up to date. A sign-in after a crash between them makes the row.
// Holds no database connection while it waits for the registry.
absl::StatusOr<v1::SignInOrUpResponse> SignInOrUp(users::v1::RegistryService& registry,
                                                  ThirdPartyUserStore& store,
                                                  const tenancy::Tenant& tenant,
                                                  rpc::CallContext& context,
                                                  const v1::SignInOrUpRequest& request);

}  // namespace gatehouse::thirdparty

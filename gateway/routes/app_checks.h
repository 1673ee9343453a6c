#pragma once

#include "absl/status/status.h"
#include "gateway/api/api_request.h"

namespace gatehouse::tenancy {
class TenantDirectory;
}

namespace gatehouse::gateway {

// The two orders in which app-wide operations of the original refuse a request whose path names a
// tenant, or an app that does not exist (formats: 18.9, 18.10). Afterwards `request.scope` is the
// app's public tenant.

// The app first: kTenantNotFound in the public tenant's form, then FORBIDDEN.
absl::Status RequireAppThenPublicTenant(const tenancy::TenantDirectory& tenants,
                                        ApiRequest& request);

// FORBIDDEN first, then kTenantNotFound in the app's form.
absl::Status RequirePublicTenantThenApp(const tenancy::TenantDirectory& tenants,
                                        ApiRequest& request);

// Whether settings that belong to the holder of the SaaS secret are kept from the caller: it may
// neither see nor change them.
bool KeepsProtectedSettingsFrom(const tenancy::TenantDirectory& tenants, const ApiRequest& request);

}  // namespace gatehouse::gateway

#pragma once

// The rules of creating and changing tenants, apps and connection-URI domains (formats.md 9.7).
// The REST interface has three generations, distinguished by UpsertStyle.

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gatehouse/common/v1/scope.pb.h"
#include "gatehouse/tenants/v1/tenant.pb.h"
#include "gatehouse/tenants/v1/tenants_service.pb.h"
#include "libs/config/db_settings.h"

namespace gatehouse::tenants {

// A tenant as it is created: with recipes on for a public tenant; for others it depends on the
// style.
v1::Tenant NewTenant(const common::v1::Scope& target, v1::UpsertStyle style);

// `current` with the request's changes. BAD_INPUT when they contradict each other or a factor's
// name has other characters than `0-9a-zA-Z_().-`. The core configuration is merged, not checked.
absl::StatusOr<v1::Tenant> ApplyUpdate(v1::Tenant current, const v1::UpsertTenantRequest& request);

// BAD_INPUT unless a tenant may go from one migration_mode to another. `from` is null for a new one.
absl::Status CheckMigrationStep(const config::MigrationMode* from, config::MigrationMode to);

// BAD_INPUT when a name of `target` is longer than the column that would hold it.
absl::Status CheckNameLengths(const common::v1::Scope& target);

}  // namespace gatehouse::tenants

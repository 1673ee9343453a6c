#pragma once

#include "libs/rpc/policy.h"

namespace gatehouse::tenants {

rpc::Policy TenantsPolicy();
rpc::Policy DirectoryPolicy();
rpc::Policy AppSettingsPolicy();
rpc::Policy ActivityLogPolicy();

}  // namespace gatehouse::tenants

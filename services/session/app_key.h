#pragma once

#include <string>

#include "libs/base/strings.h"
#include "libs/tenancy/tenant_directory.h"

namespace gatehouse::session {

// Identifies an app in caches, as distinct from a removed one of the same name.
inline std::string AppCacheKey(const tenancy::Tenant& app) {
  return StrCat(app.connection_uri_domain, "~", app.app_id, "~",
                std::to_string(app.app_incarnation));
}

}  // namespace gatehouse::session

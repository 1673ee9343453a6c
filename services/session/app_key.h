#pragma once

#include <string>

#include "libs/tenancy/tenant_directory.h"

namespace gatehouse::session {

// Names an app in caches: not one of the same name that was removed before.
inline std::string AppCacheKey(const tenancy::Tenant& app) {
  return app.connection_uri_domain + '~' + app.app_id + '~' + std::to_string(app.app_incarnation);
}

}  // namespace gatehouse::session

#pragma once

#include <string>

#include "libs/tenancy/tenant_directory.h"

namespace gatehouse::session {

// Names an app in caches. The creation time tells it from one of the same name that was removed.
inline std::string AppCacheKey(const tenancy::Tenant& app) {
  return app.connection_uri_domain + '~' + app.app_id + '~' +
         std::to_string(app.record.created_at_ms());
}

}  // namespace gatehouse::session

#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "libs/base/call_context.h"
#include "libs/base/lru_cache.h"
#include "libs/tenancy/tenant_directory.h"

namespace gatehouse::tenants::v1 {
class AppSettingsService;
}

namespace gatehouse::session {

// The key that encrypts an app's refresh tokens: setting `refresh_token_key`, created when first
// needed and never changed (formats: 3.2). Kept in memory. Thread-safe; bounded.
class MasterKeys {
 public:
  // `settings` must outlive this.
  explicit MasterKeys(tenants::v1::AppSettingsService& settings);

  // `app` is the app's public tenant.
  absl::StatusOr<std::shared_ptr<const std::string>> Get(CallContext& context,
                                                         const tenancy::Tenant& app);

 private:
  tenants::v1::AppSettingsService& settings_;
  LruCache<const std::string> keys_;
};

}  // namespace gatehouse::session

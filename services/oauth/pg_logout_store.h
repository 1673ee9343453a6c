#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "libs/tenancy/tenant_databases.h"
#include "libs/tenancy/where.h"

namespace gatehouse::oauth {

using tenancy::Where;

// Requests for logout: table oauth_logout_challenges, whose challenges the original stores as they
// are. Every `app` is an app's public tenant. Thread-safe. Besides the stated errors a call fails
// as described in libs/db/errors.h.
class PgLogoutStore {
 public:
  // `databases` outlives the store.
  explicit PgLogoutStore(tenancy::TenantDatabases& databases) : databases_(databases) {}

  struct Logout {
    std::string client_id;
    std::optional<std::string> post_logout_redirect_uri;
    std::optional<std::string> session_handle;
    std::optional<std::string> state;
  };

  // False: the client has just been removed.
  absl::StatusOr<bool> Add(const Where& app, std::string_view challenge, const Logout& logout,
                           int64_t now_ms);
  absl::StatusOr<std::optional<Logout>> Find(const Where& app, std::string_view challenge);
  absl::Status Delete(const Where& app, std::string_view challenge);

 private:
  tenancy::TenantDatabases& databases_;
};

}  // namespace gatehouse::oauth

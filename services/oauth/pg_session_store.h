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

// What keeps tokens alive: table oauth_sessions, a row for each grant with the ids of its access
// tokens, and the numbers of machine-to-machine tokens. Every `app` is an app's public tenant.
// Thread-safe. Besides the stated errors a call fails as described in libs/db/errors.h.
class PgSessionStore {
 public:
  // `databases` outlives the store.
  explicit PgSessionStore(tenancy::TenantDatabases& databases) : databases_(databases) {}

  struct Grant {
    std::string gid;
    std::string client_id;
    std::optional<std::string> session_handle;
    std::string jti;  // of its first access token
    int64_t issued_at_s = 0;
    int64_t expires_at_s = 0;
  };

  // A grant of the client to itself. False: the client has just been removed.
  absl::StatusOr<bool> AddMachineGrant(const Where& app, const Grant& grant);

  // Whether the access token has neither been revoked nor gone with its grant.
  absl::StatusOr<bool> IsAlive(const Where& app, std::string_view gid, std::string_view jti);

  // Ends one access token. No error if it has ended.
  absl::Status RevokeAccessToken(const Where& app, std::string_view gid, std::string_view jti);
  // In steps, so that nobody waits long: what a failed call has ended stays so.
  absl::Status RevokeClient(const Where& app, std::string_view client_id);
  absl::Status RevokeSession(const Where& app, std::string_view session_handle);

 private:
  tenancy::TenantDatabases& databases_;
};

}  // namespace gatehouse::oauth

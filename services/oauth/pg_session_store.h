#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "gatehouse/oauth/v1/flow.pb.h"
#include "libs/tenancy/tenant_databases.h"
#include "libs/tenancy/where.h"

namespace gatehouse::oauth {

using tenancy::Where;

// What keeps tokens alive: table oauth_sessions, a row for each grant with the ids of its access
// tokens; what its refresh token stands for, and those before it (gatehouse_oauth_grants,
// gatehouse_oauth_rotated_tokens); and the numbers of machine-to-machine tokens. Every `app` is an
// app's public tenant. Thread-safe. Besides the stated errors a call fails as described in
// libs/db/errors.h.
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

  // A user's grant whose tokens go back with the browser. False: the client has just been removed.
  absl::StatusOr<bool> AddGrant(const Where& app, const Grant& grant);

  struct RefreshToken {
    std::string token;
    int64_t expires_at_s = 0;
  };
  // The grant of a code, which is used by that: of many at once one uses it. `document` is what the
  // refresh token stands for. False: the code has been used, or guessed at too often, or has
  // expired, or the client has just been removed.
  absl::StatusOr<bool> UseCode(const Where& app, std::string_view code, int max_wrong_verifiers,
                               const Grant& grant, const std::optional<RefreshToken>& refresh,
                               const v1::Grant& document);

  struct FoundGrant {
    std::string client_id;
    v1::Grant grant;
    int64_t refreshed_at_s = 0;
    int64_t expires_at_s = 0;
  };
  absl::StatusOr<std::optional<FoundGrant>> FindByRefreshToken(const Where& app,
                                                               std::string_view token);
  // The id of the grant whose refresh token this was before another one replaced it, and its
  // client.
  struct Rotated {
    std::string gid;
    std::string client_id;
  };
  absl::StatusOr<std::optional<Rotated>> FindRotated(const Where& app, std::string_view token);

  // Adds the access token of `grant` to those of its row. With a replacement the token ends;
  // without, it lives until `expires_at_s`. False: it is no more the grant's token.
  absl::StatusOr<bool> Refresh(const Where& app, std::string_view token, const Grant& grant,
                               const std::optional<std::string>& replacement, int64_t expires_at_s);

  absl::Status RevokeGrant(const Where& app, std::string_view gid);

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

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "gatehouse/oauth/v1/client.pb.h"
#include "libs/tenancy/tenant_databases.h"
#include "libs/tenancy/where.h"

namespace gatehouse::oauth {

using tenancy::Where;

// The column `settings` of gatehouse_oauth_clients: what has no column of its own. BAD_INPUT when
// it is too large.
absl::StatusOr<std::string> ClientSettings(const v1::Client& client);

// Clients: tables oauth_clients, which the original has, and gatehouse_oauth_clients. In memory
// their secrets are in clear text, in the tables encrypted. Every `app` is an app's public tenant.
// Thread-safe. Besides the stated errors a call fails as described in libs/db/errors.h.
class PgClientStore {
 public:
  // `databases` outlives the store.
  explicit PgClientStore(tenancy::TenantDatabases& databases) : databases_(databases) {}

  // False: the id is taken in the app. kTenantNotFound when the app has just been removed.
  absl::StatusOr<bool> Create(const Where& app, const v1::Client& client);
  absl::StatusOr<std::optional<v1::Client>> Find(const Where& app, std::string_view client_id);
  // Locks the client, lets `change` change it, and stores what it returned true for. False: there
  // is no such client. `change` may run several times.
  absl::StatusOr<bool> Update(const Where& app, std::string_view client_id,
                              absl::FunctionRef<absl::StatusOr<bool>(v1::Client&)> change);
  // By id, from `offset` on; with a name only those of that name.
  absl::StatusOr<std::vector<v1::Client>> List(const Where& app, std::string_view client_name,
                                               int64_t offset, int64_t limit);
  // With its tokens. False: there was none.
  absl::StatusOr<bool> Delete(const Where& app, std::string_view client_id);

 private:
  tenancy::TenantDatabases& databases_;
};

}  // namespace gatehouse::oauth

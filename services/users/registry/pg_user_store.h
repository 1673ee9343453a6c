#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gatehouse/users/v1/user.pb.h"
#include "libs/tenancy/tenant_databases.h"
#include "services/users/account_info.h"
#include "services/users/registry/identity.h"
#include "services/users/request_scope.h"

namespace gatehouse::db {
struct Statement;
}

namespace gatehouse::users {

// The meaning of a given id.
struct ResolvedId {
  std::string input;
  bool found = false;
  std::string user_id;                       // internal id of the login method
  std::string external_id;                   // the same as clients see it
  std::string primary_id;                    // internal id of the primary user, or the own one
  std::string primary_external;              // the same as clients see it
  std::vector<std::string> linked_external;  // every login method of the primary user
  bool hides_user = false;  // `input` is this user's external id and another user's internal one
};

// The login method with this internal or external id; nullptr when there is none.
const v1::LoginMethod* FindLoginMethod(const v1::User& user, std::string_view id);
// The same by internal id only.
const v1::LoginMethod* FindLoginMethodByInternalId(const v1::User& user, std::string_view id);

bool IsInTenant(const v1::LoginMethod& method, std::string_view tenant_id);

// The identity registry. Thread-safe. Every method is one statement, except ChangeIdentity, which
// is one transaction. Errors as in libs/db/errors.h.
class PgUserStore {
 public:
  // `databases` must outlive the store.
  explicit PgUserStore(tenancy::TenantDatabases& databases) : databases_(databases) {}

  // The user whose login method or primary user has this internal or external id.
  absl::StatusOr<std::optional<v1::User>> FindById(const Where& scope, std::string_view id);
  // The user whose login method or primary user has this internal id, whatever the id means to
  // clients (kFindById explains when it means another).
  absl::StatusOr<std::optional<v1::User>> FindByInternalId(const Where& scope, std::string_view id);
  // Users of the tenant that have any of the infos; oldest first.
  absl::StatusOr<std::vector<v1::User>> FindByAccountInfo(const Where& scope,
                                                          const std::vector<AccountInfo>& infos);
  // Users of the app, in the tenant's database, that have a passkey with this id; oldest first.
  absl::StatusOr<std::vector<v1::User>> FindByPasskey(const Where& scope,
                                                      std::string_view credential_id);
  // Users by the internal ids of their primary users, in the order of `ids`; those that are gone
  // are left out.
  absl::StatusOr<std::vector<v1::User>> FindByPrimaryIds(const Where& scope,
                                                         const std::vector<std::string>& ids);

  // In the order of `ids`.
  absl::StatusOr<std::vector<ResolvedId>> Resolve(const Where& scope,
                                                  const std::vector<std::string>& ids,
                                                  bool include_linked);

  // False, without effect, when the tenant has a login method of the recipe with this key.
  absl::StatusOr<bool> Register(const Where& scope, const NewIdentity& user);
  // Changes a login method in every tenant. `user_id` is internal.
  absl::StatusOr<IdentityChange> ChangeIdentity(const Where& scope, std::string_view recipe_id,
                                                std::string_view user_id,
                                                const IdentityUpdate& update);
  // `user_id` in external form where mapped. Idempotent.
  absl::Status MarkEmailVerified(const Where& scope, std::string_view user_id,
                                 std::string_view email);

 private:
  absl::StatusOr<std::optional<v1::User>> FindOne(const Where& scope,
                                                  const db::Statement& statement,
                                                  std::string_view id);

  tenancy::TenantDatabases& databases_;
};

// Maps the violation of a foreign key to apps or tenants, which means that the tenant was removed
// a moment ago, to kTenantNotFound; other statuses pass through.
absl::Status TenantGone(const Where& scope, absl::Status status);

}  // namespace gatehouse::users

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/tenancy/tenant_databases.h"
#include "services/users/request_scope.h"

namespace gatehouse::users {

// The result of an attempt to make a primary user or to link.
enum class LinkResult {
  kDone,
  kAlready,           // it was so before
  kUnknownUser,       // one of the users
  kNotPrimary,        // the user that should be linked to
  kLinkedToAnother,   // to `primary_id`, or is that primary user itself
  kAccountInfoTaken,  // by `primary_id`
};

struct LinkOutcome {
  LinkResult result;
  std::string primary_id;  // internal; of kDone and kAlready: the group's
  std::string info_type;   // of kAccountInfoTaken: kEmailInfo, kPhoneInfo or kThirdPartyInfo
};

enum class UnlinkResult { kUnknownUser, kNotLinked, kUnlinked, kDeleted };

struct UnlinkOutcome {
  UnlinkResult result;
  std::string recipe_id;
};

enum class TenantResult { kAdded, kAlready, kUnknownUser, kDuplicate, kAccountInfoTaken };

struct TenantOutcome {
  TenantResult result;
  std::string info_type;   // of kDuplicate and kAccountInfoTaken
  std::string primary_id;  // of kAccountInfoTaken, internal
};

enum class LeaveTenantResult { kUnknownUser, kWasNotThere, kRemoved };

// A login method, or the id of a group whose own login method is gone.
struct RemovedUser {
  std::string user_id;  // internal
  std::string recipe_id;
  // The id of the user's data in other tables; empty: they stay, since others of the group use
  // them, or since the id belongs to another user.
  std::string data_user_id;
};

// Changes of the identity registry: groups of login methods, tenants, removal. Uniqueness is
// decided by the registry's primary keys, and user rows are locked in the order of their ids.
// Thread-safe. Ids are internal. A Check is one statement, everything else one transaction, in
// which the original's old tables are written too if a core that reads them may run alongside us.
// Errors as in libs/db/errors.h, and kTenantNotFound when the tenant has just been removed.
class PgLinkingStore {
 public:
  // `databases` must outlive the store.
  explicit PgLinkingStore(tenancy::TenantDatabases& databases) : databases_(databases) {}

  absl::StatusOr<LinkOutcome> CheckPrimary(const Where& scope, std::string_view user_id);
  absl::StatusOr<LinkOutcome> MakePrimary(const Where& scope, std::string_view user_id);
  // `primary_id` may be any member of the group.
  absl::StatusOr<LinkOutcome> CheckLink(const Where& scope, std::string_view user_id,
                                        std::string_view primary_id);
  absl::StatusOr<LinkOutcome> Link(const Where& scope, std::string_view user_id,
                                   std::string_view primary_id);
  // A primary user that others are linked to loses its own login method instead (kDeleted). With
  // `check_only`, returns what would be done.
  absl::StatusOr<UnlinkOutcome> Unlink(const Where& scope, std::string_view user_id,
                                       bool check_only);

  absl::StatusOr<TenantOutcome> AddToTenant(const Where& scope, std::string_view user_id);
  // Ends the user's email verification tokens in the tenant, too.
  absl::StatusOr<LeaveTenantResult> RemoveFromTenant(const Where& scope, std::string_view user_id);

  // Removes a login method, or its whole group when `whole_group` is set or there is no other
  // login method in it, with all of its rows in this service's tables. A primary user's id stays
  // as long as others are linked to it. Returns what was removed, or would be with `check_only`;
  // empty when there is no such user.
  absl::StatusOr<std::vector<RemovedUser>> Remove(const Where& scope, std::string_view user_id,
                                                  bool whole_group, bool check_only);

 private:
  tenancy::TenantDatabases& databases_;
};

}  // namespace gatehouse::users

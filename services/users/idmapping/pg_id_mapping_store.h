#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/tenancy/tenant_databases.h"
#include "services/users/request_scope.h"

namespace gatehouse::users {

enum class UserIdKind { kAny, kSupertokens, kExternal };

struct IdMapping {
  std::string supertokens_user_id;
  std::string external_user_id;
  std::optional<std::string> info;
};

struct FoundMapping {
  IdMapping mapping;
  // What exists under the external id.
  bool external_id_is_a_user = false;
  bool external_id_has_metadata = false;
  bool external_id_has_email_verification = false;
};

// What exists under two ids that are to be mapped.
struct MappingPreview {
  bool user_exists = false;
  // The user of the mapping that has the external id, if any.
  std::optional<std::string> external_id_mapped_to;
  bool external_id_is_a_user = false;
  bool user_has_metadata = false;
  bool user_has_email_verification = false;
};

enum class MappingMade { kMade, kUnknownUser, kUserIsMapped, kExternalIdIsMapped, kBothAreMapped };

// External ids. Thread-safe. One statement per method. Errors as in libs/db/errors.h.
class PgIdMappingStore {
 public:
  // `databases` must outlive the store.
  explicit PgIdMappingStore(tenancy::TenantDatabases& databases) : databases_(databases) {}

  // With kAny an id that is internal in one mapping and external in another means the first.
  absl::StatusOr<std::optional<FoundMapping>> Find(const Where& scope, std::string_view id,
                                                   UserIdKind kind);
  absl::StatusOr<MappingPreview> Preview(const Where& scope, std::string_view supertokens_user_id,
                                         std::string_view external_user_id);
  // Of several at once for one id, one succeeds. `move_email_verification`: rows of email
  // verification under the internal id move to the external one.
  absl::StatusOr<MappingMade> Create(const Where& scope, const IdMapping& mapping,
                                     bool move_email_verification);
  // Below, with kAny, an id that is some user's internal one counts as internal, otherwise as
  // external. False: there is no such mapping.
  absl::StatusOr<bool> SetInfo(const Where& scope, std::string_view id, UserIdKind kind,
                               const std::optional<std::string>& info);
  absl::StatusOr<bool> Delete(const Where& scope, std::string_view id, UserIdKind kind);

 private:
  tenancy::TenantDatabases& databases_;
};

}  // namespace gatehouse::users

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/tenancy/tenant_databases.h"
#include "libs/tenancy/where.h"

namespace gatehouse::webauthn {

using tenancy::Where;

// What a ceremony was begun with.
struct CeremonyOptions {
  std::string id;
  std::string challenge;             // base64url
  std::optional<std::string> email;  // of a registration
  std::string rp_id, rp_name, origin;
  int64_t created_at_ms = 0;
  int64_t expires_at_ms = 0;
  std::string user_verification;
  bool user_presence = false;
};

// Table webauthn_generated_options, by its primary key. Thread-safe; a method is one statement.
// Errors as in libs/db/errors.h; kTenantNotFound when the tenant was removed a moment ago.
class PgOptionsStore {
 public:
  // `databases` outlives the store.
  explicit PgOptionsStore(tenancy::TenantDatabases& databases) : databases_(databases) {}

  absl::Status Save(const Where& where, const CeremonyOptions& options);
  absl::StatusOr<std::optional<CeremonyOptions>> Find(const Where& where, std::string_view id);
  // Whether there were any.
  absl::StatusOr<bool> Remove(const Where& where, std::string_view id);

 private:
  tenancy::TenantDatabases& databases_;
};

}  // namespace gatehouse::webauthn

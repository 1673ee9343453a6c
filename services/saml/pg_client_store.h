#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/db/result.h"
#include "libs/tenancy/tenant_databases.h"
#include "libs/tenancy/where.h"
#include "services/saml/client.h"

namespace gatehouse::saml {

using tenancy::Where;

// The clients of tenants: tables saml_clients and gatehouse_saml_clients. Thread-safe. Calls fail
// as described in libs/db/errors.h: kBadInput when a text is longer than its column.
class PgClientStore {
 public:
  // `databases` outlives the store.
  explicit PgClientStore(tenancy::TenantDatabases& databases) : databases_(databases) {}

  // Adds the client, or replaces the one with its id. False: another client of the tenant has its
  // identity provider. kTenantNotFound when the tenant has just been removed.
  absl::StatusOr<bool> Put(const Where& tenant, const Client& client, int64_t now_ms);
  // In the order of their creation.
  absl::StatusOr<std::vector<Client>> List(const Where& tenant);
  absl::StatusOr<std::optional<Client>> Find(const Where& tenant, std::string_view client_id);
  absl::StatusOr<std::optional<Client>> FindByProvider(const Where& tenant,
                                                       std::string_view idp_entity_id);
  // With its codes. Whether there was one. Logins that have begun stay until they expire.
  absl::StatusOr<bool> Remove(const Where& tenant, std::string_view client_id);

 private:
  tenancy::TenantDatabases& databases_;
};

}  // namespace gatehouse::saml

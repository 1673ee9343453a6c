#pragma once

#include "libs/tenancy/tenant_databases.h"
#include "services/users/metadata/metadata_store.h"

namespace gatehouse::users {

// MetadataStore over PostgreSQL. Thread-safe.
class PgMetadataStore final : public MetadataStore {
 public:
  // `databases` must outlive the store.
  explicit PgMetadataStore(tenancy::TenantDatabases& databases) : databases_(databases) {}

  absl::StatusOr<std::vector<std::optional<std::string>>> Find(
      const RequestScope& scope, const std::vector<std::string>& user_ids) override;
  absl::StatusOr<std::string> Change(
      const RequestScope& scope, std::string_view user_id,
      absl::FunctionRef<absl::StatusOr<std::string>(std::string_view current)> change) override;
  absl::Status Delete(const RequestScope& scope, std::string_view user_id) override;

 private:
  tenancy::TenantDatabases& databases_;
};

}  // namespace gatehouse::users

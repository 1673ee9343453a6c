#pragma once

#include "libs/tenancy/tenant_databases.h"
#include "services/users/idmapping/id_mapping_store.h"

namespace gatehouse::users {

// IdMappingStore over PostgreSQL. Thread-safe.
class PgIdMappingStore final : public IdMappingStore {
 public:
  // `databases` must outlive the store.
  explicit PgIdMappingStore(tenancy::TenantDatabases& databases) : databases_(databases) {}

  absl::StatusOr<std::optional<FoundMapping>> Find(const RequestScope& scope, std::string_view id,
                                                   UserIdKind kind) override;
  absl::StatusOr<MappingPreview> Preview(const RequestScope& scope,
                                         std::string_view supertokens_user_id,
                                         std::string_view external_user_id) override;
  absl::StatusOr<MappingMade> Create(const RequestScope& scope, const IdMapping& mapping,
                                     bool move_email_verification) override;
  absl::StatusOr<bool> SetInfo(const RequestScope& scope, std::string_view id, UserIdKind kind,
                               const std::optional<std::string>& info) override;
  absl::StatusOr<bool> Delete(const RequestScope& scope, std::string_view id,
                              UserIdKind kind) override;

 private:
  tenancy::TenantDatabases& databases_;
};

}  // namespace gatehouse::users

#pragma once

#include "libs/tenancy/tenant_databases.h"
#include "services/users/linking/linking_store.h"

namespace gatehouse::users {

// LinkingStore over PostgreSQL. Thread-safe.
class PgLinkingStore final : public LinkingStore {
 public:
  // `databases` must outlive the store.
  explicit PgLinkingStore(tenancy::TenantDatabases& databases) : databases_(databases) {}

  absl::StatusOr<LinkOutcome> CheckPrimary(const RequestScope& scope,
                                           std::string_view user_id) override;
  absl::StatusOr<LinkOutcome> MakePrimary(const RequestScope& scope,
                                          std::string_view user_id) override;
  absl::StatusOr<LinkOutcome> CheckLink(const RequestScope& scope, std::string_view user_id,
                                        std::string_view primary_id) override;
  absl::StatusOr<LinkOutcome> Link(const RequestScope& scope, std::string_view user_id,
                                   std::string_view primary_id) override;
  absl::StatusOr<UnlinkOutcome> Unlink(const RequestScope& scope, std::string_view user_id,
                                       bool check_only) override;
  absl::StatusOr<TenantOutcome> AddToTenant(const RequestScope& scope,
                                            std::string_view user_id) override;
  absl::StatusOr<LeaveTenantResult> RemoveFromTenant(const RequestScope& scope,
                                                     std::string_view user_id) override;
  absl::StatusOr<std::vector<RemovedUser>> Remove(const RequestScope& scope,
                                                  std::string_view user_id, bool whole_group,
                                                  bool check_only) override;

 private:
  tenancy::TenantDatabases& databases_;
};

}  // namespace gatehouse::users

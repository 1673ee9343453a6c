#pragma once

#include "libs/tenancy/tenant_databases.h"
#include "services/users/registry/activity_recorder.h"

namespace gatehouse::users {

// ActivityStore over PostgreSQL. Thread-safe.
class PgActivityStore final : public ActivityStore {
 public:
  explicit PgActivityStore(tenancy::TenantDatabases& databases) : databases_(databases) {}
  absl::Status Save(const Where& scope, const std::vector<Entry>& entries) override;
  absl::Status Remove(const Where& scope, const std::vector<std::string>& user_ids) override;
  absl::StatusOr<int64_t> CountSince(const Where& scope, int64_t since_ms) override;

 private:
  tenancy::TenantDatabases& databases_;
};

}  // namespace gatehouse::users

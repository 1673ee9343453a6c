#pragma once

#include <string_view>

#include "libs/tenancy/tenant_databases.h"
#include "services/users/listing/listing_store.h"

namespace gatehouse::users {

// ListingStore over PostgreSQL. Thread-safe.
class PgListingStore final : public ListingStore {
 public:
  // `databases` must outlive the store.
  explicit PgListingStore(tenancy::TenantDatabases& databases) : databases_(databases) {}

  absl::StatusOr<std::vector<ListedUser>> ListPage(const RequestScope& scope,
                                                   const PageQuery& query) override;
  absl::StatusOr<std::vector<ListedUser>> Search(const RequestScope& scope, const SearchTags& tags,
                                                 bool descending) override;
  absl::StatusOr<int64_t> CountTenant(const RequestScope& scope,
                                      const std::vector<std::string>& recipe_ids) override;
  absl::StatusOr<int64_t> CountApp(const RequestScope& scope,
                                   const std::vector<std::string>& recipe_ids) override;

 private:
  absl::StatusOr<int64_t> Count(const RequestScope& scope, std::string_view tenant_id,
                                const std::vector<std::string>& recipe_ids);

  tenancy::TenantDatabases& databases_;
};

}  // namespace gatehouse::users

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "gatehouse/users/v1/user.pb.h"
#include "libs/tenancy/tenant_databases.h"
#include "services/users/listing/pagination_token.h"
#include "services/users/request_scope.h"

namespace gatehouse::users {

struct PageQuery {
  std::vector<std::string> recipe_ids;  // none: all
  bool descending = false;
  std::optional<PaginationToken> start;  // inclusive
  int limit = 0;
};

struct UserPage {
  std::vector<v1::User> users;
  std::optional<PaginationToken> next;  // where the next page begins, if there is one
};

// Each kind that is not empty must match by one of its tags; tags are lower-case.
struct SearchTags {
  std::vector<std::string> emails;
  std::vector<std::string> phones;
  std::vector<std::string> providers;
};

// The users of a tenant or app. Thread-safe; one statement per method, whose work does not depend
// on the number of users.
class PgListingStore {
 public:
  // `databases` must outlive the store.
  explicit PgListingStore(tenancy::TenantDatabases& databases) : databases_(databases) {}

  // By (time joined, id descending); linked users once.
  absl::StatusOr<UserPage> ListPage(const Where& scope, const PageQuery& query);
  // At most 1000, by time joined.
  absl::StatusOr<std::vector<v1::User>> Search(const Where& scope, const SearchTags& tags,
                                               bool descending);
  // Linked users once. Exact.
  absl::StatusOr<int64_t> CountTenant(const Where& scope,
                                      const std::vector<std::string>& recipe_ids);
  absl::StatusOr<int64_t> CountApp(const Where& scope, const std::vector<std::string>& recipe_ids);

 private:
  absl::StatusOr<int64_t> Count(const Where& scope, std::string_view tenant_id,
                                const std::vector<std::string>& recipe_ids);

  tenancy::TenantDatabases& databases_;
};

}  // namespace gatehouse::users

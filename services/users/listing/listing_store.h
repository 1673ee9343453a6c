#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "services/users/listing/pagination_token.h"
#include "services/users/request_scope.h"

namespace gatehouse::users {

struct ListedUser {
  std::string primary_id;  // internal
  int64_t time_joined_ms = 0;
};

struct PageQuery {
  std::vector<std::string> recipe_ids;   // none: all
  bool descending = false;
  std::optional<PaginationToken> start;  // inclusive
  int limit = 0;
};

// Each kind that is not empty must match by one of its tags; tags are lower-case.
struct SearchTags {
  std::vector<std::string> emails;
  std::vector<std::string> phones;
  std::vector<std::string> providers;
};

// Which users a tenant or app has. Thread-safe; one statement a method, whose work does not depend
// on how many users there are.
class ListingStore {
 public:
  virtual ~ListingStore() = default;
  // By (time joined, id descending); linked users once.
  virtual absl::StatusOr<std::vector<ListedUser>> ListPage(const RequestScope& scope,
                                                           const PageQuery& query) = 0;
  // At most 1000, by time joined.
  virtual absl::StatusOr<std::vector<ListedUser>> Search(const RequestScope& scope,
                                                         const SearchTags& tags,
                                                         bool descending) = 0;
  // Linked users once. Exact.
  virtual absl::StatusOr<int64_t> CountTenant(const RequestScope& scope,
                                              const std::vector<std::string>& recipe_ids) = 0;
  virtual absl::StatusOr<int64_t> CountApp(const RequestScope& scope,
                                           const std::vector<std::string>& recipe_ids) = 0;
};

}  // namespace gatehouse::users

#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "gateway/api/route_table.h"

namespace gatehouse::gateway {

// /recipe/user is one path for several recipes: the header `rid` selects one. A recipe's routes add
// theirs by rid and method.
class RecipeUserHandlers {
 public:
  // One per rid and method; Find returns the first, and `has_duplicates` reports others.
  void Add(std::string rid, HttpMethod method, RouteHandler handler);
  // Without a rid, or with one that has no operations here, it means emailpassword. Null: no such
  // method.
  const RouteHandler* Find(std::string_view rid, HttpMethod method) const;
  bool has_duplicates() const { return has_duplicates_; }

 private:
  std::map<std::string, std::map<HttpMethod, RouteHandler>, std::less<>> by_rid_;
  bool has_duplicates_ = false;
};

// Adds GET and PUT /recipe/user. A rid that has operations there but not by this method is a 405.
void AddRecipeUserRoutes(RouteTable& routes, RecipeUserHandlers handlers);

}  // namespace gatehouse::gateway

#include "gateway/routes/recipe_user_routes.h"

#include <functional>
#include <memory>

#include "gateway/api/route_group.h"

namespace gatehouse::gateway {
namespace {

constexpr std::string_view kDefaultRid = "emailpassword";

absl::StatusOr<Reply> Dispatch(ApiRequest& request, const RecipeUserHandlers& handlers) {
  const RouteHandler* const handler = handlers.Find(request.Header("rid"), request.method);
  if (handler == nullptr) return TextReply(405, "Method not supported");
  return (*handler)(request);
}

}  // namespace

void RecipeUserHandlers::Add(std::string rid, HttpMethod method, RouteHandler handler) {
  const bool added = by_rid_[std::move(rid)].emplace(method, std::move(handler)).second;
  has_duplicates_ |= !added;
}

const RouteHandler* RecipeUserHandlers::Find(std::string_view rid, HttpMethod method) const {
  auto recipe = by_rid_.find(rid);
  if (recipe == by_rid_.end()) recipe = by_rid_.find(kDefaultRid);
  if (recipe == by_rid_.end()) return nullptr;
  const auto found = recipe->second.find(method);
  return found == recipe->second.end() ? nullptr : &found->second;
}

void AddRecipeUserRoutes(RouteTable& routes, RecipeUserHandlers handlers) {
  if (handlers.has_duplicates()) routes.Refuse("two handlers for one recipe's /recipe/user");
  const RouteGroup group(routes, "users",
                         std::make_shared<const RecipeUserHandlers>(std::move(handlers)));
  group.Add(HttpMethod::kGet, "/recipe/user", Dispatch);
  group.Add(HttpMethod::kPut, "/recipe/user", Dispatch);
}

}  // namespace gatehouse::gateway

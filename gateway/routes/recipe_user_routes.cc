#include "gateway/routes/recipe_user_routes.h"

#include <memory>

namespace gatehouse::gateway {
namespace {

constexpr const char* kDefaultRid = "emailpassword";

bool HasRid(const RecipeUserHandlers& handlers, const std::string& rid) {
  const auto first = handlers.lower_bound({rid, HttpMethod::kGet});
  return first != handlers.end() && first->first.first == rid;
}

absl::StatusOr<Reply> Dispatch(const RecipeUserHandlers& handlers, ApiRequest& request) {
  const std::string rid = HasRid(handlers, request.rid) ? request.rid : kDefaultRid;
  const auto found = handlers.find({rid, request.method});
  if (found == handlers.end()) return TextReply(405, "Method not supported");
  return found->second(request);
}

}  // namespace

void AddRecipeUserRoutes(RouteTable& routes, RecipeUserHandlers handlers) {
  auto shared = std::make_shared<const RecipeUserHandlers>(std::move(handlers));
  for (HttpMethod method : {HttpMethod::kGet, HttpMethod::kPut}) {
    Route route;
    route.method = method;
    route.path = "/recipe/user";
    route.service = "users";
    route.handler = [shared](ApiRequest& request) { return Dispatch(*shared, request); };
    routes.Add(std::move(route));
  }
}

}  // namespace gatehouse::gateway

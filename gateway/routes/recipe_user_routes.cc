#include "gateway/routes/recipe_user_routes.h"

#include <memory>

#include "libs/base/status.h"

namespace gatehouse::gateway {
namespace {

constexpr const char* kDefaultRid = "emailpassword";
constexpr std::pair<const char*, HttpMethod> kUnavailable[] = {{"passwordless", HttpMethod::kPut}};

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
  for (const auto& [rid, method] : kUnavailable) {
    handlers.try_emplace({rid, method}, [](ApiRequest&) -> absl::StatusOr<Reply> {
      return MakeError(ErrorReason::kNotSupported, "This operation is not available");
    });
  }
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

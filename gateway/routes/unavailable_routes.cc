#include "gateway/routes/unavailable_routes.h"

#include <memory>

#include "gateway/api/route_group.h"
#include "libs/base/status.h"

namespace gatehouse::gateway {
namespace {

struct Operation {
  HttpMethod method;
  const char* path;
};

constexpr HttpMethod kGet = HttpMethod::kGet;
constexpr HttpMethod kPost = HttpMethod::kPost;
constexpr HttpMethod kPut = HttpMethod::kPut;

constexpr Operation kOperations[] = {
    // OAuth 2 and OpenID Connect provider.
    {kPost, "/recipe/oauth/auth"},
    {kGet, "/recipe/oauth/auth/requests/consent"},
    {kPut, "/recipe/oauth/auth/requests/consent/accept"},
    {kPut, "/recipe/oauth/auth/requests/consent/reject"},
    {kGet, "/recipe/oauth/auth/requests/login"},
    {kPut, "/recipe/oauth/auth/requests/login/accept"},
    {kPut, "/recipe/oauth/auth/requests/login/reject"},
    {kPut, "/recipe/oauth/auth/requests/logout/accept"},
    {kPut, "/recipe/oauth/auth/requests/logout/reject"},
    {kGet, "/recipe/oauth/sessions/logout"},
};

// The parts that these operations use.
struct Nothing {};

absl::StatusOr<Reply> SayUnavailable(ApiRequest&, const Nothing&) {
  return MakeError(ErrorReason::kNotSupported, "This operation is not available");
}

}  // namespace

void AddUnavailableRoutes(RouteTable& routes) {
  const RouteGroup group(routes, "tenants", std::make_shared<const Nothing>());
  for (const Operation& operation : kOperations) {
    group.Add(operation.method, operation.path, SayUnavailable, {.from_memory = true});
  }
}

}  // namespace gatehouse::gateway

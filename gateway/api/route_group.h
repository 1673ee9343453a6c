#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "gateway/api/route_table.h"

namespace gatehouse::gateway {

// The one way to write routes. The things that a recipe's operations need (clients of services, the
// tenant directory) are a struct, `Parts`, created once; an operation is a plain function of the
// request and the parts:
//
//   // PUT /recipe/role {role, permissions?}
//   absl::StatusOr<Reply> UpsertRole(ApiRequest& request, Parts& parts);
//
//   const RouteGroup group(routes, "roles", std::make_shared<Parts>(...));
//   group.Add(HttpMethod::kPut, "/recipe/role", UpsertRole);
template <typename Parts>
class RouteGroup {
 public:
  using Operation = absl::StatusOr<Reply> (*)(ApiRequest&, Parts&);

  // `service`: whose workers run the operations, a literal. The table outlives this.
  RouteGroup(RouteTable& routes, std::string_view service, std::shared_ptr<Parts> parts)
      : routes_(routes), service_(service), parts_(std::move(parts)) {}

  void Add(HttpMethod method, std::string path, Operation operation,
           RouteOptions options = {}) const {
    routes_.Add({.method = method,
                 .path = std::move(path),
                 .service = service_,
                 .handler = Bind(operation),
                 .options = options});
  }

  // For an operation that is not selected by the path.
  RouteHandler Bind(Operation operation) const {
    return [parts = parts_, operation](ApiRequest& request) { return operation(request, *parts); };
  }

  // A group for another service, with the same parts.
  RouteGroup At(std::string_view service) const { return RouteGroup(routes_, service, parts_); }

 private:
  RouteTable& routes_;
  const std::string_view service_;
  const std::shared_ptr<Parts> parts_;
};

}  // namespace gatehouse::gateway

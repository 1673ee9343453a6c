#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "gatehouse/common/v1/scope.pb.h"
#include "gateway/api/cdi_version.h"
#include "libs/base/json.h"
#include "libs/http/message.h"
#include "libs/rpc/service.h"

namespace gatehouse::gateway {

enum class HttpMethod { kGet, kPost, kPut, kDelete };
inline constexpr std::array<std::string_view, 4> kMethodNames = {"GET", "POST", "PUT", "DELETE"};

// A request that has passed the gateway's checks, as a route handler sees it.
class ApiRequest {
 public:
  HttpMethod method = HttpMethod::kGet;
  common::v1::Scope scope;   // normalised; the tenant need not exist (formats.md 18.10)
  CdiVersion cdi;
  http::Headers headers;     // all of them, as sent
  http::Parameters query;    // decoded, in order
  std::string body;          // decoded to UTF-8
  rpc::CallContext context;  // with the client's address
  // The caller has presented the SaaS secret: it sees protected settings and may change them.
  bool has_saas_secret = false;

  // The body as a JSON object, or BAD_INPUT `Invalid Json Input`. Parsed once.
  absl::StatusOr<const json::Value*> JsonBody();
  // The body as a form (application/x-www-form-urlencoded, whatever the content type), or
  // BAD_INPUT `Invalid form input`. Parsed once.
  absl::StatusOr<const http::Parameters*> FormBody();

  // The first header field of a name, in any case; "" when there is none.
  std::string_view Header(std::string_view name) const;

  // The first value of a query parameter, or nullopt.
  std::optional<std::string_view> Query(std::string_view name) const;
  // The same, or BAD_INPUT `Field name '<name>' is missing in GET request`.
  absl::StatusOr<std::string> RequireQuery(std::string_view name) const;

  // FORBIDDEN `Only public tenantId can call this app specific API` when the path names a tenant
  // and the version is 5.0 or later; below, the tenant is ignored: `scope` becomes the public one.
  absl::Status RequirePublicTenant();
  bool is_public_tenant() const { return scope.tenant_id() == "public"; }

 private:
  std::optional<json::Value> json_body_;
  std::optional<http::Parameters> form_body_;
};

}  // namespace gatehouse::gateway

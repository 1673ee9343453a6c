#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "gateway/api/cdi_version.h"
#include "gatehouse/common/v1/scope.pb.h"
#include "libs/base/json.h"
#include "libs/rpc/service.h"

namespace gatehouse::gateway {

enum class HttpMethod { kGet, kPost, kPut, kDelete };

// A request that has passed the gateway's checks, as a route handler sees it.
class ApiRequest {
 public:
  HttpMethod method = HttpMethod::kGet;
  common::v1::Scope scope;   // normalised; the tenant need not exist (formats.md 18.10)
  CdiVersion cdi;
  std::string rid;                                         // header `rid`; "" when absent
  std::vector<std::pair<std::string, std::string>> query;  // decoded, in order
  std::string body;          // decoded to UTF-8
  std::string remote_address;
  rpc::CallContext context;
  // The caller holds the SaaS secret: protected settings are shown to it and may be changed.
  bool has_saas_secret = false;

  // The body as a JSON object, or BAD_INPUT `Invalid Json Input`. Parsed once.
  absl::StatusOr<const json::Value*> JsonBody();

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
};

// What a route handler answers. The gateway adds the final newline and the content type.
struct Reply {
  enum class Kind { kJson, kText, kXml };
  int status = 200;
  Kind kind = Kind::kJson;
  std::string body;  // without the final newline
  std::vector<std::pair<std::string, std::string>> headers;
};

Reply JsonReply(const json::Value& value);
// {"status":"<status>"}
Reply StatusReply(std::string_view status);
Reply TextReply(int status, std::string_view text);

}  // namespace gatehouse::gateway

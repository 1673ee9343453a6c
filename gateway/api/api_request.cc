#include "gateway/api/api_request.h"

#include "libs/base/status.h"
#include "libs/base/strings.h"

namespace gatehouse::gateway {

absl::StatusOr<const json::Value*> ApiRequest::JsonBody() {
  if (!json_body_.has_value()) {
    absl::StatusOr<json::Value> parsed = json::Parse(body);
    if (!parsed.ok() || !parsed->is_object()) return BadInput("Invalid Json Input");
    json_body_ = *std::move(parsed);
  }
  return &*json_body_;
}

absl::StatusOr<const http::Parameters*> ApiRequest::FormBody() {
  if (!form_body_.has_value()) {
    absl::StatusOr<http::Parameters> parsed = http::ParseForm(body);
    if (!parsed.ok()) return BadInput("Invalid form input");
    form_body_ = *std::move(parsed);
  }
  return &*form_body_;
}

std::string_view ApiRequest::Header(std::string_view name) const {
  return headers.Find(name).value_or("");
}

std::optional<std::string_view> ApiRequest::Query(std::string_view name) const {
  return http::FindParameter(query, name);
}

absl::StatusOr<std::string> ApiRequest::RequireQuery(std::string_view name) const {
  if (auto value = Query(name)) return std::string(*value);
  return BadInput(StrCat("Field name '", name, "' is missing in GET request"));
}

absl::Status ApiRequest::RequirePublicTenant() {
  if (is_public_tenant()) return absl::OkStatus();
  if (cdi >= cdi::k5_0) return Forbidden("Only public tenantId can call this app specific API");
  scope.set_tenant_id("public");
  return absl::OkStatus();
}

}  // namespace gatehouse::gateway

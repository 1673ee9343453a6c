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

std::optional<std::string_view> ApiRequest::Query(std::string_view name) const {
  for (const auto& [key, value] : query) {
    if (key == name) return value;
  }
  return std::nullopt;
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

Reply JsonReply(const json::Value& value) {
  Reply reply;
  json::SerializeTo(value, reply.body);
  return reply;
}

Reply StatusReply(std::string_view status) {
  return JsonReply(json::Value::Object({{"status", status}}));
}

Reply TextReply(int status, std::string_view text) {
  Reply reply;
  reply.status = status;
  reply.kind = Reply::Kind::kText;
  reply.body = std::string(text);
  return reply;
}

}  // namespace gatehouse::gateway

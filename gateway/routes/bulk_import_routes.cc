#include "gateway/routes/bulk_import_routes.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "gatehouse/accounts/v1/bulk_import_service.rpc.h"
#include "gateway/api/route_group.h"
#include "gateway/json_input.h"
#include "gateway/routes/app_checks.h"
#include "gateway/routes/user_json.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/tenancy/tenant_directory.h"

namespace gatehouse::gateway {
namespace {

using json::Value;

// What the handlers work with.
struct BulkImport {
  accounts::v1::BulkImportServiceClient client;
  const tenancy::TenantDirectory& tenants;
};

constexpr size_t kMaxAdded = 10'000;  // these limits are the original's
constexpr int kMaxPage = 500;
constexpr int kDefaultPage = 100;
constexpr size_t kMaxRemoved = 500;

template <typename Texts>
Value Strings(const Texts& texts) {
  Value array = Value::Array();
  for (const std::string& text : texts) array.Append(text);
  return array;
}

// The original sends these as JSON in a text.
absl::Status BadUsers(const Value& json) { return BadInput(json::Serialize(json)); }

absl::StatusOr<accounts::v1::ImportStatus> QueryStatus(const ApiRequest& request) {
  const std::optional<std::string_view> status = request.Query("status");
  if (!status.has_value()) return accounts::v1::IMPORT_STATUS_UNSPECIFIED;
  if (*status == "NEW") return accounts::v1::IMPORT_STATUS_NEW;
  if (*status == "PROCESSING") return accounts::v1::IMPORT_STATUS_PROCESSING;
  if (*status == "FAILED") return accounts::v1::IMPORT_STATUS_FAILED;
  return BadInput("Invalid value for status. Pass one of NEW, PROCESSING, or FAILED!");
}

std::string_view StatusText(accounts::v1::ImportStatus status) {
  switch (status) {
    case accounts::v1::IMPORT_STATUS_PROCESSING:
      return "PROCESSING";
    case accounts::v1::IMPORT_STATUS_FAILED:
      return "FAILED";
    default:
      return "NEW";
  }
}

Value AddedUserJson(const accounts::v1::AddedUser& user) {
  Value methods = Value::Array();
  for (const accounts::v1::AddedLoginMethod& method : user.login_methods()) {
    Value json = Value::Object({{"recipeId", method.recipe_id()},
                                {"userId", method.user_id()},
                                {"tenants", Strings(method.tenant_ids())}});
    json.Set("email", method.has_email() ? Value(method.email()) : Value::Null());
    if (method.recipe_id() == "thirdparty") {
      json.Set("thirdpartyId", method.third_party_id());
      json.Set("thirdpartyUserId", method.third_party_user_id());
    } else if (method.recipe_id() == "passwordless") {
      json.Set("phoneNumber",
               method.has_phone_number() ? Value(method.phone_number()) : Value::Null());
    }
    methods.Append(std::move(json));
  }
  return Value::Object({{"userId", user.user_id()}, {"loginMethods", std::move(methods)}});
}

absl::Status InvalidUsers(const accounts::v1::AddUsersResponse& reply) {
  Value users = Value::Array();
  for (const accounts::v1::UserErrors& invalid : reply.invalid()) {
    users.Append(
        Value::Object({{"index", invalid.index()}, {"errors", Strings(invalid.errors())}}));
  }
  return BadUsers(Value::Object(
      {{"error", "Data has missing or invalid fields. Please check the users field for more details."},
       {"users", std::move(users)}}));
}

absl::StatusOr<Reply> CheckOrAdd(ApiRequest& request, BulkImport& import, bool only_check) {
  ASSIGN_OR_RETURN(const Value* body, request.JsonBody());
  ASSIGN_OR_RETURN(const Value* users, RequireArray(*body, "users"));
  if (users->size() == 0) return StatusReply("OK");
  if (users->size() > kMaxAdded) {
    return BadUsers(Value::Object({{"error", StrCat("You can only add ", std::to_string(kMaxAdded),
                                                    " users at a time.")}}));
  }
  RETURN_IF_ERROR(RequireAppThenPublicTenant(import.tenants, request));
  accounts::v1::AddUsersRequest call;
  *call.mutable_scope() = request.scope;
  call.set_only_check(only_check);
  for (const Value& user : users->elements()) {
    if (!user.is_object()) return InvalidField("users");
    call.add_users_json(json::Serialize(user));
  }
  ASSIGN_OR_RETURN(const auto reply, import.client.AddUsers(request.context, call));
  if (!reply.invalid().empty()) return InvalidUsers(reply);
  Value added = Value::Array();
  for (const accounts::v1::AddedUser& user : reply.added()) added.Append(AddedUserJson(user));
  return JsonReply(Value::Object({{"status", "OK"}, {"users", std::move(added)}}));
}

// POST /bulk-import/users {users}
absl::StatusOr<Reply> AddUsers(ApiRequest& request, BulkImport& import) {
  return CheckOrAdd(request, import, /*only_check=*/false);
}

// POST /bulk-import/users/check {users}: ours, for the dry run of `gatehouse import`. A path of its
// own, since a server without it must not add the users.
absl::StatusOr<Reply> CheckUsers(ApiRequest& request, BulkImport& import) {
  return CheckOrAdd(request, import, /*only_check=*/true);
}

// GET /bulk-import/users?status&limit&paginationToken
absl::StatusOr<Reply> ListUsers(ApiRequest& request, BulkImport& import) {
  accounts::v1::ListUsersRequest call;
  call.set_page_token(std::string(request.Query("paginationToken").value_or("")));
  ASSIGN_OR_RETURN(const std::optional<int32_t> limit, OptionalQueryInt32(request.query, "limit"));
  if (limit.has_value() && *limit > kMaxPage) {
    return BadInput(StrCat("Max limit allowed is ", std::to_string(kMaxPage)));
  }
  if (limit.has_value() && *limit < 1) {
    return BadInput("limit must a positive integer with min value 1");
  }
  call.set_page_size(limit.value_or(kDefaultPage));
  ASSIGN_OR_RETURN(const accounts::v1::ImportStatus status, QueryStatus(request));
  call.set_status(status);
  RETURN_IF_ERROR(RequireAppThenPublicTenant(import.tenants, request));
  if (call.page_token().empty() && request.Query("paginationToken").has_value()) {
    return BadInput("invalid pagination token");
  }
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(const auto reply, import.client.ListUsers(request.context, call));
  Value users = Value::Array();
  for (const accounts::v1::WaitingUser& user : reply.users()) {
    absl::StatusOr<Value> json = json::Parse(user.user_json());
    if (!json.ok() || !json->is_object()) json = Value::Object();
    json->Set("id", user.id());
    json->Set("status", std::string(StatusText(user.status())));
    if (user.has_primary_user_id()) json->Set("primaryUserId", user.primary_user_id());
    if (user.has_error()) json->Set("errorMessage", user.error());
    json->Set("createdAt", user.created_at_ms());
    json->Set("updatedAt", user.updated_at_ms());
    users.Append(*std::move(json));
  }
  Value result = Value::Object({{"status", "OK"}, {"users", std::move(users)}});
  if (!reply.next_page_token().empty()) result.Set("nextPaginationToken", reply.next_page_token());
  return JsonReply(result);
}

// GET /bulk-import/users/count?status
absl::StatusOr<Reply> CountUsers(ApiRequest& request, BulkImport& import) {
  accounts::v1::CountUsersRequest call;
  ASSIGN_OR_RETURN(const accounts::v1::ImportStatus status, QueryStatus(request));
  call.set_status(status);
  RETURN_IF_ERROR(RequireAppThenPublicTenant(import.tenants, request));
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(const auto reply, import.client.CountUsers(request.context, call));
  return JsonReply(Value::Object({{"status", "OK"}, {"count", reply.count()}}));
}

// POST /bulk-import/users/remove {ids}
absl::StatusOr<Reply> RemoveUsers(ApiRequest& request, BulkImport& import) {
  ASSIGN_OR_RETURN(const Value* body, request.JsonBody());
  ASSIGN_OR_RETURN(const Value* given, RequireArray(*body, "ids"));
  if (given->size() > kMaxRemoved) {
    return BadInput(StrCat("Field name 'ids' cannot contain more than ",
                           std::to_string(kMaxRemoved), " elements"));
  }
  accounts::v1::RemoveUsersRequest call;
  for (const Value& element : given->elements()) {
    ASSIGN_OR_RETURN(std::string id, StringElement(element, "ids"));
    if (id.empty()) return BadInput("Field name 'ids' cannot contain an empty string");
    call.add_ids(std::move(id));
  }
  std::set<std::string> removed;
  if (!call.ids().empty()) {
    RETURN_IF_ERROR(RequireAppThenPublicTenant(import.tenants, request));
    *call.mutable_scope() = request.scope;
    ASSIGN_OR_RETURN(const auto reply, import.client.RemoveUsers(request.context, call));
    removed.insert(reply.removed_ids().begin(), reply.removed_ids().end());
  }
  Value deleted = Value::Array(), invalid = Value::Array();
  for (const std::string& id : call.ids()) (removed.contains(id) ? deleted : invalid).Append(id);
  return JsonReply(
      Value::Object({{"deletedIds", std::move(deleted)}, {"invalidIds", std::move(invalid)}}));
}

// POST /bulk-import/import <user>
absl::StatusOr<Reply> ImportUser(ApiRequest& request, BulkImport& import) {
  ASSIGN_OR_RETURN(const Value* body, request.JsonBody());
  RETURN_IF_ERROR(RequireAppThenPublicTenant(import.tenants, request));
  accounts::v1::ImportUserRequest call;
  *call.mutable_scope() = request.scope;
  call.set_user_json(json::Serialize(*body));
  ASSIGN_OR_RETURN(const auto reply, import.client.ImportUser(request.context, call));
  if (!reply.has_user()) {
    return BadUsers(Value::Object({{"errors", Strings(reply.refused().errors())}}));
  }
  return ObjectReply([&](json::ObjectWriter& out) {
    out.Add("status", "OK");
    AppendWholeUser(reply.user(), request.cdi, out.AddValue("user"));
  });
}

}  // namespace

void AddBulkImportRoutes(RouteTable& routes, rpc::Channel& accounts,
                         const tenancy::TenantDirectory& tenants) {
  const RouteGroup group(
      routes, "accounts",
      std::make_shared<BulkImport>(
          BulkImport{accounts::v1::BulkImportServiceClient(accounts), tenants}));
  const RouteGroup slow = group.At("accounts/bulk_import");
  slow.Add(HttpMethod::kPost, "/bulk-import/users", AddUsers);
  slow.Add(HttpMethod::kPost, "/bulk-import/users/check", CheckUsers);
  group.Add(HttpMethod::kGet, "/bulk-import/users", ListUsers);
  group.Add(HttpMethod::kGet, "/bulk-import/users/count", CountUsers);
  group.Add(HttpMethod::kPost, "/bulk-import/users/remove", RemoveUsers);
  slow.Add(HttpMethod::kPost, "/bulk-import/import", ImportUser);
}

}  // namespace gatehouse::gateway

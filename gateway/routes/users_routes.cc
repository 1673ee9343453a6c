#include "gateway/routes/users_routes.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "gatehouse/users/v1/user_directory_service.rpc.h"
#include "gateway/api/lent_scope.h"
#include "gateway/api/route_group.h"
#include "gateway/json_input.h"
#include "gateway/routes/app_checks.h"
#include "gateway/routes/user_json.h"
#include "libs/base/contact_info.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"

namespace gatehouse::gateway {
namespace {

namespace v1 = users::v1;

struct Clients {
  v1::UserDirectoryServiceClient directory;
  const tenancy::TenantDirectory& tenants;
};

constexpr int kDefaultLimit = 100;
constexpr int kMaxLimit = 500;

// Every recipe that the original knows by name, with or without users.
constexpr std::string_view kRecipeIds[] = {
    "emailpassword", "thirdparty", "session",       "emailverification", "jwt",   "passwordless",
    "usermetadata",  "userroles",  "useridmapping", "dashboard",         "totp",  "multitenancy",
    "accountlinking", "mfa",       "oauth",         "webauthn",          "saml"};

// The query's includeRecipeIds, in stored form.
absl::StatusOr<std::vector<std::string>> ReadRecipeIds(const ApiRequest& request) {
  std::vector<std::string> ids;
  for (const std::string& given :
       OptionalQueryList(request.query, "includeRecipeIds").value_or(std::vector<std::string>())) {
    const std::string id = absl::AsciiStrToLower(given);
    if (std::find(std::begin(kRecipeIds), std::end(kRecipeIds), id) == std::end(kRecipeIds)) {
      return BadInput(StrCat("Unknown recipe ID: ", given));
    }
    if (std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(id);
  }
  return ids;
}

// Tags are separated by `;`.
template <typename Tags>
void ReadTags(const ApiRequest& request, std::string_view name, Tags* tags) {
  std::string_view rest = request.Query(name).value_or("");
  while (!rest.empty()) {
    const size_t end = std::min(rest.find(';'), rest.size());
    std::string tag = NormaliseEmail(rest.substr(0, end));  // trims and lower-cases any text
    if (!tag.empty()) tags->Add(std::move(tag));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
}

absl::Status ReadLimit(const std::optional<int32_t>& limit, bool searching,
                       v1::ListUsersRequest& call) {
  call.set_page_size(kDefaultLimit);
  if (!limit.has_value()) return absl::OkStatus();
  if (*limit > kMaxLimit && !searching) {
    return BadInput(StrCat("max limit allowed is ", std::to_string(kMaxLimit)));
  }
  if (*limit < 1) return BadInput("limit must a positive integer with min value 1");
  call.set_page_size(std::min(*limit, kMaxLimit));
  return absl::OkStatus();
}

// The query of GET /users, except for the recipes.
absl::Status ReadListQuery(const ApiRequest& request, v1::ListUsersRequest& call) {
  ASSIGN_OR_RETURN(const std::optional<int32_t> limit, OptionalQueryInt32(request.query, "limit"));
  const std::string_view order = request.Query("timeJoinedOrder").value_or("ASC");
  if (order != "ASC" && order != "DESC") {
    return BadInput("timeJoinedOrder can be either ASC OR DESC");
  }
  call.set_descending(order == "DESC");
  ReadTags(request, "email", call.mutable_email_tags());
  ReadTags(request, "phone", call.mutable_phone_tags());
  ReadTags(request, "provider", call.mutable_provider_tags());
  const bool searching = call.email_tags_size() + call.phone_tags_size() +
                             call.provider_tags_size() > 0;
  RETURN_IF_ERROR(ReadLimit(limit, searching, call));
  if (auto token = request.Query("paginationToken")) {
    if (token->empty()) return BadInput("invalid pagination token");
    call.set_page_token(std::string(*token));
  }
  return absl::OkStatus();
}

// GET /users.
absl::StatusOr<Reply> ListUsers(ApiRequest& request, Clients& clients) {
  v1::ListUsersRequest call;
  const LentScope lent(request, call);
  ASSIGN_OR_RETURN(const std::vector<std::string> recipe_ids, ReadRecipeIds(request));
  for (const std::string& id : recipe_ids) call.add_recipe_ids(id);
  if (const absl::Status query = ReadListQuery(request, call); !query.ok()) {
    // An unknown tenant is reported first.
    RETURN_IF_ERROR(clients.tenants.Find(request.scope, request.context.deadline).status());
    return query;
  }
  ASSIGN_OR_RETURN(const v1::ListUsersResponse response,
                   clients.directory.ListUsers(request.context, call));
  const auto write = [&](json::ObjectWriter& reply) {
    reply.Add("status", "OK");
    reply.AddArray("users", response.users(), [&](const v1::User& user, std::string& to) {
      if (request.cdi >= cdi::k4_0) return AppendUser(user, request.cdi, to);
      json::ObjectWriter listed(to);
      listed.Add("recipeId", user.login_methods(0).recipe_id());
      AppendUser(user, request.cdi, listed.AddValue("user"));
      listed.End();
    });
    if (!response.next_page_token().empty()) {
      reply.Add("nextPaginationToken", response.next_page_token());
    }
  };
  // Grown step by step, a long reply would be copied as often.
  constexpr size_t kBytesOfUser = 600;
  return ObjectReply(write, static_cast<size_t>(response.users_size() + 1) * kBytesOfUser);
}

bool IsTrue(const ApiRequest& request, std::string_view name) {
  const std::optional<std::string_view> value = request.Query(name);
  return value.has_value() && absl::AsciiStrToLower(std::string(*value)) == "true";
}

// GET /users/count.
absl::StatusOr<Reply> CountUsers(ApiRequest& request, Clients& clients) {
  v1::CountUsersRequest call;
  ASSIGN_OR_RETURN(const std::vector<std::string> recipe_ids, ReadRecipeIds(request));
  for (const std::string& id : recipe_ids) call.add_recipe_ids(id);
  call.set_all_tenants(IsTrue(request, "includeAllTenants"));
  if (call.all_tenants()) RETURN_IF_ERROR(RequireAppThenPublicTenant(clients.tenants, request));
  const LentScope lent(request, call);
  ASSIGN_OR_RETURN(const v1::CountUsersResponse response,
                   clients.directory.CountUsers(request.context, call));
  json::Value reply = json::Value::Object({{"status", "OK"}, {"count", response.count()}});
  // Who would take an approximate number gets an exact one: it costs no more.
  if (request.cdi >= cdi::k5_7 ||
      (request.cdi >= cdi::k5_6 && IsTrue(request, "allowApproximate"))) {
    reply.Set("approximate", false);
    reply.Set("asOf", response.as_of_ms());
  }
  return JsonReply(reply);
}

// GET /users/count/active.
absl::StatusOr<Reply> CountActiveUsers(ApiRequest& request, Clients& clients) {
  v1::CountActiveUsersRequest call;
  ASSIGN_OR_RETURN(const int64_t since, RequireQueryInt64(request.query, "since"));
  if (since < 0) return BadInput("'since' query parameter must be >= 0");
  RETURN_IF_ERROR(request.RequirePublicTenant());
  *call.mutable_scope() = request.scope;
  call.set_since_ms(since);
  ASSIGN_OR_RETURN(const v1::CountActiveUsersResponse response,
                   clients.directory.CountActiveUsers(request.context, call));
  return JsonReply(json::Value::Object({{"status", "OK"}, {"count", response.count()}}));
}

// GET /users/by-accountinfo.
absl::StatusOr<Reply> FindUsers(ApiRequest& request, Clients& clients) {
  const auto email = request.Query("email");
  const auto phone = request.Query("phoneNumber");
  const auto third_party_id = request.Query("thirdPartyId");
  const auto third_party_user_id = request.Query("thirdPartyUserId");
  ASSIGN_OR_RETURN(const std::string any, request.RequireQuery("doUnionOfAccountInfo"));
  if (any != "true" && any != "false") {
    return BadInput("'doUnionOfAccountInfo' should be either 'true' or 'false'");
  }
  if (third_party_id.has_value() != third_party_user_id.has_value()) {
    return BadInput(
        "If 'thirdPartyId' is provided, 'thirdPartyUserId' must also be provided, and vice versa");
  }
  const auto passkey = request.Query("webauthnCredentialId");
  v1::FindUsersRequest call;
  *call.mutable_scope() = request.scope;
  call.set_any(any == "true");
  if (email.has_value()) call.set_email(NormaliseEmail(*email));
  if (phone.has_value()) call.set_phone_number(NormalisePhoneNumber(*phone));
  if (third_party_id.has_value()) {
    call.mutable_third_party()->set_id(std::string(*third_party_id));
    call.mutable_third_party()->set_user_id(std::string(*third_party_user_id));
  }
  if (passkey.has_value()) call.set_webauthn_credential_id(std::string(*passkey));
  ASSIGN_OR_RETURN(const v1::FindUsersResponse response,
                   clients.directory.FindUsers(request.context, call));
  if (response.unknown_webauthn_credential()) return BadInput("Unknown webauthnCredentialId");
  return ObjectReply([&](json::ObjectWriter& reply) {
    reply.Add("status", "OK");
    reply.AddArray("users", response.users(), [&](const v1::User& user, std::string& to) {
      AppendWholeUser(user, request.cdi, to);
    });
  });
}

// GET /user/id.
absl::StatusOr<Reply> GetUser(ApiRequest& request, Clients& clients) {
  v1::GetUserRequest call;
  ASSIGN_OR_RETURN(*call.mutable_user_id(), request.RequireQuery("userId"));
  RETURN_IF_ERROR(RequireAppThenPublicTenant(clients.tenants, request));
  const LentScope lent(request, call);
  ASSIGN_OR_RETURN(const v1::GetUserResponse response,
                   clients.directory.GetUser(request.context, call));
  if (!response.has_user()) return StatusReply("UNKNOWN_USER_ID_ERROR");
  return ObjectReply([&](json::ObjectWriter& reply) {
    reply.Add("status", "OK");
    AppendWholeUser(response.user(), request.cdi, reply.AddValue("user"));
  });
}

// GET /user/search/tags.
absl::StatusOr<Reply> SearchTags(ApiRequest&, Clients&) {
  return JsonReply(json::Value::Object(
      {{"status", "OK"}, {"tags", json::Value::Array({"email", "phone", "provider"})}}));
}

}  // namespace

void AddUsersRoutes(RouteTable& routes, rpc::Channel& users,
                    const tenancy::TenantDirectory& tenants) {
  const RouteGroup group(
      routes, "users",
      std::make_shared<Clients>(Clients{v1::UserDirectoryServiceClient(users), tenants}));
  group.Add(HttpMethod::kGet, "/users", ListUsers);
  group.Add(HttpMethod::kGet, "/users/count", CountUsers);
  group.Add(HttpMethod::kGet, "/users/count/active", CountActiveUsers);
  group.Add(HttpMethod::kGet, "/users/by-accountinfo", FindUsers);
  group.Add(HttpMethod::kGet, "/user/id", GetUser);
  group.Add(HttpMethod::kGet, "/user/search/tags", SearchTags, {.from_memory = true});
}

}  // namespace gatehouse::gateway

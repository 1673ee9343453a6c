#include "services/users/listing/user_directory_service.h"

#include <algorithm>
#include <utility>

#include "libs/base/problem.h"
#include "libs/base/status.h"

namespace gatehouse::users {
namespace {

constexpr int kMaxPageSize = 500;
constexpr int kDefaultPageSize = 100;
constexpr int kMaxSearchTags = 50;     // of each kind; a bound on a statement's work
constexpr int kMaxRecipeFilters = 16;  // there are four recipes

template <typename Repeated>
std::vector<std::string> ToVector(const Repeated& field) {
  return std::vector<std::string>(field.begin(), field.end());
}

// Which of the requested account infos a user has.
bool HasAll(const v1::User& user, const v1::FindUsersRequest& request) {
  bool email = !request.has_email();
  bool phone = !request.has_phone_number();
  bool third_party = !request.has_third_party();
  bool webauthn = !request.has_webauthn_credential_id();
  for (const v1::LoginMethod& method : user.login_methods()) {
    email = email || (method.has_email() && method.email() == request.email());
    phone = phone ||
            (method.has_phone_number() && method.phone_number() == request.phone_number());
    third_party = third_party || (method.has_third_party() &&
                                  method.third_party().id() == request.third_party().id() &&
                                  method.third_party().user_id() ==
                                      request.third_party().user_id());
    const auto& credentials = method.webauthn_credential_ids();
    webauthn = webauthn || std::find(credentials.begin(), credentials.end(),
                                     request.webauthn_credential_id()) != credentials.end();
  }
  return email && phone && third_party && webauthn;
}

bool HasPasskeyInTenant(const v1::User& user, const std::string& id, std::string_view tenant_id) {
  for (const v1::LoginMethod& method : user.login_methods()) {
    const auto& ids = method.webauthn_credential_ids();
    if (std::find(ids.begin(), ids.end(), id) != ids.end() && IsInTenant(method, tenant_id)) {
      return true;
    }
  }
  return false;
}

// In the order of time joined.
void AddOnce(std::vector<v1::User>& users, v1::User user) {
  const auto is_same = [&](const v1::User& other) {
    return other.supertokens_user_id() == user.supertokens_user_id();
  };
  if (std::any_of(users.begin(), users.end(), is_same)) return;
  const auto place = std::upper_bound(
      users.begin(), users.end(), user,
      [](const v1::User& a, const v1::User& b) { return a.time_joined_ms() < b.time_joined_ms(); });
  users.insert(place, std::move(user));
}

}  // namespace

absl::StatusOr<v1::GetUserResponse> UserDirectoryServiceImpl::GetUser(
    rpc::CallContext& context, const v1::GetUserRequest& request) {
  std::vector<Where> scopes;
  if (request.home_tenant_id().empty()) {
    ASSIGN_OR_RETURN(scopes, ScopesOfApp(directory_, request.scope(), context.deadline));
  } else {
    common::v1::Scope home = request.scope();
    home.set_tenant_id(request.home_tenant_id());
    ASSIGN_OR_RETURN(Where scope, ScopeOfTenant(directory_, home, context.deadline));
    scopes.push_back(std::move(scope));
  }
  std::optional<v1::User> user;
  ASSIGN_OR_RETURN(const auto missing,
                   AskScopes(scopes, [&](const Where& scope) -> absl::StatusOr<bool> {
                     ASSIGN_OR_RETURN(
                         user, request.supertokens_user_id().empty()
                                   ? users_.FindById(scope, request.user_id())
                                   : users_.FindByInternalId(scope, request.supertokens_user_id()));
                     return user.has_value();
                   }));
  RETURN_IF_ERROR(tenancy::NeedsAll(missing));
  v1::GetUserResponse response;
  if (!user.has_value()) return response;
  if (request.recipe_id().empty()) {
    *response.mutable_user() = *std::move(user);
    return response;
  }
  const v1::LoginMethod* method =
      request.supertokens_user_id().empty()
          ? FindLoginMethod(*user, request.user_id())
          : FindLoginMethodByInternalId(*user, request.supertokens_user_id());
  if (method == nullptr || method->recipe_id() != request.recipe_id()) return response;
  v1::User& single = *response.mutable_user();
  single.set_id(method->recipe_user_id());
  single.set_supertokens_user_id(method->supertokens_user_id());
  single.set_is_primary_user(user->is_primary_user());
  single.set_time_joined_ms(method->time_joined_ms());
  *single.mutable_tenant_ids() = method->tenant_ids();
  *single.add_login_methods() = *method;
  return response;
}

absl::StatusOr<v1::FindUsersResponse> UserDirectoryServiceImpl::FindUsers(
    rpc::CallContext& context, const v1::FindUsersRequest& request) {
  ASSIGN_OR_RETURN(Where scope, ScopeOfTenant(directory_, request.scope(), context.deadline));
  std::vector<AccountInfo> infos;
  if (request.has_email()) infos.push_back({std::string(kEmailInfo), request.email()});
  if (request.has_phone_number()) {
    infos.push_back({std::string(kPhoneInfo), request.phone_number()});
  }
  if (request.has_third_party()) {
    infos.push_back({std::string(kThirdPartyInfo),
                     ThirdPartyInfoValue(request.third_party().id(),
                                         request.third_party().user_id())});
  }
  v1::FindUsersResponse response;
  std::vector<v1::User> users;
  if (!infos.empty()) {
    ASSIGN_OR_RETURN(users, users_.FindByAccountInfo(scope, infos));
  }
  if (request.has_webauthn_credential_id()) {
    const std::string& id = request.webauthn_credential_id();
    ASSIGN_OR_RETURN(std::vector<v1::User> owners, users_.FindByPasskey(scope, id));
    response.set_unknown_webauthn_credential(owners.empty());
    for (v1::User& owner : owners) {
      if (HasPasskeyInTenant(owner, id, scope.tenant_id())) AddOnce(users, std::move(owner));
    }
  }
  for (v1::User& user : users) {
    if (request.any() || HasAll(user, request)) *response.add_users() = std::move(user);
  }
  return response;
}

absl::StatusOr<v1::ListUsersResponse> UserDirectoryServiceImpl::ListUsers(
    rpc::CallContext& context, const v1::ListUsersRequest& request) {
  ASSIGN_OR_RETURN(Where scope, ScopeOfTenant(directory_, request.scope(), context.deadline));
  PageQuery page;
  if (!request.page_token().empty()) {
    page.start = PaginationToken::Decode(request.page_token());
    if (!page.start.has_value())
      return BadInput(Problem::kMalformed, "invalid pagination token",
                      {{"field", "paginationToken"}});
  }
  if (std::max({request.email_tags_size(), request.phone_tags_size(),
                request.provider_tags_size()}) > kMaxSearchTags ||
      request.recipe_ids_size() > kMaxRecipeFilters) {
    return BadInput(Problem::kTooMany, "Too many search tags", {{"field", "email,phone,provider"}});
  }
  const bool searching = request.email_tags_size() > 0 || request.phone_tags_size() > 0 ||
                         request.provider_tags_size() > 0;
  const int page_size = request.page_size() <= 0
                            ? kDefaultPageSize
                            : std::min<int>(request.page_size(), kMaxPageSize);
  v1::ListUsersResponse response;
  std::vector<v1::User> users;
  if (searching) {
    const SearchTags tags = {ToVector(request.email_tags()), ToVector(request.phone_tags()),
                             ToVector(request.provider_tags())};
    ASSIGN_OR_RETURN(users, listing_.Search(scope, tags, request.descending()));
  } else {
    page.recipe_ids = ToVector(request.recipe_ids());
    page.descending = request.descending();
    page.limit = page_size;
    ASSIGN_OR_RETURN(UserPage found, listing_.ListPage(scope, page));
    if (found.next.has_value()) response.set_next_page_token(found.next->Encode());
    users = std::move(found.users);
  }
  response.mutable_users()->Reserve(static_cast<int>(users.size()));
  for (v1::User& user : users) *response.add_users() = std::move(user);
  return response;
}

absl::StatusOr<int64_t> UserDirectoryServiceImpl::CountWholeApp(
    const v1::CountUsersRequest& request, absl::Time deadline) {
  ASSIGN_OR_RETURN(std::vector<Where> scopes, ScopesOfApp(directory_, request.scope(), deadline));
  int64_t total = 0;
  const std::vector<std::string> recipe_ids = ToVector(request.recipe_ids());
  ASSIGN_OR_RETURN(const auto missing,
                   AskScopes(scopes, [&](const Where& scope) -> absl::StatusOr<bool> {
                     ASSIGN_OR_RETURN(const int64_t count, listing_.CountApp(scope, recipe_ids));
                     total += count;
                     return false;
                   }));
  RETURN_IF_ERROR(tenancy::NeedsAll(missing));
  return total;
}

absl::StatusOr<v1::CountUsersResponse> UserDirectoryServiceImpl::CountUsers(
    rpc::CallContext& context, const v1::CountUsersRequest& request) {
  if (request.recipe_ids_size() > kMaxRecipeFilters) {
    return BadInput(Problem::kTooMany, "Too many recipe IDs", {{"field", "includeRecipeIds"}});
  }
  v1::CountUsersResponse response;
  response.set_as_of_ms(clock_.NowMs());
  if (request.all_tenants()) {
    ASSIGN_OR_RETURN(const int64_t count, CountWholeApp(request, context.deadline));
    response.set_count(count);
    return response;
  }
  ASSIGN_OR_RETURN(Where scope, ScopeOfTenant(directory_, request.scope(), context.deadline));
  ASSIGN_OR_RETURN(const int64_t count,
                   listing_.CountTenant(scope, ToVector(request.recipe_ids())));
  response.set_count(count);
  return response;
}

absl::StatusOr<v1::CountActiveUsersResponse> UserDirectoryServiceImpl::CountActiveUsers(
    rpc::CallContext& context, const v1::CountActiveUsersRequest& request) {
  ASSIGN_OR_RETURN(tenancy::TenantPtr app, directory_.FindApp(request.scope(), context.deadline));
  ASSIGN_OR_RETURN(const int64_t count,
                   activity_.CountSince({app, context.deadline}, request.since_ms()));
  v1::CountActiveUsersResponse response;
  response.set_count(count);
  return response;
}

}  // namespace gatehouse::users

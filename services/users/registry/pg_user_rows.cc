#include "services/users/registry/pg_user_rows.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "libs/base/json.h"
#include "libs/db/result.h"
#include "services/users/account_info.h"

namespace gatehouse::users {
namespace {

enum Column {
  kPrimaryId = kTargetColumn,
  kIsPrimary,
  kUserId,
  kRecipeId,
  kTimeJoined,
  kExternalId,
  kPrimaryExternalId,
  kTenantIds,
  kType,
  kValue,
  kThirdPartyId,
  kThirdPartyUserId,
  kVerified,
  kPasskeys,
  kInNoTenant,
  kColumns,
};
static_assert(kColumns == kFirstOtherColumn);

using Strings = google::protobuf::RepeatedPtrField<std::string>;

// Neither tenants' names nor passkeys' ids contain a comma.
void AddJoined(std::string_view joined, Strings& ids) {
  while (!joined.empty()) {
    const size_t comma = std::min(joined.find(','), joined.size());
    ids.Add()->assign(joined, 0, comma);
    joined.remove_prefix(std::min(comma + 1, joined.size()));
  }
}

struct Info {
  std::string_view type, value, third_party_id, third_party_user_id;
  bool verified = false;
};

void AddInfo(const Info& info, v1::LoginMethod& method) {
  if (info.type == kEmailInfo) {
    method.set_email(info.value.data(), info.value.size());
    method.set_verified(info.verified);
  } else if (info.type == kPhoneInfo) {
    method.set_phone_number(info.value.data(), info.value.size());
  }
  if (method.recipe_id() == kThirdPartyRecipe) {
    v1::ThirdPartyInfo& third_party = *method.mutable_third_party();
    third_party.set_id(info.third_party_id.data(), info.third_party_id.size());
    third_party.set_user_id(info.third_party_user_id.data(), info.third_party_user_id.size());
  }
}

// The account infos of a login method that is in no tenant.
void AddInfos(std::string_view text, v1::LoginMethod& method) {
  const absl::StatusOr<json::Value> infos = json::Parse(text);
  if (!infos.ok()) return;
  for (const json::Value& info : infos->elements()) {
    const json::Array& parts = info.elements();
    if (parts.size() != 5) continue;
    AddInfo({parts[0].AsString().value_or(""), parts[1].AsString().value_or(""),
             parts[2].AsString().value_or(""), parts[3].AsString().value_or(""),
             parts[4].AsBool().value_or(false)},
            method);
  }
}

// The login method of a row, which is usually the last one.
v1::LoginMethod& MethodOf(const db::Row& row, v1::User& user) {
  const std::string_view id = row.Trimmed(kUserId);
  for (int i = user.login_methods_size() - 1; i >= 0; --i) {
    if (user.login_methods(i).supertokens_user_id() == id) return *user.mutable_login_methods(i);
  }
  v1::LoginMethod& method = *user.add_login_methods();
  method.set_supertokens_user_id(id.data(), id.size());
  const std::string_view seen = row.IsNull(kExternalId) ? id : row.Text(kExternalId);
  method.set_recipe_user_id(seen.data(), seen.size());
  const std::string_view recipe = row.Text(kRecipeId);
  method.set_recipe_id(recipe.data(), recipe.size());
  method.set_time_joined_ms(row.Int64(kTimeJoined));
  if (!row.IsNull(kPasskeys)) {
    AddJoined(row.Text(kPasskeys), *method.mutable_webauthn_credential_ids());
  }
  return method;
}

void ReadRow(const db::Row& row, v1::User& user) {
  v1::LoginMethod& method = MethodOf(row, user);
  if (row.IsNull(kTenantIds)) {
    AddInfos(row.Text(kInNoTenant), method);
    return;
  }
  AddJoined(row.Text(kTenantIds), *method.mutable_tenant_ids());
  AddInfo({row.Text(kType), row.Text(kValue), row.Text(kThirdPartyId), row.Text(kThirdPartyUserId),
           row.Bool(kVerified)},
          method);
}

void SortOnce(Strings& strings) {
  if (strings.size() < 2) return;
  std::sort(strings.begin(), strings.end());
  const auto end = std::unique(strings.begin(), strings.end());
  strings.erase(end, strings.end());
}

void FinishMethod(v1::LoginMethod& method) {
  SortOnce(*method.mutable_tenant_ids());
  // A phone number is only stored after its owner has proved ownership.
  if (method.recipe_id() == kPasswordlessRecipe && !method.has_email()) method.set_verified(true);
}

void FinishUser(v1::User& user) {
  auto& methods = *user.mutable_login_methods();
  for (v1::LoginMethod& method : methods) FinishMethod(method);
  if (methods.size() > 1) {
    std::sort(methods.begin(), methods.end(),
              [](const v1::LoginMethod& a, const v1::LoginMethod& b) {
                if (a.time_joined_ms() != b.time_joined_ms()) {
                  return a.time_joined_ms() < b.time_joined_ms();
                }
                return a.supertokens_user_id() < b.supertokens_user_id();
              });
  }
  user.set_time_joined_ms(methods[0].time_joined_ms());
  *user.mutable_tenant_ids() = methods[0].tenant_ids();
  for (int i = 1; i < methods.size(); ++i) {
    for (const std::string& tenant : methods[i].tenant_ids()) {
      const auto& tenants = user.tenant_ids();
      if (std::find(tenants.begin(), tenants.end(), tenant) == tenants.end()) {
        user.add_tenant_ids(tenant);
      }
    }
  }
}

}  // namespace

std::vector<v1::User> ReadUsers(const db::Result& result, int rows) {
  rows = std::min(rows, result.rows());
  std::vector<v1::User> users;
  users.reserve(static_cast<size_t>(rows));
  absl::flat_hash_map<std::string_view, size_t> places;
  places.reserve(static_cast<size_t>(rows));
  for (int i = 0; i < rows; ++i) {
    const db::Row row = result[i];
    if (row.IsNull(kUserId) || (row.IsNull(kTenantIds) && row.IsNull(kInNoTenant))) continue;
    const std::string_view id = row.Trimmed(kPrimaryId);
    const auto [place, is_new] = places.emplace(id, users.size());
    if (is_new) {
      v1::User& user = users.emplace_back();
      user.set_supertokens_user_id(id.data(), id.size());
      user.set_is_primary_user(row.Bool(kIsPrimary));
      const int external = row.Trimmed(kUserId) == id ? kExternalId : kPrimaryExternalId;
      const std::string_view seen = row.IsNull(external) ? id : row.Text(external);
      user.set_id(seen.data(), seen.size());
    }
    ReadRow(row, users[place->second]);
  }
  for (v1::User& user : users) FinishUser(user);
  return users;
}

}  // namespace gatehouse::users

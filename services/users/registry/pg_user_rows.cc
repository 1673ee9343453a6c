#include "services/users/registry/pg_user_rows.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "libs/db/result.h"
#include "services/users/account_info.h"

namespace gatehouse::users {
namespace {

enum Column {
  kPrimaryId,
  kIsPrimary,
  kUserId,
  kRecipeId,
  kTimeJoined,
  kEmail,
  kPhone,
  kThirdPartyId,
  kThirdPartyUserId,
  kTenantIds,
  kExternalId,
  kPrimaryExternalId,
  kVerified,
  kPasskeys,
};

// Neither tenant ids nor passkeys' ids contain a comma.
void AddJoined(std::string_view joined, google::protobuf::RepeatedPtrField<std::string>& ids) {
  while (!joined.empty()) {
    const size_t comma = std::min(joined.find(','), joined.size());
    ids.Add(std::string(joined.substr(0, comma)));
    joined.remove_prefix(std::min(comma + 1, joined.size()));
  }
}

void ReadMethod(const db::Row& row, v1::LoginMethod& method) {
  method.set_supertokens_user_id(std::string(row.Trimmed(kUserId)));
  method.set_recipe_user_id(
      std::string(row.IsNull(kExternalId) ? row.Trimmed(kUserId) : row.Text(kExternalId)));
  method.set_recipe_id(std::string(row.Text(kRecipeId)));
  method.set_time_joined_ms(row.Int64(kTimeJoined));
  AddJoined(row.Text(kTenantIds), *method.mutable_tenant_ids());
  if (!row.IsNull(kEmail)) method.set_email(std::string(row.Text(kEmail)));
  if (!row.IsNull(kPhone)) method.set_phone_number(std::string(row.Text(kPhone)));
  if (method.recipe_id() == kThirdPartyRecipe) {
    method.mutable_third_party()->set_id(std::string(row.Text(kThirdPartyId)));
    method.mutable_third_party()->set_user_id(std::string(row.Text(kThirdPartyUserId)));
  }
  if (!row.IsNull(kPasskeys)) {
    AddJoined(row.Text(kPasskeys), *method.mutable_webauthn_credential_ids());
  }
  // A phone number is only stored after its owner has proved ownership.
  const bool phone_only = method.recipe_id() == kPasswordlessRecipe && !method.has_email();
  method.set_verified(phone_only || row.Bool(kVerified));
}

void FinishUser(v1::User& user) {
  user.set_time_joined_ms(user.login_methods(0).time_joined_ms());
  for (const v1::LoginMethod& method : user.login_methods()) {
    user.set_time_joined_ms(std::min(user.time_joined_ms(), method.time_joined_ms()));
    for (const std::string& tenant : method.tenant_ids()) {
      const auto& tenants = user.tenant_ids();
      if (std::find(tenants.begin(), tenants.end(), tenant) == tenants.end()) {
        user.add_tenant_ids(tenant);
      }
    }
  }
}

}  // namespace

std::vector<v1::User> ReadUsers(const db::Result& result) {
  std::vector<v1::User> users;
  for (const db::Row row : result) {
    const std::string_view primary_id = row.Trimmed(kPrimaryId);
    if (users.empty() || users.back().supertokens_user_id() != primary_id) {
      v1::User& user = users.emplace_back();
      user.set_supertokens_user_id(std::string(primary_id));
      user.set_id(std::string(row.IsNull(kPrimaryExternalId) ? primary_id
                                                             : row.Text(kPrimaryExternalId)));
      user.set_is_primary_user(row.Bool(kIsPrimary));
    }
    ReadMethod(row, *users.back().add_login_methods());
  }
  for (v1::User& user : users) FinishUser(user);
  return users;
}

}  // namespace gatehouse::users

#include "services/users/userimport/pg_import_rows.h"

#include <algorithm>
#include <limits>
#include <tuple>
#include <utility>

#include "libs/base/problem.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"

namespace gatehouse::users {
namespace {

constexpr size_t kUuid = 36;               // CHAR(36)
constexpr size_t kMaxExternalId = 128;     // userid_mapping.external_user_id
constexpr size_t kMaxPasswordHash = 256;   // emailpassword_users.password_hash

absl::Status CheckMethod(const v1::LoginMethodToImport& method) {
  if (method.supertokens_user_id().size() != kUuid) {
    return BadInput(Problem::kMalformed, "supertokens_user_id must be a UUID",
                    {{"field", "supertokens_user_id"}});
  }
  if (method.recipe_id() == kWebauthnRecipe) {
    return BadInput(Problem::kUnsupported, "Passkeys cannot be imported", {{"field", "recipeId"}});
  }
  if (method.tenant_ids().empty()) {
    return BadInput(Problem::kMissing, "A login method needs a tenant", {{"field", "tenantIds"}});
  }
  if (method.recipe_id() == kEmailPasswordRecipe &&
      method.password_case() == v1::LoginMethodToImport::PASSWORD_NOT_SET) {
    return BadInput(Problem::kMissing, "The login method has no password", {{"field", "password"}});
  }
  if (!FitsColumn(method.password_hash(), kMaxPasswordHash)) {
    return BadInput(Problem::kTooLong, "passwordHash must not be longer than 256 characters",
                    {{"field", "passwordHash"}, {"max_characters", "256"}});
  }
  return absl::OkStatus();
}

Identity IdentityOf(const v1::LoginMethodToImport& method) {
  Identity identity;
  identity.recipe_id = method.recipe_id();
  if (method.has_email()) identity.email = method.email();
  if (method.has_phone_number()) identity.phone_number = method.phone_number();
  if (method.has_third_party()) {
    identity.third_party = ThirdPartyId{method.third_party().id(), method.third_party().user_id()};
  }
  return identity;
}

// Parts that don't hold NUL, which no text of PostgreSQL can, make one key.
std::string Key(std::initializer_list<std::string_view> parts) {
  std::string key;
  for (const std::string_view part : parts) {
    key.append(part);
    key.push_back('\0');
  }
  return key;
}

struct Held {
  std::string tenant, type, value;
  auto operator<=>(const Held&) const = default;
};

// Every account info of a group in every tenant of the group.
std::set<Held> HeldBy(const ImportUser& user) {
  std::set<Held> held;
  if (!user.is_group()) return held;
  std::set<std::string> tenants;
  for (const auto& method : user.user->login_methods()) {
    tenants.insert(method.tenant_ids().begin(), method.tenant_ids().end());
  }
  for (const std::vector<IdentityRow>& rows : user.rows) {
    for (const IdentityRow& row : rows) {
      for (const std::string& tenant : tenants) held.insert({tenant, row.info.type, row.info.value});
    }
  }
  return held;
}

std::set<std::string> TenantsOf(const v1::LoginMethodToImport& method) {
  return {method.tenant_ids().begin(), method.tenant_ids().end()};
}

void AddMethod(const ImportUser& user, int index, int64_t group_joined, const std::string& place,
               ImportRows& rows) {
  const v1::LoginMethodToImport& method = user.user->login_methods(index);
  const std::string& id = method.supertokens_user_id();
  const std::string& lead = user.is_group() ? user.id() : id;
  rows.ids.values.push_back(id);
  rows.recipes.values.push_back(method.recipe_id());
  rows.leads.values.push_back(lead);
  rows.linked.values.emplace_back(user.is_group() ? "t" : "f");
  rows.joined.values.push_back(std::to_string(method.time_joined_ms()));
  rows.group_joined.values.push_back(
      std::to_string(user.is_group() ? group_joined : method.time_joined_ms()));
  for (const IdentityRow& row : user.rows[index]) {
    rows.info_users.values.push_back(id);
    rows.info_recipes.values.push_back(method.recipe_id());
    rows.info_types.values.push_back(row.info.type);
    rows.info_values.values.push_back(row.info.value);
    rows.info_parties.values.push_back(row.third_party.id);
    rows.info_party_users.values.push_back(row.third_party.user_id);
    rows.info_leads.values.push_back(user.is_group() ? lead : "");
    for (const std::string& tenant : TenantsOf(method)) {
      rows.key_users.values.push_back(id);
      rows.key_recipes.values.push_back(method.recipe_id());
      rows.key_tenants.values.push_back(tenant);
      rows.key_types.values.push_back(row.info.type);
      rows.key_values.values.push_back(row.info.value);
      rows.key_parties.values.push_back(row.third_party.id);
      rows.key_party_users.values.push_back(row.third_party.user_id);
      rows.key_places.values.push_back(StrCat(place, ".", std::to_string(index), ".",
                                              row.info.type == kPhoneInfo ? "1" : "0"));
    }
  }
  if (!user.password_hashes[index].empty()) {
    rows.password_users.values.push_back(id);
    rows.password_emails.values.push_back(method.email());
    rows.password_hashes.values.push_back(user.password_hashes[index]);
    rows.password_joined.values.push_back(std::to_string(method.time_joined_ms()));
  }
  if (method.verified() && method.has_email()) {
    rows.verified_users.values.push_back(index == 0 ? user.data_id() : id);
    rows.verified_emails.values.push_back(method.email());
  }
}

}  // namespace

absl::StatusOr<ImportUser> ReadImportUser(const v1::UserToImport& user, size_t place) {
  ImportUser read;
  read.place = place;
  read.user = &user;
  if (user.login_methods().empty()) {
    return BadInput(Problem::kMissing, "A user needs a login method", {{"field", "loginMethods"}});
  }
  if (!FitsColumn(user.external_user_id(), kMaxExternalId)) {
    return BadInput(Problem::kTooLong, "externalUserId must not be longer than 128 characters",
                    {{"field", "externalUserId"}, {"max_characters", "128"}});
  }
  for (const v1::LoginMethodToImport& method : user.login_methods()) {
    RETURN_IF_ERROR(CheckMethod(method));
    ASSIGN_OR_RETURN(std::vector<IdentityRow> rows, RowsOf(IdentityOf(method)));
    read.rows.push_back(std::move(rows));
    read.password_hashes.push_back(method.password_hash());
  }
  return read;
}

std::optional<std::set<std::string>> KeysOf(const ImportUser& user) {
  std::set<std::string> keys;
  bool twice = false;
  for (int i = 0; i < user.user->login_methods_size(); ++i) {
    const v1::LoginMethodToImport& method = user.user->login_methods(i);
    twice |= !keys.insert(Key({"id", method.supertokens_user_id()})).second;
    for (const std::string& tenant : TenantsOf(method)) {
      for (const IdentityRow& row : user.rows[i]) {
        twice |= !keys.insert(Key({"key", tenant, method.recipe_id(), row.info.type,
                                   row.third_party.id, row.third_party.user_id, row.info.value}))
                      .second;
      }
    }
  }
  for (const Held& held : HeldBy(user)) {
    keys.insert(Key({"held", held.tenant, held.type, held.value}));
  }
  keys.insert(Key({"data", user.data_id()}));
  if (twice) return std::nullopt;
  return keys;
}

ImportRows ImportRows::Of(const std::vector<const ImportUser*>& users) {
  ImportRows rows;
  std::set<std::string> tenants;
  for (size_t at = 0; at < users.size(); ++at) {
    const ImportUser& user = *users[at];
    const std::string place = std::to_string(at);
    int64_t group_joined = std::numeric_limits<int64_t>::max();
    for (const auto& method : user.user->login_methods()) {
      group_joined = std::min(group_joined, method.time_joined_ms());
      tenants.insert(method.tenant_ids().begin(), method.tenant_ids().end());
    }
    for (int i = 0; i < user.user->login_methods_size(); ++i) {
      AddMethod(user, i, group_joined, place, rows);
    }
    for (const Held& held : HeldBy(user)) {
      rows.held_leads.values.push_back(user.id());
      rows.held_tenants.values.push_back(held.tenant);
      rows.held_types.values.push_back(held.type);
      rows.held_values.values.push_back(held.value);
      rows.held_places.values.push_back(place);
    }
    if (!user.user->external_user_id().empty()) {
      rows.mapped_users.values.push_back(user.id());
      rows.mapped_externals.values.push_back(user.user->external_user_id());
      rows.mapped_places.values.push_back(place);
    }
    if (!user.user->metadata_json().empty()) {
      rows.metadata_users.values.push_back(user.data_id());
      rows.metadata.values.push_back(user.user->metadata_json());
    }
  }
  rows.tenants.values.assign(tenants.begin(), tenants.end());
  return rows;
}

}  // namespace gatehouse::users

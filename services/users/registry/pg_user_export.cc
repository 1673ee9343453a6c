#include "services/users/registry/pg_user_export.h"

#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "libs/base/json.h"
#include "libs/base/status.h"
#include "libs/crypto/password.h"
#include "libs/db/database.h"
#include "services/users/account_info.h"
#include "services/users/registry/pg_user_rows.h"

namespace gatehouse::users {
namespace {

// Reads the table once, before the first page.
constexpr db::Statement kIncomplete = {
    "users_export_incomplete",
    "SELECT EXISTS (SELECT 1 FROM {app_id_to_user_id} WHERE app_id = $1 AND time_joined = 0)"};

// A group always has the row of its primary user. The primary key.
constexpr db::Statement kPage = {
    "users_export_page",
    "SELECT user_id FROM {app_id_to_user_id} WHERE app_id = $1 AND user_id > $2"
    " AND user_id = primary_or_recipe_user_id ORDER BY user_id LIMIT $3"};

constexpr db::Statement kUsers = {
    "users_export_users",
    "WITH target AS (SELECT unnest((SELECT $2::bpchar[])) AS id)" GATEHOUSE_USER_ROWS_SQL};

// By the primary keys.
constexpr db::Statement kHashes = {"users_export_hashes",
                                   "SELECT user_id, password_hash FROM {emailpassword_users}"
                                   " WHERE app_id = $1 AND user_id = ANY($2)"};
constexpr db::Statement kMetadata = {"users_export_metadata",
                                     "SELECT user_id, user_metadata FROM {user_metadata}"
                                     " WHERE app_id = $1 AND user_id = ANY($2)"};

using Texts = std::unordered_map<std::string, std::string>;

absl::StatusOr<Texts> ReadTexts(db::Transaction& transaction, const db::Statement& statement,
                                std::string_view app_id, std::vector<std::string> ids) {
  Texts texts;
  if (ids.empty()) return texts;
  ASSIGN_OR_RETURN(const db::Result rows,
                   transaction.Execute(statement, {app_id, db::TextArray{std::move(ids)}}));
  for (const db::Row row : rows) texts.emplace(row.Trimmed(0), row.Text(1));
  return texts;
}

std::string_view AlgorithmOf(std::string_view hash) {
  if (crypto::IsBcryptFormat(hash)) return "bcrypt";
  if (crypto::IsArgon2Format(hash)) return "argon2";
  return crypto::IsFirebaseScryptFormat(hash) ? "firebase_scrypt" : "";
}

json::Value MethodJson(const v1::LoginMethod& method, const Texts& hashes,
                       porting::LeftOut& left_out) {
  json::Value json = json::Value::Object({{"recipeId", method.recipe_id()}});
  json::Value& tenants = json.Set("tenantIds", json::Value::Array());
  for (const std::string& tenant : method.tenant_ids()) tenants.Append(tenant);
  if (method.has_email()) json.Set("email", method.email());
  if (method.has_phone_number()) json.Set("phoneNumber", method.phone_number());
  if (method.recipe_id() == kThirdPartyRecipe) {
    json.Set("thirdPartyId", method.third_party().id());
    json.Set("thirdPartyUserId", method.third_party().user_id());
  }
  if (method.recipe_id() == kEmailPasswordRecipe) {
    const auto hash = hashes.find(method.supertokens_user_id());
    const std::string_view text = hash == hashes.end() ? std::string_view() : hash->second;
    const std::string_view algorithm = AlgorithmOf(text);
    if (algorithm.empty()) ++left_out.unknown_hashes;
    json.Set("passwordHash", text);
    json.Set("hashingAlgorithm", algorithm.empty() ? "unknown" : algorithm);
  }
  json.Set("isVerified", method.verified());
  json.Set("timeJoinedInMSSinceEpoch", method.time_joined_ms());
  return json;
}

// False when nothing of the user can be in the file.
bool AddUser(const v1::User& user, const Texts& hashes, porting::ExportPage& page) {
  porting::ExportedUser exported;
  exported.id = user.id();
  std::vector<json::Value> methods;
  size_t primary = 0;
  for (const v1::LoginMethod& method : user.login_methods()) {
    page.left_out.passkeys += method.webauthn_credential_ids_size();
    if (method.recipe_id() == kWebauthnRecipe) continue;
    if (method.tenant_ids().empty()) {
      ++page.left_out.methods_without_tenant;
      continue;
    }
    const bool is_primary = method.supertokens_user_id() == user.supertokens_user_id();
    if (is_primary) primary = methods.size();
    exported.tenants.insert(method.tenant_ids().begin(), method.tenant_ids().end());
    json::Value& json = methods.emplace_back(MethodJson(method, hashes, page.left_out));
    if (!is_primary && method.recipe_user_id() != method.supertokens_user_id()) {
      json.Set("externalUserId", method.recipe_user_id());
    }
  }
  if (methods.empty()) return false;
  if (user.is_primary_user()) methods[primary].Set("isPrimary", true);
  page.login_methods += static_cast<int64_t>(methods.size());
  // An import makes new ids: the one that clients know stays valid as the external one.
  exported.json.Set("externalUserId", user.id());
  exported.json.Set("loginMethods", json::Value::Array(std::move(methods)));
  page.users.push_back(std::move(exported));
  return true;
}

}  // namespace

absl::Status ListForExport(db::Transaction& transaction, std::string_view app_id,
                           std::string_view after, int limit, porting::ExportPage& page) {
  if (after.empty()) {
    ASSIGN_OR_RETURN(const db::Result incomplete, transaction.Execute(kIncomplete, {app_id}));
    if (incomplete.front().Bool(0)) {
      return absl::FailedPreconditionError(
          "the database has users of an older core: run `gatehouse migrate` first");
    }
  }
  ASSIGN_OR_RETURN(const db::Result rows, transaction.Execute(kPage, {app_id, after, limit}));
  if (rows.empty()) return absl::OkStatus();
  db::TextArray ids;
  for (const db::Row row : rows) ids.values.emplace_back(row.Trimmed(0));
  if (rows.rows() == limit) page.last = ids.values.back();
  ASSIGN_OR_RETURN(const db::Result found, transaction.Execute(kUsers, {app_id, ids}));
  const std::vector<v1::User> users = ReadUsers(found);
  std::vector<std::string> with_password;
  std::vector<std::string> clients_ids;
  for (const v1::User& user : users) {
    clients_ids.push_back(user.id());
    for (const v1::LoginMethod& method : user.login_methods()) {
      if (method.recipe_id() == kEmailPasswordRecipe) {
        with_password.push_back(method.supertokens_user_id());
      }
    }
  }
  ASSIGN_OR_RETURN(const Texts hashes,
                   ReadTexts(transaction, kHashes, app_id, std::move(with_password)));
  ASSIGN_OR_RETURN(const Texts metadata,
                   ReadTexts(transaction, kMetadata, app_id, std::move(clients_ids)));
  for (const v1::User& user : users) {
    if (!AddUser(user, hashes, page)) {
      ++page.left_out.users_without_sign_in;
      continue;
    }
    const auto text = metadata.find(user.id());
    if (text == metadata.end()) continue;
    absl::StatusOr<json::Value> value = json::Parse(text->second);
    if (value.ok() && value->is_object() && value->size() > 0) {
      page.users.back().json.Set("userMetadata", *std::move(value));
    }
  }
  return absl::OkStatus();
}

}  // namespace gatehouse::users

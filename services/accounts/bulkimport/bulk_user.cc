#include "services/accounts/bulkimport/bulk_user.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "libs/crypto/password.h"

namespace gatehouse::accounts {
namespace {

using json::Value;

constexpr char kBegun[] = "begunAtOnce";
constexpr int kDecoyCost = 10;

Value Strings(const std::vector<std::string>& texts) {
  Value array = Value::Array();
  for (const std::string& text : texts) array.Append(text);
  return array;
}

void SetIfAny(Value& object, std::string_view key, const std::optional<std::string>& text) {
  if (text.has_value()) object.Set(std::string(key), *text);
}

Value MethodJson(const BulkUser::LoginMethod& method) {
  Value json = Value::Object({{"tenantIds", Strings(method.tenant_ids)},
                              {"isVerified", method.verified},
                              {"isPrimary", method.primary},
                              {"timeJoinedInMSSinceEpoch", method.time_joined_ms},
                              {"recipeId", method.recipe_id}});
  SetIfAny(json, "email", method.email);
  SetIfAny(json, "passwordHash", method.password_hash);
  SetIfAny(json, "hashingAlgorithm", method.hashing_algorithm);
  SetIfAny(json, "plainTextPassword", method.plain_text_password);
  SetIfAny(json, "thirdPartyId", method.third_party_id);
  SetIfAny(json, "thirdPartyUserId", method.third_party_user_id);
  SetIfAny(json, "phoneNumber", method.phone_number);
  json.Set("superTokensUserId", method.supertokens_user_id);
  return json;
}

Value JsonOf(const BulkUser& user, Value json) {
  json.Set("id", user.id());
  SetIfAny(json, "externalUserId", user.external_user_id);
  if (user.metadata.has_value()) json.Set("userMetadata", *user.metadata);
  if (user.roles.has_value()) {
    Value& roles = json.Set("userRoles", Value::Array());
    for (const BulkUser::Role& role : *user.roles) {
      roles.Append(
          Value::Object({{"role", role.role}, {"tenantIds", Strings(role.tenant_ids)}}));
    }
  }
  if (user.totp_devices.has_value()) {
    Value& devices = json.Set("totpDevices", Value::Array());
    for (const BulkUser::TotpDevice& device : *user.totp_devices) {
      Value one = Value::Object({{"secretKey", device.secret_key},
                                 {"period", device.period_s},
                                 {"skew", device.skew}});
      SetIfAny(one, "deviceName", device.name);
      devices.Append(std::move(one));
    }
  }
  Value& methods = json.Set("loginMethods", Value::Array());
  for (const BulkUser::LoginMethod& method : user.login_methods) methods.Append(MethodJson(method));
  return json;
}

}  // namespace

size_t BulkUser::leader() const {
  size_t oldest = 0;
  for (size_t i = 0; i < login_methods.size(); ++i) {
    if (login_methods[i].primary) return i;
    if (login_methods[i].time_joined_ms < login_methods[oldest].time_joined_ms) oldest = i;
  }
  return oldest;
}

ptrdiff_t BulkUser::PlainTextPasswords() const {
  return std::count_if(login_methods.begin(), login_methods.end(), [](const LoginMethod& method) {
    return !method.password_hash.has_value() && method.plain_text_password.has_value();
  });
}

size_t BulkUser::RolesInTenants() const {
  size_t count = 0;
  if (!roles.has_value()) return count;
  for (const Role& role : *roles) count += role.tenant_ids.size();
  return count;
}

Value StoredJson(const BulkUser& user) { return JsonOf(user, Value::Object()); }

Value JsonOfBegun(const BulkUser& user) {
  BulkUser kept = user;
  for (BulkUser::LoginMethod& method : kept.login_methods) {
    if (!std::exchange(method.plain_text_password, std::nullopt).has_value()) continue;
    if (method.password_hash.has_value()) continue;
    method.password_hash = crypto::DecoyBcrypt(kDecoyCost);  // read, but never stored
    method.hashing_algorithm = "BCRYPT";
  }
  return JsonOf(kept, Value::Object({{kBegun, true}}));
}

bool IsOfBegun(const Value& stored) {
  const Value* begun = stored.Find(kBegun);
  return begun != nullptr && begun->AsBool().value_or(false);
}

}  // namespace gatehouse::accounts

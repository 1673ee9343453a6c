#include "gateway/routes/user_json.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "gateway/routes/hash_order.h"

namespace gatehouse::gateway {
namespace {

template <typename Strings>
json::Value StringArray(const Strings& strings) {
  json::Value array = json::Value::Array();
  for (const std::string& string : strings) array.Append(string);
  return array;
}

// A set: see hash_order.h.
template <typename Strings>
json::Value SetJson(const Strings& strings) {
  return StringArray(InHashOrder({strings.begin(), strings.end()}));
}

json::Value ThirdPartyJson(const users::v1::ThirdPartyInfo& info) {
  return json::Value::Object({{"id", info.id()}, {"userId", info.user_id()}});
}

json::Value CredentialsJson(const std::vector<std::string>& ids) {
  return json::Value::Object({{"credentialIds", StringArray(ids)}});
}

std::vector<std::string> CredentialsOf(const users::v1::LoginMethod& method) {
  return {method.webauthn_credential_ids().begin(), method.webauthn_credential_ids().end()};
}

json::Value MethodJson(const users::v1::LoginMethod& method, bool with_webauthn) {
  json::Value value = json::Value::Object({{"tenantIds", SetJson(method.tenant_ids())},
                                           {"recipeUserId", method.recipe_user_id()},
                                           {"verified", method.verified()},
                                           {"timeJoined", method.time_joined_ms()},
                                           {"recipeId", method.recipe_id()}});
  if (method.has_email()) value.Set("email", method.email());
  if (method.has_phone_number()) value.Set("phoneNumber", method.phone_number());
  if (method.has_third_party()) value.Set("thirdParty", ThirdPartyJson(method.third_party()));
  if (with_webauthn && method.recipe_id() == "webauthn") {
    value.Set("webauthn", CredentialsJson(CredentialsOf(method)));
  }
  return value;
}

void AddOnce(std::vector<std::string>& list, const std::string& value) {
  if (std::find(list.begin(), list.end(), value) == list.end()) list.push_back(value);
}

// The form of a user for versions before account linking: its first login method.
json::Value SingleUserJson(const users::v1::User& user, bool with_tenants) {
  if (user.login_methods().empty()) return json::Value::Object({{"id", user.id()}});
  const users::v1::LoginMethod& method = user.login_methods(0);
  json::Value value = json::Value::Object(
      {{"id", method.recipe_user_id()}, {"timeJoined", method.time_joined_ms()}});
  if (with_tenants) value.Set("tenantIds", SetJson(method.tenant_ids()));
  if (method.has_email()) value.Set("email", method.email());
  if (method.has_phone_number()) value.Set("phoneNumber", method.phone_number());
  if (method.has_third_party()) value.Set("thirdParty", ThirdPartyJson(method.third_party()));
  return value;
}

}  // namespace

json::Value WholeUserJson(const users::v1::User& user, const CdiVersion& cdi) {
  const bool with_webauthn = cdi >= cdi::k5_3;
  std::vector<std::string> emails, phones, credentials;
  std::vector<const users::v1::ThirdPartyInfo*> third_parties;
  std::vector<std::string> third_party_keys;  // hashed by the set
  json::Value methods = json::Value::Array();
  for (const users::v1::LoginMethod& method : user.login_methods()) {
    methods.Append(MethodJson(method, with_webauthn));
    if (!with_webauthn && method.recipe_id() == "webauthn") continue;
    if (method.has_email()) AddOnce(emails, method.email());
    if (method.has_phone_number()) AddOnce(phones, method.phone_number());
    const users::v1::ThirdPartyInfo& info = method.third_party();
    const bool known = std::any_of(third_parties.begin(), third_parties.end(), [&](const auto* one) {
      return one->id() == info.id() && one->user_id() == info.user_id();
    });
    if (method.has_third_party() && !known) {
      third_parties.push_back(&info);
      third_party_keys.push_back(info.id() + "|" + info.user_id());
    }
    for (const std::string& id : method.webauthn_credential_ids()) AddOnce(credentials, id);
  }
  json::Value third_parties_json = json::Value::Array();
  for (const size_t i : HashOrder(third_party_keys)) {
    third_parties_json.Append(ThirdPartyJson(*third_parties[i]));
  }
  json::Value value = json::Value::Object({{"id", user.id()},
                                           {"isPrimaryUser", user.is_primary_user()},
                                           {"tenantIds", SetJson(user.tenant_ids())},
                                           {"timeJoined", user.time_joined_ms()},
                                           {"emails", SetJson(emails)},
                                           {"phoneNumbers", SetJson(phones)},
                                           {"thirdParty", std::move(third_parties_json)}});
  if (with_webauthn) value.Set("webauthn", CredentialsJson(InHashOrder(std::move(credentials))));
  value.Set("loginMethods", std::move(methods));
  return value;
}

json::Value UserJson(const users::v1::User& user, const CdiVersion& cdi) {
  if (cdi >= cdi::k4_0) return WholeUserJson(user, cdi);
  return SingleUserJson(user, cdi >= cdi::k3_0);
}

json::Value UserReply(const users::v1::User& user, const std::string& recipe_user_id,
                      const CdiVersion& cdi) {
  json::Value reply = json::Value::Object({{"status", "OK"}, {"user", UserJson(user, cdi)}});
  if (cdi >= cdi::k4_0 && !recipe_user_id.empty()) reply.Set("recipeUserId", recipe_user_id);
  return reply;
}

common::v1::RecipeGate RecipeGateOf(const CdiVersion& cdi) {
  if (cdi >= cdi::k5_1) return common::v1::RECIPE_GATE_UNSPECIFIED;
  return cdi >= cdi::k5_0 ? common::v1::RECIPE_GATE_FIVE_ZERO : common::v1::RECIPE_GATE_UP_TO_FOUR;
}

}  // namespace gatehouse::gateway

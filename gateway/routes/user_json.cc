#include "gateway/routes/user_json.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "gateway/routes/hash_order.h"
#include "libs/base/json.h"

namespace gatehouse::gateway {
namespace {

void AppendText(const std::string& text, std::string& out) { json::AppendQuoted(text, out); }

// A set: see hash_order.h.
template <typename Strings>
void AddSet(std::string_view key, const Strings& strings, json::ObjectWriter& out) {
  if (strings.size() < 2) return out.AddArray(key, strings, AppendText);
  out.AddArray(key, InHashOrder({strings.begin(), strings.end()}), AppendText);
}

void AppendThirdParty(const users::v1::ThirdPartyInfo& info, std::string& out) {
  json::ObjectWriter object(out);
  object.Add("id", info.id());
  object.Add("userId", info.user_id());
  object.End();
}

// What a login method has of an email, a phone number and a third party.
void AddIdentity(const users::v1::LoginMethod& method, json::ObjectWriter& out) {
  if (method.has_email()) out.Add("email", method.email());
  if (method.has_phone_number()) out.Add("phoneNumber", method.phone_number());
  if (method.has_third_party()) AppendThirdParty(method.third_party(), out.AddValue("thirdParty"));
}

template <typename Ids>
void AddCredentials(const Ids& ids, json::ObjectWriter& out) {
  json::ObjectWriter webauthn = out.AddObject("webauthn");
  webauthn.AddArray("credentialIds", ids, AppendText);
  webauthn.End();
}

void AppendMethod(const users::v1::LoginMethod& method, bool with_webauthn, std::string& out) {
  json::ObjectWriter object(out);
  AddSet("tenantIds", method.tenant_ids(), object);
  object.Add("recipeUserId", method.recipe_user_id());
  object.Add("verified", method.verified());
  object.Add("timeJoined", method.time_joined_ms());
  object.Add("recipeId", method.recipe_id());
  AddIdentity(method, object);
  if (with_webauthn && method.recipe_id() == "webauthn") {
    AddCredentials(method.webauthn_credential_ids(), object);
  }
  object.End();
}

void AddOnce(std::vector<std::string>& list, const std::string& value) {
  if (std::find(list.begin(), list.end(), value) == list.end()) list.push_back(value);
}

// The form of a user for versions before account linking: its first login method.
void AppendSingleUser(const users::v1::User& user, bool with_tenants, std::string& out) {
  json::ObjectWriter object(out);
  if (user.login_methods().empty()) {
    object.Add("id", user.id());
  } else {
    const users::v1::LoginMethod& method = user.login_methods(0);
    object.Add("id", method.recipe_user_id());
    object.Add("timeJoined", method.time_joined_ms());
    if (with_tenants) AddSet("tenantIds", method.tenant_ids(), object);
    AddIdentity(method, object);
  }
  object.End();
}

}  // namespace

void AppendWholeUser(const users::v1::User& user, const CdiVersion& cdi, std::string& out) {
  const bool with_webauthn = cdi >= cdi::k5_3;
  std::vector<std::string> emails, phones, credentials;
  std::vector<const users::v1::ThirdPartyInfo*> third_parties;
  std::vector<std::string> third_party_keys;  // hashed by the set
  for (const users::v1::LoginMethod& method : user.login_methods()) {
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

  json::ObjectWriter object(out);
  object.Add("id", user.id());
  object.Add("isPrimaryUser", user.is_primary_user());
  AddSet("tenantIds", user.tenant_ids(), object);
  object.Add("timeJoined", user.time_joined_ms());
  AddSet("emails", emails, object);
  AddSet("phoneNumbers", phones, object);
  object.AddArray("thirdParty", HashOrder(third_party_keys), [&](size_t i, std::string& to) {
    AppendThirdParty(*third_parties[i], to);
  });
  if (with_webauthn) AddCredentials(InHashOrder(std::move(credentials)), object);
  object.AddArray("loginMethods", user.login_methods(),
                  [&](const users::v1::LoginMethod& method, std::string& to) {
                    AppendMethod(method, with_webauthn, to);
                  });
  object.End();
}

void AppendUser(const users::v1::User& user, const CdiVersion& cdi, std::string& out) {
  if (cdi >= cdi::k4_0) return AppendWholeUser(user, cdi, out);
  AppendSingleUser(user, cdi >= cdi::k3_0, out);
}

void AddUserReply(const users::v1::User& user, const std::string& recipe_user_id,
                  const CdiVersion& cdi, json::ObjectWriter& reply) {
  reply.Add("status", "OK");
  AppendUser(user, cdi, reply.AddValue("user"));
  if (cdi >= cdi::k4_0 && !recipe_user_id.empty()) reply.Add("recipeUserId", recipe_user_id);
}

Reply UserReply(const users::v1::User& user, const std::string& recipe_user_id,
                const CdiVersion& cdi) {
  return ObjectReply(
      [&](json::ObjectWriter& reply) { AddUserReply(user, recipe_user_id, cdi, reply); });
}

common::v1::RecipeGate RecipeGateOf(const CdiVersion& cdi) {
  if (cdi >= cdi::k5_1) return common::v1::RECIPE_GATE_UNSPECIFIED;
  return cdi >= cdi::k5_0 ? common::v1::RECIPE_GATE_FIVE_ZERO : common::v1::RECIPE_GATE_UP_TO_FOUR;
}

}  // namespace gatehouse::gateway

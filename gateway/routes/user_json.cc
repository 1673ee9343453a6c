#include "gateway/routes/user_json.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "gateway/routes/hash_order.h"
#include "libs/base/json.h"

namespace gatehouse::gateway {
namespace {

void AppendText(std::string_view text, std::string& out) { json::AppendQuoted(text, out); }

// A set: see hash_order.h.
template <typename Strings>
void AddSet(const json::Key& key, const Strings& strings, json::ObjectWriter& out) {
  if (strings.size() < 2) return out.AddArray(key, strings, AppendText);
  const std::vector<std::string> members(strings.begin(), strings.end());
  out.AddArray(key, InHashOrder(members), AppendText);
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

// Of most users one or two: no allocation.
using Texts = absl::InlinedVector<std::string_view, 2>;

void AddOnce(std::string_view value, Texts& list) {
  if (std::find(list.begin(), list.end(), value) == list.end()) list.push_back(value);
}

void AddThirdParties(const absl::InlinedVector<const users::v1::ThirdPartyInfo*, 2>& infos,
                     json::ObjectWriter& out) {
  const auto append = [](const users::v1::ThirdPartyInfo* info, std::string& to) {
    AppendThirdParty(*info, to);
  };
  if (infos.size() < 2) return out.AddArray("thirdParty", infos, append);
  std::vector<std::string> keys;  // hashed by the set
  for (const auto* info : infos) keys.push_back(info->id() + "|" + info->user_id());
  out.AddArray("thirdParty", HashOrder(keys),
               [&](size_t i, std::string& to) { append(infos[i], to); });
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
  Texts emails, phones, credentials;
  absl::InlinedVector<const users::v1::ThirdPartyInfo*, 2> third_parties;
  for (const users::v1::LoginMethod& method : user.login_methods()) {
    if (!with_webauthn && method.recipe_id() == "webauthn") continue;
    if (method.has_email()) AddOnce(method.email(), emails);
    if (method.has_phone_number()) AddOnce(method.phone_number(), phones);
    const users::v1::ThirdPartyInfo& info = method.third_party();
    const bool known = std::any_of(third_parties.begin(), third_parties.end(), [&](const auto* one) {
      return one->id() == info.id() && one->user_id() == info.user_id();
    });
    if (method.has_third_party() && !known) third_parties.push_back(&info);
    for (const std::string& id : method.webauthn_credential_ids()) AddOnce(id, credentials);
  }

  json::ObjectWriter object(out);
  object.Add("id", user.id());
  object.Add("isPrimaryUser", user.is_primary_user());
  AddSet("tenantIds", user.tenant_ids(), object);
  object.Add("timeJoined", user.time_joined_ms());
  AddSet("emails", emails, object);
  AddSet("phoneNumbers", phones, object);
  AddThirdParties(third_parties, object);
  if (with_webauthn) {
    AddCredentials(InHashOrder({credentials.begin(), credentials.end()}), object);
  }
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

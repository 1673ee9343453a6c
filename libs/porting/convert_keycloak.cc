// Keycloak: a realm's export with its users (JSON).

#include <utility>

#include "absl/strings/numbers.h"
#include "libs/base/strings.h"
#include "libs/crypto/base32.h"
#include "libs/porting/formats.h"
#include "libs/porting/user_builder.h"

namespace gatehouse::porting {
namespace {

// secretData and credentialData are documents in a text.
json::Value DocumentIn(const json::Value& credential, std::string_view key) {
  absl::StatusOr<json::Value> value = json::Parse(TextOf(credential, key).value_or("{}"));
  return value.ok() ? *std::move(value) : json::Value::Object();
}

// A parameter is a list of one text.
std::string Parameter(const json::Value& data, std::string_view key) {
  const json::Value* all = data.Find("additionalParameters");
  const json::Value* list = all == nullptr ? nullptr : all->Find(key);
  if (list == nullptr || list->elements().empty()) return "";
  return std::string(list->elements().front().AsString().value_or(""));
}

std::string WithoutPadding(std::string text) {
  while (text.ends_with('=')) text.pop_back();
  return text;
}

// argon2, the default since Keycloak 25, in its usual text; empty for pbkdf2, which is not checked
// here.
std::string HashOf(const json::Value& credential) {
  const json::Value data = DocumentIn(credential, "credentialData");
  const json::Value secret = DocumentIn(credential, "secretData");
  const std::string type = Parameter(data, "type");
  const std::string version = Parameter(data, "version");
  if (TextOf(data, "algorithm") != "argon2" || (type != "id" && type != "i" && type != "d") ||
      (version != "1.3" && version != "1.0")) {
    return "";
  }
  return StrCat(
      "$argon2", type, "$v=", version == "1.3" ? "19" : "16", "$m=", Parameter(data, "memory"),
      ",t=", TextOf(data, "hashIterations").value_or(""), ",p=", Parameter(data, "parallelism"),
      "$", WithoutPadding(TextOf(secret, "salt").value_or("")), "$",
      WithoutPadding(TextOf(secret, "value").value_or("")));
}

void AddDevice(const json::Value& credential, UserBuilder& user) {
  const json::Value data = DocumentIn(credential, "credentialData");
  const auto value = TextOf(DocumentIn(credential, "secretData"), "value");
  int64_t period = 0;
  if (!value || TextOf(data, "subType") != "totp" || TextOf(data, "digits") != "6" ||
      TextOf(data, "algorithm") != "HmacSHA1" ||
      !absl::SimpleAtoi(TextOf(data, "period").value_or(""), &period)) {
    return user.Note("a second factor other than TOTP of 6 digits with SHA-1 is left out");
  }
  // Without an encoding the text itself is the key.
  const bool is_base32 = TextOf(data, "secretEncoding") == "BASE32";
  user.AddDevice(TextOf(credential, "userLabel").value_or("keycloak"),
                 is_base32 ? *value : crypto::Base32Encode(*value), period);
}

// Those that every user of a realm has.
bool IsBuiltIn(std::string_view role) {
  return role == "offline_access" || role == "uma_authorization" ||
         role.starts_with("default-roles-");
}

Converted Convert(const json::Value& record, const ConvertOptions& options) {
  UserBuilder user(options);
  const std::optional<std::string> id = TextOf(record, "id");
  if (!id) {
    user.Problem("no id");
    return user.Finish();
  }
  user.SetExternalId(*id);
  if (const json::Value* joined = record.Find("createdTimestamp")) {
    user.SetJoined(joined->AsInt64());
  }
  if (IsFalse(record, "enabled")) user.Problem("disabled: here the user could sign in");
  if (TextOf(record, "serviceAccountClientId")) user.Problem("the account of a client, not a user");
  const std::optional<std::string> email = TextOf(record, "email");
  const bool verified = IsTrue(record, "emailVerified");
  if (const json::Value* credentials = record.Find("credentials"); credentials != nullptr) {
    for (const json::Value& each : credentials->elements()) {
      const std::string type = TextOf(each, "type").value_or("");
      if (type == "password") {
        user.AddPassword(email, verified, HashOf(each), "a password hash other than argon2");
      } else if (type == "otp") {
        AddDevice(each, user);
      } else {
        user.Note("a credential other than a password or a one-time code is left out");
      }
    }
  }
  if (const json::Value* identities = record.Find("federatedIdentities"); identities != nullptr) {
    for (const json::Value& each : identities->elements()) {
      user.AddThirdParty(TextOf(each, "identityProvider").value_or(""), TextOf(each, "userId"),
                         email, verified);
    }
  }
  if (const json::Value* roles = record.Find("realmRoles"); roles != nullptr) {
    for (const json::Value& each : roles->elements()) {
      const std::string_view role = each.AsString().value_or("");
      if (!role.empty() && !IsBuiltIn(role)) user.AddRole(role);
    }
  }
  for (const char* key : {"username", "firstName", "lastName", "attributes", "groups"}) {
    if (const json::Value* value = record.Find(key)) user.AddMetadata(key, *value);
  }
  return user.Finish();
}

}  // namespace

absl::StatusOr<ConvertFunction> MakeKeycloak(const ConvertOptions& options) {
  return [options](const json::Value& record) { return Convert(record, options); };
}

}  // namespace gatehouse::porting

#include "libs/porting/user_builder.h"

#include <map>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/time/time.h"
#include "libs/base/strings.h"
#include "libs/crypto/password.h"

namespace gatehouse::porting {
namespace {

constexpr int kDecoyCost = 10;

std::string_view AlgorithmOf(std::string_view hash) {
  if (crypto::IsBcryptFormat(hash)) return "bcrypt";
  return crypto::IsArgon2Format(hash) ? "argon2" : "firebase_scrypt";
}

}  // namespace

std::optional<std::string> TextOf(const json::Value& object, std::string_view key) {
  const json::Value* value = object.Find(key);
  if (value == nullptr) return std::nullopt;
  std::optional<std::string_view> text = value->AsString();
  if (!text) text = value->AsNumberText();
  if (!text || text->empty()) return std::nullopt;
  return std::string(*text);
}

bool IsTrue(const json::Value& object, std::string_view key) {
  const json::Value* value = object.Find(key);
  return value != nullptr && (value->AsBool().value_or(false) ||
                              absl::AsciiStrToLower(TextOf(object, key).value_or("")) == "true");
}

bool IsFalse(const json::Value& object, std::string_view key) {
  const json::Value* value = object.Find(key);
  return value != nullptr && (!value->AsBool().value_or(true) ||
                              absl::AsciiStrToLower(TextOf(object, key).value_or("")) == "false");
}

std::optional<int64_t> TimeOf(const json::Value& object, std::string_view key) {
  absl::Time time;
  std::string error;
  if (!absl::ParseTime(absl::RFC3339_full, TextOf(object, key).value_or(""), &time, &error)) {
    return std::nullopt;
  }
  return absl::ToUnixMillis(time);
}

std::string ProviderId(std::string_view name) {
  static const auto* const kNames = new std::map<std::string, std::string, std::less<>>{
      {"google-oauth2", "google"},    {"signinwithapple", "apple"},
      {"google.com", "google"},       {"facebook.com", "facebook"},
      {"apple.com", "apple"},         {"github.com", "github"},
      {"twitter.com", "twitter"},     {"linkedin.com", "linkedin"},
      {"microsoft.com", "microsoft"}, {"linkedin-openid-connect", "linkedin"}};
  std::string lower = absl::AsciiStrToLower(absl::string_view(name.data(), name.size()));
  const auto known = kNames->find(lower);
  return known == kNames->end() ? lower : known->second;
}

void UserBuilder::AddMetadata(std::string_view key, json::Value value) {
  if (value.is_null() || ((value.is_object() || value.is_array()) && value.size() == 0)) return;
  metadata_.Set(std::string(key), std::move(value));
}

void UserBuilder::AddRole(std::string_view role) {
  roles_.Append(json::Value::Object(
      {{"role", role}, {"tenantIds", json::Value::Array({json::Value(options_.tenant)})}}));
}

void UserBuilder::AddDevice(std::string_view name, std::string_view secret, int64_t period_s) {
  devices_.Append(json::Value::Object(
      {{"deviceName", name}, {"secretKey", secret}, {"period", period_s}, {"skew", 1}}));
}

json::Value& UserBuilder::AddMethod(std::string_view recipe, bool verified) {
  return methods_.emplace_back(
      json::Value::Object({{"recipeId", recipe},
                           {"tenantIds", json::Value::Array({json::Value(options_.tenant)})},
                           {"isVerified", verified}}));
}

void UserBuilder::AddPassword(std::optional<std::string> email, bool verified,
                              std::string_view hash, std::string_view missing) {
  if (!email) return Problem("a password without an email");
  if (hash.empty() && !options_.reset_passwords) {
    return Problem(
        StrCat(missing, " (--reset-passwords imports such users; they set one by a reset)"));
  }
  json::Value& method = AddMethod("emailpassword", verified);
  method.Set("email", *std::move(email));
  method.Set("passwordHash",
             hash.empty() ? json::Value(crypto::DecoyBcrypt(kDecoyCost)) : json::Value(hash));
  method.Set("hashingAlgorithm", hash.empty() ? "bcrypt" : AlgorithmOf(hash));
  if (hash.empty()) Note(StrCat(missing, ": a password has to be set by a reset"));
}

void UserBuilder::AddThirdParty(std::string_view provider, std::optional<std::string> user_id,
                                std::optional<std::string> email, bool verified) {
  if (!user_id) return Problem("a third-party identity without the provider's user id");
  if (!email) return Problem("a third-party identity without an email");
  json::Value& method = AddMethod("thirdparty", verified);
  method.Set("thirdPartyId", ProviderId(provider));
  method.Set("thirdPartyUserId", *std::move(user_id));
  method.Set("email", *std::move(email));
}

void UserBuilder::AddPasswordless(std::optional<std::string> email,
                                  std::optional<std::string> phone, bool verified) {
  if (!email && !phone) return Problem("neither an email nor a phone number");
  json::Value& method = AddMethod("passwordless", verified);
  if (email) method.Set("email", *std::move(email));
  if (phone) method.Set("phoneNumber", *std::move(phone));
}

Converted UserBuilder::Finish() {
  if (methods_.empty() && result_.problems.empty()) Problem("no way to sign in");
  for (json::Value& method : methods_) {
    if (joined_ms_) method.Set("timeJoinedInMSSinceEpoch", *joined_ms_);
  }
  if (methods_.size() > 1) methods_.front().Set("isPrimary", true);
  if (metadata_.size() > 0) result_.user.Set("userMetadata", std::move(metadata_));
  if (roles_.size() > 0) result_.user.Set("userRoles", std::move(roles_));
  if (devices_.size() > 0) result_.user.Set("totpDevices", std::move(devices_));
  result_.user.Set("loginMethods", json::Value::Array(std::move(methods_)));
  return std::move(result_);
}

}  // namespace gatehouse::porting

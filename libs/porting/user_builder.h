#pragma once

// For the converters: puts a user together.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/base/json.h"
#include "libs/porting/converter.h"

namespace gatehouse::porting {

// The non-empty string under `key`, or the text of a number.
std::optional<std::string> TextOf(const json::Value& object, std::string_view key);
// A boolean, or the texts "true" and "false".
bool IsTrue(const json::Value& object, std::string_view key);
bool IsFalse(const json::Value& object, std::string_view key);
// Milliseconds since 1970 of an RFC 3339 text; nullopt for anything else.
std::optional<int64_t> TimeOf(const json::Value& object, std::string_view key);

// The SDKs' id of a provider, such as "google" for "google-oauth2" and "google.com"; others in
// lower case.
std::string ProviderId(std::string_view name);

class UserBuilder {
 public:
  explicit UserBuilder(const ConvertOptions& options) : options_(options) {}

  void SetExternalId(std::string_view id) { result_.user.Set("externalUserId", id); }
  void SetJoined(std::optional<int64_t> ms) { joined_ms_ = ms; }
  void AddMetadata(std::string_view key, json::Value value);
  void AddRole(std::string_view role);
  void AddDevice(std::string_view name, std::string_view secret, int64_t period_s);

  // `hash` empty: there is none, or none that can be checked here, for the reason `missing`.
  void AddPassword(std::optional<std::string> email, bool verified, std::string_view hash,
                   std::string_view missing);
  void AddThirdParty(std::string_view provider, std::optional<std::string> user_id,
                     std::optional<std::string> email, bool verified);
  void AddPasswordless(std::optional<std::string> email, std::optional<std::string> phone,
                       bool verified);

  void Problem(std::string text) { result_.problems.push_back(std::move(text)); }
  void Note(std::string text) { result_.notes.push_back(std::move(text)); }

  // The first login method is the primary one, if there are several.
  Converted Finish();

 private:
  json::Value& AddMethod(std::string_view recipe, bool verified);

  const ConvertOptions& options_;
  Converted result_;
  std::vector<json::Value> methods_;
  json::Value metadata_ = json::Value::Object();
  json::Value roles_;
  json::Value devices_;
  std::optional<int64_t> joined_ms_;
};

}  // namespace gatehouse::porting

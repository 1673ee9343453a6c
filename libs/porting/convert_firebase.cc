// Firebase: `firebase auth:export users.json`, with the hash parameters that the console shows.

#include <fstream>
#include <iterator>
#include <regex>
#include <utility>

#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/crypto/bytes.h"
#include "libs/porting/formats.h"
#include "libs/porting/user_builder.h"

namespace gatehouse::porting {
namespace {

constexpr size_t kMaxParametersBytes = 64 * 1024;

struct HashParameters {
  std::string rounds, memory_cost, salt_separator;  // empty: not given
};

// The text of the console: `hash_config { algorithm: SCRYPT, base64_signer_key: …, … }`. The key is
// not read: it belongs into the server's configuration.
absl::StatusOr<HashParameters> ReadParameters(const std::string& path) {
  HashParameters parameters;
  if (path.empty()) return parameters;
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::NotFoundError(StrCat(path, " can't be read"));
  std::string text(std::istreambuf_iterator<char>(file), {});
  text.resize(std::min(text.size(), kMaxParametersBytes));
  const auto find = [&text](const char* pattern) {
    std::smatch found;
    return std::regex_search(text, found, std::regex(pattern)) ? found[1].str() : std::string();
  };
  const std::string algorithm = find("\\balgorithm\"?\\s*:\\s*\"?([A-Z0-9_]+)");
  parameters.rounds = find("\\brounds\"?\\s*:\\s*\"?([0-9]{1,3})\\b");
  parameters.memory_cost = find("\\bmem_cost\"?\\s*:\\s*\"?([0-9]{1,3})\\b");
  parameters.salt_separator = find("\\bbase64_salt_separator\"?\\s*:\\s*\"?([A-Za-z0-9+/_=-]+)");
  if (algorithm != "SCRYPT" || parameters.rounds.empty() || parameters.memory_cost.empty() ||
      parameters.salt_separator.empty()) {
    return absl::InvalidArgumentError(
        StrCat(path,
               " must have algorithm: SCRYPT, rounds, mem_cost and base64_salt_separator, "
               "as the Firebase console shows them"));
  }
  return parameters;
}

// In standard base64, as passwords are checked; empty when it is none.
std::string StandardBase64(std::string_view text) {
  const absl::StatusOr<std::string> bytes = crypto::Base64Decode(text);
  return bytes.ok() ? crypto::Base64Encode(*bytes) : "";
}

std::string HashOf(const json::Value& record, const HashParameters& parameters) {
  const std::string hash = StandardBase64(TextOf(record, "passwordHash").value_or(""));
  const std::string salt = StandardBase64(TextOf(record, "salt").value_or(""));
  if (hash.empty() || parameters.rounds.empty()) return "";
  return StrCat("$f_scrypt$", hash, "$", salt, "$m=", parameters.memory_cost,
                "$r=", parameters.rounds, "$s=", parameters.salt_separator);
}

Converted Convert(const json::Value& record, const ConvertOptions& options,
                  const HashParameters& parameters) {
  UserBuilder user(options);
  const std::optional<std::string> id = TextOf(record, "localId");
  if (!id) {
    user.Problem("no localId");
    return user.Finish();
  }
  user.SetExternalId(*id);
  if (const json::Value* joined = record.Find("createdAt"); joined != nullptr) {
    // Milliseconds, as text.
    user.SetJoined(json::Value::NumberText(TextOf(record, "createdAt").value_or("-")).AsInt64());
  }
  if (IsTrue(record, "disabled")) user.Problem("disabled: here the user could sign in");
  const std::optional<std::string> email = TextOf(record, "email");
  const bool verified = IsTrue(record, "emailVerified");
  const json::Value* providers = record.Find("providerUserInfo");
  const json::Array none;
  const json::Array& identities = providers == nullptr ? none : providers->elements();
  bool is_federated = false;
  for (const json::Value& each : identities) {
    const std::string provider = TextOf(each, "providerId").value_or("");
    is_federated |= provider != "password" && provider != "phone";
  }
  const std::optional<std::string> phone = TextOf(record, "phoneNumber");
  if (TextOf(record, "passwordHash")) {
    user.AddPassword(email, verified, HashOf(record, parameters),
                     parameters.rounds.empty() ? "a password hash without --hash-config"
                                               : "a password hash that is no base64");
  } else if (email && !is_federated) {
    user.AddPasswordless(email, std::nullopt, verified);  // links by email
  }
  for (const json::Value& each : identities) {
    const std::string provider = TextOf(each, "providerId").value_or("");
    if (provider == "password" || provider == "phone") continue;
    const std::optional<std::string> own = TextOf(each, "email");
    user.AddThirdParty(provider, TextOf(each, "rawId"), own ? own : email,
                       verified && (!own || own == email));
  }
  if (phone) user.AddPasswordless(std::nullopt, phone, true);
  if (const auto claims = TextOf(record, "customAttributes")) {
    absl::StatusOr<json::Value> value = json::Parse(*claims);
    if (value.ok()) user.AddMetadata("customClaims", *std::move(value));
  }
  for (const char* key : {"displayName", "photoUrl"}) {
    if (const json::Value* value = record.Find(key)) user.AddMetadata(key, *value);
  }
  const json::Value* factors = record.Find("mfaInfo");
  if (factors != nullptr && factors->size() > 0) user.Note("second factors are left out");
  return user.Finish();
}

}  // namespace

absl::StatusOr<ConvertFunction> MakeFirebase(const ConvertOptions& options) {
  ASSIGN_OR_RETURN(HashParameters parameters, ReadParameters(options.hash_config_path));
  return [options, parameters = std::move(parameters)](const json::Value& record) {
    return Convert(record, options, parameters);
  };
}

}  // namespace gatehouse::porting

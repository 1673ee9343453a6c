// Auth0: the user export (JSON lines), and the password hashes that support sends (JSON lines too),
// either as --hashes beside it or on its own.

#include <unordered_map>
#include <utility>

#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/crypto/password.h"
#include "libs/porting/formats.h"
#include "libs/porting/user_builder.h"

namespace gatehouse::porting {
namespace {

constexpr std::string_view kDatabase = "auth0";

// "auth0|5dea9f9c82dd7c0e76e4ec93"; in the file of hashes it has to be put together.
std::optional<std::string> UserId(const json::Value& record) {
  if (auto id = TextOf(record, "user_id")) return id;
  std::optional<std::string> own = TextOf(record, "alt_id");
  const json::Value* object_id = record.Find("_id");
  if (!own && object_id != nullptr) own = TextOf(*object_id, "$oid");
  if (!own) return std::nullopt;
  return StrCat(kDatabase, "|", *own);
}

std::optional<std::string> HashIn(const json::Value& record) {
  for (const char* key : {"passwordHash", "password_hash"}) {
    if (auto hash = TextOf(record, key)) return hash;
  }
  const json::Value* custom = record.Find("custom_password_hash");
  const json::Value* hash = custom == nullptr ? nullptr : custom->Find("hash");
  return hash == nullptr ? std::nullopt : TextOf(*hash, "value");
}

// The email and whether it is verified: of the record, or among its identifiers.
std::pair<std::optional<std::string>, bool> EmailIn(const json::Value& record) {
  if (auto email = TextOf(record, "email")) return {email, IsTrue(record, "email_verified")};
  const json::Value* identifiers = record.Find("identifiers");
  if (identifiers == nullptr) return {};
  for (const json::Value& each : identifiers->elements()) {
    if (TextOf(each, "type") == "email") return {TextOf(each, "value"), IsTrue(each, "verified")};
  }
  return {};
}

using Hashes = std::unordered_map<std::string, std::string>;

absl::StatusOr<Hashes> ReadHashes(const std::string& path) {
  Hashes hashes;
  if (path.empty()) return hashes;
  ASSIGN_OR_RETURN(Records records, Records::Open(path, Records::Layout::kLines));
  Record record;
  while (true) {
    ASSIGN_OR_RETURN(const bool more, records.Next(record));
    if (!more) return hashes;
    const absl::StatusOr<json::Value> value = json::Parse(record.text);
    const auto id = value.ok() ? UserId(*value) : std::nullopt;
    const auto hash = value.ok() ? HashIn(*value) : std::nullopt;
    if (!id || !hash) {
      return absl::InvalidArgumentError(
          StrCat(path, ": line ", std::to_string(record.line), " has no user's hash"));
    }
    hashes[*id] = *hash;
  }
}

struct Identity {
  std::string provider;
  std::optional<std::string> user_id;
  std::optional<std::string> email;  // of its own; the primary one has the record's
  bool verified = false;
};

std::vector<Identity> IdentitiesOf(const json::Value& record, const std::string& user_id) {
  const auto [email, verified] = EmailIn(record);
  std::vector<Identity> identities;
  if (const json::Value* list = record.Find("identities"); list != nullptr) {
    for (const json::Value& each : list->elements()) {
      Identity identity{.provider = TextOf(each, "provider").value_or(""),
                        .user_id = TextOf(each, "user_id"),
                        .email = email,
                        .verified = verified};
      const json::Value* profile = each.Find("profileData");
      if (!identities.empty() && profile != nullptr && TextOf(*profile, "email")) {
        identity.email = TextOf(*profile, "email");
        identity.verified = IsTrue(*profile, "email_verified");
      }
      identities.push_back(std::move(identity));
    }
  }
  if (identities.empty()) {
    const size_t bar = std::min(user_id.find('|'), user_id.size());
    identities.push_back({.provider = user_id.substr(0, bar),
                          .user_id = user_id.substr(std::min(bar + 1, user_id.size())),
                          .email = email,
                          .verified = verified});
  }
  return identities;
}

Converted Convert(const json::Value& record, const ConvertOptions& options, const Hashes& hashes) {
  UserBuilder user(options);
  const std::optional<std::string> id = UserId(record);
  if (!id) {
    user.Problem("no user_id");
    return user.Finish();
  }
  user.SetExternalId(*id);
  user.SetJoined(TimeOf(record, "created_at"));
  if (IsTrue(record, "blocked")) user.Problem("blocked: here the user could sign in");
  const auto given = hashes.find(*id);
  const std::string hash = given != hashes.end() ? given->second : HashIn(record).value_or("");
  for (Identity& identity : IdentitiesOf(record, *id)) {
    if (identity.provider == kDatabase) {
      const bool known = crypto::IsBcryptFormat(hash) || crypto::IsArgon2Format(hash);
      user.AddPassword(std::move(identity.email), identity.verified, known ? hash : "",
                       hash.empty() ? "no password hash" : "a password hash of an unknown kind");
    } else if (identity.provider == "email" || identity.provider == "sms") {
      const bool is_phone = identity.provider == "sms";
      user.AddPasswordless(is_phone ? std::nullopt : std::move(identity.email),
                           is_phone ? TextOf(record, "phone_number") : std::nullopt,
                           identity.verified);
    } else {
      user.AddThirdParty(identity.provider, std::move(identity.user_id), std::move(identity.email),
                         identity.verified);
    }
  }
  if (const json::Value* own = record.Find("user_metadata"); own != nullptr) {
    for (const json::Member& member : own->members()) user.AddMetadata(member.key, member.value);
  }
  for (const char* key :
       {"app_metadata", "name", "given_name", "family_name", "nickname", "username", "picture"}) {
    if (const json::Value* value = record.Find(key)) user.AddMetadata(key, *value);
  }
  const json::Value* factors = record.Find("multifactor");
  if (factors != nullptr && factors->size() > 0) user.Note("second factors are not in the export");
  return user.Finish();
}

}  // namespace

absl::StatusOr<ConvertFunction> MakeAuth0(const ConvertOptions& options) {
  ASSIGN_OR_RETURN(Hashes hashes, ReadHashes(options.hashes_path));
  return [options, hashes = std::move(hashes)](const json::Value& record) {
    return Convert(record, options, hashes);
  };
}

}  // namespace gatehouse::porting

// Amazon Cognito: `aws cognito-idp list-users` (JSON), or a CSV file with the columns of
// `get-csv-header`. Cognito gives no password hashes out.

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

#include "libs/base/strings.h"
#include "libs/porting/formats.h"
#include "libs/porting/user_builder.h"

namespace gatehouse::porting {
namespace {

constexpr std::string_view kNoHash = "no password hash, which Cognito does not give out";

// The attributes as an object; of a row of CSV, the row.
json::Value AttributesOf(const json::Value& record) {
  const json::Value* list = record.Find("Attributes");
  if (list == nullptr) return record;
  json::Value attributes = json::Value::Object();
  for (const json::Value& each : list->elements()) {
    if (const auto name = TextOf(each, "Name")) {
      attributes.Set(*name, TextOf(each, "Value").value_or(""));
    }
  }
  return attributes;
}

// A date, or seconds since 1970 as older command lines print them.
std::optional<int64_t> JoinedAt(const json::Value& record) {
  if (auto time = TimeOf(record, "UserCreateDate")) return time;
  const json::Value* seconds = record.Find("UserCreateDate");
  if (seconds == nullptr || !seconds->AsDouble()) return std::nullopt;
  return std::llround(*seconds->AsDouble() * 1000);
}

// Attributes of the person that the import has no place of its own for.
bool IsProfile(std::string_view attribute) {
  constexpr std::string_view kOwn[] = {
      "sub", "email", "email_verified", "identities", "phone_number_verified", "updated_at"};
  return !attribute.starts_with("cognito:") &&
         std::find(std::begin(kOwn), std::end(kOwn), attribute) == std::end(kOwn);
}

void AddIdentities(const std::string& text, const std::optional<std::string>& email, bool verified,
                   UserBuilder& user) {
  const absl::StatusOr<json::Value> identities = json::Parse(text);
  if (!identities.ok() || identities->elements().empty()) {
    return user.Problem("identities are no JSON array");
  }
  for (const json::Value& each : identities->elements()) {
    user.AddThirdParty(TextOf(each, "providerName").value_or(""), TextOf(each, "userId"), email,
                       verified);
  }
}

Converted Convert(const json::Value& record, const ConvertOptions& options) {
  UserBuilder user(options);
  const json::Value attributes = AttributesOf(record);
  std::optional<std::string> id = TextOf(attributes, "sub");
  if (!id) id = TextOf(record, "Username");
  if (!id) id = TextOf(attributes, "cognito:username");
  if (!id) {
    user.Problem("no sub or user name");
    return user.Finish();
  }
  user.SetExternalId(*id);
  user.SetJoined(JoinedAt(record));
  if (IsFalse(record, "Enabled")) user.Problem("disabled: here the user could sign in");
  const std::optional<std::string> email = TextOf(attributes, "email");
  const bool verified = IsTrue(attributes, "email_verified");
  const bool is_external = TextOf(record, "UserStatus") == "EXTERNAL_PROVIDER";
  const std::optional<std::string> phone = TextOf(attributes, "phone_number");
  if (!is_external && email) {
    user.AddPassword(email, verified, "", kNoHash);
  } else if (!is_external && phone) {
    if (IsTrue(attributes, "phone_number_verified")) {
      user.AddPasswordless(std::nullopt, phone, true);
    } else {
      user.Problem("no email, and a phone number that is not verified");
    }
  } else if (!is_external) {
    user.Problem("neither an email nor a phone number");
  }
  if (const auto identities = TextOf(attributes, "identities")) {
    AddIdentities(*identities, email, verified, user);
  } else if (is_external) {
    user.Problem("of an external provider, without identities");
  }
  for (const json::Member& member : attributes.members()) {
    if (IsProfile(member.key)) user.AddMetadata(member.key, member.value);
  }
  const json::Value* mfa = record.Find("UserMFASettingList");
  if (IsTrue(attributes, "cognito:mfa_enabled") || (mfa != nullptr && mfa->size() > 0)) {
    user.Note("second factors are not in the export");
  }
  return user.Finish();
}

}  // namespace

absl::StatusOr<ConvertFunction> MakeCognito(const ConvertOptions& options) {
  return [options](const json::Value& record) { return Convert(record, options); };
}

}  // namespace gatehouse::porting

#include "gateway/routes/oauth_json.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/time/time.h"
#include "gateway/routes/go_duration.h"
#include "google/protobuf/util/time_util.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"

namespace gatehouse::gateway {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::util::TimeUtil;
using json::Value;
using oauth::v1::Client;

// These lists are null, not empty, in the reply to a request without them.
constexpr std::array<std::string_view, 3> kNullableLists = {"redirect_uris", "grant_types",
                                                            "response_types"};
// Only the list of clients shows these.
constexpr std::array<std::string_view, 4> kListedOnly = {"contacts", "jwks_uri",
                                                         "userinfo_signed_response_alg",
                                                         "jwt_bearer_grant_access_token_lifespan"};
constexpr std::array<std::string_view, 3> kNeverShown = {"subject_type", "sector_identifier_uri",
                                                         "enable_refresh_token_rotation"};

template <size_t n>
bool Contains(const std::array<std::string_view, n>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string Wrong(std::string_view field, std::string_view wanted) {
  return StrCat("json: field ", field, " must be ", wanted);
}

// A time with as many digits of its fraction as it has.
std::string TimeText(const google::protobuf::Timestamp& time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E*SZ",
                          absl::FromUnixMicros(TimeUtil::TimestampToMicroseconds(time)),
                          absl::UTCTimeZone());
}

std::optional<std::string> ReadStrings(const Value& value, const FieldDescriptor& field,
                                       Client& client) {
  if (!value.is_array()) return Wrong(field.name(), "an array");
  // The original fails at this one.
  if (field.name() == "grant_types" && value.size() == 1 && value.elements()[0].is_null()) {
    return Wrong(field.name(), "an array of strings");
  }
  for (const Value& element : value.elements()) {
    if (!element.is_null() && !element.is_string()) {
      return Wrong(field.name(), "an array of strings");
    }
    client.GetReflection()->AddString(&client, &field,
                                      std::string(element.AsString().value_or("")));
  }
  return std::nullopt;
}

std::optional<std::string> ReadTimeOrDuration(std::string_view text, const FieldDescriptor& field,
                                              Client& client) {
  google::protobuf::Message& message = *client.GetReflection()->MutableMessage(&client, &field);
  if (field.message_type() == google::protobuf::Timestamp::descriptor()) {
    absl::Time time;
    if (!absl::ParseTime(absl::RFC3339_full, absl::string_view(text.data(), text.size()), &time,
                         nullptr)) {
      return Wrong(field.name(), "a time");
    }
    static_cast<google::protobuf::Timestamp&>(message) =
        TimeUtil::SecondsToTimestamp(absl::ToUnixSeconds(time));
    return std::nullopt;
  }
  const std::optional<int64_t> nanoseconds = ParseGoDuration(text);
  if (!nanoseconds.has_value()) return Wrong(field.name(), "a duration");
  static_cast<google::protobuf::Duration&>(message) = TimeUtil::NanosecondsToDuration(*nanoseconds);
  return std::nullopt;
}

std::optional<std::string> ReadField(const Value& value, const FieldDescriptor& field,
                                     Client& client) {
  if (field.name() == "metadata") {
    client.set_metadata(json::Serialize(value));
    return std::nullopt;
  }
  if (value.is_null()) return std::nullopt;
  if (field.is_repeated()) return ReadStrings(value, field, client);
  const std::optional<std::string_view> text = value.AsString();
  if (!text.has_value()) return Wrong(field.name(), "a string");
  if (field.type() == FieldDescriptor::TYPE_MESSAGE) {
    return ReadTimeOrDuration(*text, field, client);
  }
  client.GetReflection()->SetString(&client, &field, std::string(*text));
  return std::nullopt;
}

Value FieldJson(const Client& client, const FieldDescriptor& field,
                const std::set<std::string>& nulls) {
  const google::protobuf::Reflection& reflection = *client.GetReflection();
  if (field.is_repeated()) {
    const int size = reflection.FieldSize(client, &field);
    if (size == 0 && nulls.contains(field.name()) && Contains(kNullableLists, field.name())) {
      return Value::Null();
    }
    Value list = Value::Array();
    for (int i = 0; i < size; ++i) list.Append(reflection.GetRepeatedString(client, &field, i));
    return list;
  }
  if (field.type() != FieldDescriptor::TYPE_MESSAGE) return reflection.GetString(client, &field);
  const google::protobuf::Message& message = reflection.GetMessage(client, &field);
  if (field.message_type() == google::protobuf::Timestamp::descriptor()) {
    return TimeText(static_cast<const google::protobuf::Timestamp&>(message));
  }
  if (!reflection.HasField(client, &field)) return Value::Null();
  return FormatGoDuration(
      TimeUtil::DurationToNanoseconds(static_cast<const google::protobuf::Duration&>(message)));
}

// `owner` is null except in the list.
Value MakeClientJson(const Client& client, const std::set<std::string>& nulls,
                     const std::string_view* owner) {
  const bool listed = owner != nullptr;
  Value out = Value::Object();
  const google::protobuf::Descriptor& fields = *Client::descriptor();
  for (int i = 0; i < fields.field_count(); ++i) {
    const FieldDescriptor& field = *fields.field(i);
    const std::string& name = field.name();
    if (Contains(kNeverShown, name) || (!listed && Contains(kListedOnly, name))) continue;
    if (name == "client_secret" && (listed || !client.has_client_secret())) continue;
    if (name == "jwks_uri" && client.jwks_uri().empty()) continue;
    if (name == "post_logout_redirect_uris" && client.post_logout_redirect_uris().empty()) continue;
    if (name == "metadata") {
      const absl::StatusOr<Value> metadata = json::Parse(client.metadata());
      out.Set("metadata", metadata.ok() ? WithCamelNames(*metadata) : Value::Object());
    } else {
      out.Set(SnakeToCamel(name), FieldJson(client, field, nulls));
    }
    if (!listed) continue;
    if (name == "audience") out.Set("owner", *owner);
    if (name == "contacts") {
      out.Set("clientSecretExpiresAt", 0);
      out.Set("subjectType", "public");
      out.Set("jwks", Value::Object());
    }
    if (name == "metadata") {
      out.Set("accessTokenStrategy", "jwt");
      out.Set("skipConsent", true);
      out.Set("skipLogoutConsent", nullptr);
    }
  }
  return out;
}

}  // namespace

std::optional<std::string> UnescapeForm(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+') {
      out += ' ';
    } else if (text[i] != '%') {
      out += text[i];
    } else if (i + 2 < text.size() && absl::ascii_isxdigit(text[i + 1]) &&
               absl::ascii_isxdigit(text[i + 2])) {
      out += absl::HexStringToBytes(absl::string_view(text.data() + i + 1, 2));
      i += 2;
    } else {
      return std::nullopt;
    }
  }
  return out;
}

std::string UnescapeClientId(const std::string& id) {
  if (id.find('%') == std::string::npos) return id;
  const std::optional<std::string> unescaped = UnescapeForm(id);
  return unescaped.has_value() && json::IsValidUtf8(*unescaped) ? *unescaped : id;
}

Reply OAuthErrorReply(std::string_view error, std::string_view description, int status_code) {
  return JsonReply(Value::Object({{"status", "OAUTH_ERROR"},
                                  {"error", error},
                                  {"errorDescription", description},
                                  {"statusCode", status_code}}));
}

Reply OAuthErrorReply(const oauth::v1::OAuthError& error) {
  return OAuthErrorReply(error.error(), error.description(), error.status_code());
}

std::string CamelToSnake(std::string_view name) {
  std::string snake;
  for (size_t i = 0; i < name.size(); ++i) {
    if (i > 0 && absl::ascii_isupper(name[i]) && absl::ascii_islower(name[i - 1])) snake += '_';
    snake += absl::ascii_tolower(name[i]);
  }
  return snake;
}

std::string SnakeToCamel(std::string_view name) {
  std::string camel;
  for (size_t i = 0; i < name.size(); ++i) {
    if (name[i] == '_' && i + 1 < name.size() && absl::ascii_islower(name[i + 1])) {
      camel += absl::ascii_toupper(name[++i]);
    } else {
      camel += name[i];
    }
  }
  return camel;
}

Value WithCamelNames(const Value& value) {
  if (!value.is_object()) return value;
  Value out = Value::Object();
  for (const json::Member& member : value.members()) {
    out.Set(SnakeToCamel(member.key), WithCamelNames(member.value));
  }
  return out;
}

absl::Status MalformedForm() { return BadInput("malformed request body or authorization header"); }

absl::StatusOr<FormValues> ReadForm(const Value& object) {
  FormValues form;
  for (const json::Member& member : object.members()) {
    const Value& value = member.value.is_array() && member.value.size() == 1
                             ? member.value.elements()[0]
                             : member.value;
    if (const auto text = value.AsString()) {
      form[member.key] = *text;
    } else if (const auto number = value.AsNumberText()) {
      form[member.key] = *number;
    } else if (const auto boolean = value.AsBool()) {
      form[member.key] = *boolean ? "true" : "false";
    } else {
      return MalformedForm();
    }
  }
  return form;
}

std::optional<std::string> ReadClient(const Value& body, ClientInput& input) {
  const google::protobuf::Descriptor& fields = *Client::descriptor();
  for (const json::Member& member : body.members()) {
    const std::string name = CamelToSnake(member.key);
    const FieldDescriptor* field = fields.FindFieldByName(name);
    if (field == nullptr || name == "enable_refresh_token_rotation") continue;
    input.client.GetReflection()->ClearField(&input.client, field);
    input.given.insert(name);
    if (member.value.is_null()) {
      input.nulls.insert(name);
    } else {
      input.nulls.erase(name);
    }
    if (auto wrong = ReadField(member.value, *field, input.client)) return wrong;
  }
  return std::nullopt;
}

Value ClientJson(const Client& client, const std::set<std::string>& nulls) {
  return MakeClientJson(client, nulls, nullptr);
}

Value ListedClientJson(const Client& client, std::string_view owner) {
  Value out = MakeClientJson(client, {}, &owner);
  out.Set("clientSecret", client.has_client_secret() ? Value(client.client_secret()) : nullptr);
  out.Set("enableRefreshTokenRotation", client.enable_refresh_token_rotation());
  return out;
}

}  // namespace gatehouse::gateway

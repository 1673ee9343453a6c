#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "gatehouse/oauth/v1/client.pb.h"
#include "gatehouse/oauth/v1/oauth_error.pb.h"
#include "gateway/api/reply.h"
#include "libs/base/json.h"

namespace gatehouse::gateway {

// `OAUTH_ERROR` with its three members.
Reply OAuthErrorReply(const oauth::v1::OAuthError& error);
Reply OAuthErrorReply(std::string_view error, std::string_view description, int status_code);

// "redirectUris" to "redirect_uris", and back; as the original does it, by letters of US-ASCII.
std::string CamelToSnake(std::string_view name);
std::string SnakeToCamel(std::string_view name);
// Names of members to camel case, in objects within objects, but not within arrays.
json::Value WithCamelNames(const json::Value& value);

// Parameters of a form that come as the members of a JSON object. BAD_INPUT unless each is a text,
// a number or a boolean, or an array of one of these.
using FormValues = std::map<std::string, std::string>;
absl::StatusOr<FormValues> ReadForm(const json::Value& object);
absl::Status MalformedForm();

// One name or value of an encoded form; nullopt: a percent sign without two digits.
std::optional<std::string> UnescapeForm(std::string_view text);
// A client's id as HTTP's Basic has it: some libraries escape it (RFC 6749, 2.3.1), most write it
// as it is. One without an escape, or with a malformed one, is taken as it is.
std::string UnescapeClientId(const std::string& id);

// What a body says of a client.
struct ClientInput {
  oauth::v1::Client client;
  std::set<std::string> given;  // names of the client's fields, also of those that are null
  std::set<std::string> nulls;
};

// Names count in either case; unknown ones are skipped. The text of what is wrong, or nullopt.
std::optional<std::string> ReadClient(const json::Value& body, ClientInput& input);

// A client as most replies show it. A list is null if `nulls` names it and it is empty.
json::Value ClientJson(const oauth::v1::Client& client, const std::set<std::string>& nulls = {});
// With all that the list of clients shows.
json::Value ListedClientJson(const oauth::v1::Client& client, std::string_view owner);

}  // namespace gatehouse::gateway

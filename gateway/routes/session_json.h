#pragma once

// Sessions in replies, in the shape of the request's CDI version (formats: 2.10, 10.6).

#include <string>
#include <string_view>

#include "gatehouse/session/v1/session_service.pb.h"
#include "gateway/api/cdi_version.h"
#include "libs/base/json.h"

namespace gatehouse::gateway {

// A JSON object from the text that the session service returned; `{}` if it is not one.
json::Value EmbeddedJson(std::string_view text);

json::Value SessionJson(const session::v1::Session& session, CdiVersion cdi);

json::Value TokenJson(const session::v1::Token& token);

// Adds the members of a created or refreshed session to `reply`.
void AddIssuedSession(const session::v1::IssuedSession& issued, CdiVersion cdi, json::Value& reply);

// Adds jwtSigningPublicKey and similar members, for versions before 2.21.
void AddLegacyKeys(const session::v1::LegacyKeys& keys, CdiVersion cdi, json::Value& reply);

// The access token version that a CDI version's clients understand.
session::v1::AccessTokenVersion AccessTokenVersionOf(CdiVersion cdi);

}  // namespace gatehouse::gateway

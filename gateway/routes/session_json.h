#pragma once

// Sessions in replies, in the shape of the request's CDI version (formats: 2.10, 10.6).

#include <string>
#include <string_view>

#include "gatehouse/session/v1/session_service.pb.h"
#include "gateway/api/cdi_version.h"
#include "libs/base/json_object_writer.h"

namespace gatehouse::gateway {

// The JSON object that was stored as `text`, as Serialize writes it; `{}` if it is not one.
std::string EmbeddedJson(std::string_view text);

// Adds a session as member `session`.
void AddSession(const session::v1::Session& session, CdiVersion cdi, json::ObjectWriter& reply);

void AddToken(const json::Key& key, const session::v1::Token& token, json::ObjectWriter& reply);

// Adds the members of a created or refreshed session.
void AddIssuedSession(const session::v1::IssuedSession& issued, CdiVersion cdi,
                      json::ObjectWriter& reply);

// Adds jwtSigningPublicKey and similar members, for versions before 2.21.
void AddLegacyKeys(const session::v1::LegacyKeys& keys, CdiVersion cdi, json::ObjectWriter& reply);

// The access token version that a CDI version's clients understand.
session::v1::AccessTokenVersion AccessTokenVersionOf(CdiVersion cdi);

}  // namespace gatehouse::gateway

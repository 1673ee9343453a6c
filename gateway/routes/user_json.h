#pragma once

#include <string>

#include "gatehouse/common/v1/recipe_gate.pb.h"
#include "gatehouse/users/v1/user.pb.h"
#include "gateway/api/cdi_version.h"
#include "gateway/api/reply.h"
#include "libs/base/json_object_writer.h"

namespace gatehouse::gateway {

// Appends a user in the shape of this version's replies: from 4.0 with its login methods (and
// webauthn from 5.3), before that only as its first login method, without tenants before 3.0.
void AppendUser(const users::v1::User& user, const CdiVersion& cdi, std::string& out);

// The shape with login methods for any version, for operations that were introduced with it.
void AppendWholeUser(const users::v1::User& user, const CdiVersion& cdi, std::string& out);

// Adds "status": "OK" and "user", and "recipeUserId" from 4.0 unless empty.
void AddUserReply(const users::v1::User& user, const std::string& recipe_user_id,
                  const CdiVersion& cdi, json::ObjectWriter& reply);
// A reply of nothing else.
Reply UserReply(const users::v1::User& user, const std::string& recipe_user_id,
                const CdiVersion& cdi);

// The rule by which the tenant's settings forbid a recipe at this version.
common::v1::RecipeGate RecipeGateOf(const CdiVersion& cdi);

}  // namespace gatehouse::gateway

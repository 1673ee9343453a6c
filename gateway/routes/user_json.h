#pragma once

#include <string>

#include "gatehouse/common/v1/recipe_gate.pb.h"
#include "gatehouse/users/v1/user.pb.h"
#include "gateway/api/cdi_version.h"
#include "libs/base/json.h"

namespace gatehouse::gateway {

// A user in the shape that a reply of this version has: from 4.0 with its login methods (and
// webauthn from 5.3), before as its first login method alone, without tenants before 3.0.
json::Value UserJson(const users::v1::User& user, const CdiVersion& cdi);

// The shape with login methods whatever the version, for operations that came with it.
json::Value WholeUserJson(const users::v1::User& user, const CdiVersion& cdi);

// {"status":"OK","user":...}, and "recipeUserId" from 4.0 unless empty.
json::Value UserReply(const users::v1::User& user, const std::string& recipe_user_id,
                      const CdiVersion& cdi);

// Which rule forbids a recipe by the tenant's settings at this version.
common::v1::RecipeGate RecipeGateOf(const CdiVersion& cdi);

}  // namespace gatehouse::gateway

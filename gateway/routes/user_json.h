#pragma once

#include <string>

#include "gatehouse/common/v1/recipe_gate.pb.h"
#include "gatehouse/users/v1/user.pb.h"
#include "gateway/api/cdi_version.h"
#include "libs/base/json.h"

namespace gatehouse::gateway {

// A user in the shape of this version's replies: from 4.0 with its login methods (and webauthn from
// 5.3), before that only as its first login method, without tenants before 3.0.
json::Value UserJson(const users::v1::User& user, const CdiVersion& cdi);

// The shape with login methods for any version, for operations that were introduced with it.
json::Value WholeUserJson(const users::v1::User& user, const CdiVersion& cdi);

// {"status":"OK","user":...}, and "recipeUserId" from 4.0 unless empty.
json::Value UserReply(const users::v1::User& user, const std::string& recipe_user_id,
                      const CdiVersion& cdi);

// The rule by which the tenant's settings forbid a recipe at this version.
common::v1::RecipeGate RecipeGateOf(const CdiVersion& cdi);

}  // namespace gatehouse::gateway

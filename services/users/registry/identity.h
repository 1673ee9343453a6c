#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "gatehouse/users/v1/user.pb.h"
#include "services/users/account_info.h"
#include "services/users/request_scope.h"

namespace gatehouse::users {

struct ThirdPartyId {
  std::string id;       // the provider's
  std::string user_id;  // the user's at the provider
};

// What a login method is known by, whatever its recipe.
struct Identity {
  std::string recipe_id;
  std::optional<std::string> email;         // normalised
  std::optional<std::string> phone_number;  // normalised
  std::optional<ThirdPartyId> third_party;
};

// A row of the registry for an account info.
struct IdentityRow {
  AccountInfo info;
  // Of a third-party identity's email; else empty.
  ThirdPartyId third_party;
};

// The rows of an identity. The first is its key: what one login method of the recipe at most has in
// a tenant. BAD_INPUT for a recipe that the registry does not know, an identity without a key, and
// what is wider than its column.
absl::StatusOr<std::vector<IdentityRow>> RowsOf(const Identity& identity);

// An identity that signs up.
struct NewIdentity {
  std::string user_id;
  Identity identity;
  int64_t time_joined_ms = 0;
  bool email_verified = false;
};

// The user that it becomes: one login method in the scope's tenant.
v1::User NewUser(const Where& scope, const NewIdentity& signed_up);

// A field's new value: nullopt clears it.
struct ContactUpdate {
  std::optional<std::string> value;
};

// What becomes of a login method; a field that is not given stays.
struct IdentityUpdate {
  std::optional<ContactUpdate> email, phone_number;
};

struct IdentityChange {
  enum class Result { kDone, kUnknownUser, kNoContactLeft, kTaken, kNotAllowed };
  Result result = Result::kDone;
  std::string info_type;  // which of the two, for kTaken and kNotAllowed
  // What the login method had before; for kDone.
  std::optional<std::string> previous_email, previous_phone_number;
};

}  // namespace gatehouse::users

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/tenancy/tenant_directory.h"
#include "libs/tenancy/where.h"

namespace gatehouse::thirdparty {

using tenancy::Where;

// A third-party login method as stored by this service.
struct ThirdPartyUser {
  std::string user_id;  // internal
  std::string third_party_id;
  std::string third_party_user_id;
  std::string email;  // normalised
  int64_t time_joined_ms = 0;
};

enum class SaveOutcome {
  kSaved,         // the row is new, or was already correct
  kEmailChanged,  // the row had another email
  kUnknownUser,   // the registry no longer has such a user
};

// Thread-safe. Besides the stated errors, a call fails as described in libs/db/errors.h.
class ThirdPartyUserStore {
 public:
  virtual ~ThirdPartyUserStore() = default;
  // Creates the row, or brings its email up to date; writes nothing if it is already correct.
  virtual absl::StatusOr<SaveOutcome> SaveUser(const Where& where, const ThirdPartyUser& user) = 0;
  // Creates the rows that don't exist; at once or, when a user is gone, those of the others.
  virtual absl::Status ImportUsers(const Where& where,
                                   const std::vector<ThirdPartyUser>& users) = 0;
  virtual absl::Status RemoveUser(const Where& where, std::string_view user_id) = 0;
};

}  // namespace gatehouse::thirdparty

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/tenancy/tenant_directory.h"
#include "libs/tenancy/where.h"

namespace gatehouse::thirdparty {

using tenancy::Where;

// A third-party login method as this service keeps it.
struct ThirdPartyUser {
  std::string user_id;  // internal
  std::string third_party_id;
  std::string third_party_user_id;
  std::string email;  // normalised
  int64_t time_joined_ms = 0;
};

enum class SaveOutcome {
  kSaved,         // the row is new, or was as it should be
  kEmailChanged,  // the row had another email
  kUnknownUser,   // the registry has no such user any more
};

// Thread-safe. Besides what is said, a call fails as libs/db/errors.h says.
class ThirdPartyUserStore {
 public:
  virtual ~ThirdPartyUserStore() = default;
  // Makes the row, or brings its email up to date; writes nothing when it is as it should be.
  virtual absl::StatusOr<SaveOutcome> SaveUser(const Where& where, const ThirdPartyUser& user) = 0;
  virtual absl::Status RemoveUser(const Where& where, std::string_view user_id) = 0;
};

}  // namespace gatehouse::thirdparty

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "services/passwordless/device_store.h"

namespace gatehouse::passwordless {

// A passwordless login method as stored by this service.
struct PasswordlessUser {
  std::string user_id;  // internal
  std::optional<std::string> email, phone_number;  // normalised
  int64_t time_joined_ms = 0;
};

enum class SaveOutcome {
  kSaved,           // the row is new, or was already correct
  kContactChanged,  // the row had another email or phone number
  kUnknownUser,     // the registry no longer has such a user
};

// Thread-safe. Besides the stated errors, a call fails as described in libs/db/errors.h.
class PasswordlessUserStore {
 public:
  virtual ~PasswordlessUserStore() = default;
  // Creates the row, or brings it up to date; writes nothing if it is already correct.
  virtual absl::StatusOr<SaveOutcome> SaveUser(const Where& where,
                                               const PasswordlessUser& user) = 0;
  // Creates the rows that don't exist; at once or, when a user is gone, those of the others.
  virtual absl::Status ImportUsers(const Where& where,
                                   const std::vector<PasswordlessUser>& users) = 0;
  virtual absl::Status RemoveUser(const Where& where, std::string_view user_id) = 0;
};

}  // namespace gatehouse::passwordless

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "services/passwordless/device_store.h"

namespace gatehouse::passwordless {

// A passwordless login method as this service keeps it.
struct PasswordlessUser {
  std::string user_id;  // internal
  std::optional<std::string> email, phone_number;  // normalised
  int64_t time_joined_ms = 0;
};

enum class SaveOutcome {
  kSaved,           // the row is new, or was as it should be
  kContactChanged,  // the row had another email or phone number
  kUnknownUser,     // the registry has no such user any more
};

// Thread-safe. Besides what is said, a call fails as libs/db/errors.h says.
class PasswordlessUserStore {
 public:
  virtual ~PasswordlessUserStore() = default;
  // Makes the row, or brings it up to date; writes nothing when it is as it should be.
  virtual absl::StatusOr<SaveOutcome> SaveUser(const Where& where,
                                               const PasswordlessUser& user) = 0;
  virtual absl::Status RemoveUser(const Where& where, std::string_view user_id) = 0;
};

}  // namespace gatehouse::passwordless

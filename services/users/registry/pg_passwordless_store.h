#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/tenancy/tenant_databases.h"
#include "services/users/account_info.h"
#include "services/users/request_scope.h"

namespace gatehouse::users {

// An email or phone number that signs up.
struct NewPasswordlessUser {
  std::string user_id;
  AccountInfo contact;  // of kEmailInfo or kPhoneInfo
  int64_t time_joined_ms = 0;
  bool email_verified = false;
};

// A field's new value: nullopt clears it.
struct ContactUpdate {
  std::optional<std::string> value;
};

struct ContactChange {
  enum class Result { kDone, kUnknownUser, kNoContactLeft, kTaken, kNotAllowed };
  Result result = Result::kDone;
  std::string info_type;  // which of the two, for kTaken and kNotAllowed
  // What the login method had before; for kDone.
  std::optional<std::string> previous_email, previous_phone_number;
};

// The registry's part of passwordless login methods. Thread-safe. Errors as in libs/db/errors.h.
class PgPasswordlessStore {
 public:
  // `databases` must outlive the store.
  explicit PgPasswordlessStore(tenancy::TenantDatabases& databases) : databases_(databases) {}

  // False, and nothing done, when the tenant has a user with this contact already. One statement.
  absl::StatusOr<bool> RegisterPasswordlessUser(const RequestScope& scope,
                                                const NewPasswordlessUser& user);
  // Changes what is given, in every tenant, in one transaction. `user_id` is internal; nullopt:
  // the field stays.
  absl::StatusOr<ContactChange> ChangeContact(const RequestScope& scope, std::string_view user_id,
                                              const std::optional<ContactUpdate>& email,
                                              const std::optional<ContactUpdate>& phone_number);

 private:
  tenancy::TenantDatabases& databases_;
};

}  // namespace gatehouse::users

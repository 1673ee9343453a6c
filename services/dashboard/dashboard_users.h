#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/base/clock.h"
#include "libs/passwords/password_hasher.h"
#include "services/dashboard/pg_dashboard_store.h"

namespace gatehouse::dashboard {

// The rules of the dashboard's users and their sign-in. Thread-safe. No store call is under way
// while it hashes. Emails come normalised, and emails and passwords have passed credential_rules.h.
class DashboardUsers {
 public:
  // All outlive the rules.
  DashboardUsers(PgDashboardStore& store, passwords::PasswordHasher& hasher, const Clock& clock)
      : store_(store), hasher_(hasher), clock_(clock) {}

  // nullopt: the email is taken in the app.
  absl::StatusOr<std::optional<User>> Create(const Where& app, std::string_view email,
                                             std::string_view password);
  // Null pointers leave what is there. Ends the user's sessions.
  absl::StatusOr<PgDashboardStore::Updated> Update(const Where& app, const UserKey& key,
                                                   const std::string* email,
                                                   const std::string* password);
  // The new session's id; nullopt: no such user, or another password.
  absl::StatusOr<std::optional<std::string>> SignIn(const Where& app, std::string_view email,
                                                    std::string_view password);

 private:
  PgDashboardStore& store_;
  passwords::PasswordHasher& hasher_;
  const Clock& clock_;
};

}  // namespace gatehouse::dashboard

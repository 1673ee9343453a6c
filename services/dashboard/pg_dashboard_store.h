#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/tenancy/tenant_databases.h"
#include "libs/tenancy/where.h"

namespace gatehouse::db {
class Params;
class Result;
struct Statement;
}  // namespace gatehouse::db

namespace gatehouse::dashboard {

using tenancy::Where;

struct User {
  std::string user_id;
  std::string email;  // normalised
  int64_t time_joined_ms = 0;
};

struct Session {
  std::string session_id;
  std::string user_id;
  int64_t time_created_ms = 0;
  int64_t expiry_ms = 0;
};

// A user by one of the two.
struct UserKey {
  enum class By { kUserId, kEmail } by;
  std::string value;
};

enum class StoreOutcome { kDone, kEmailTaken, kUnknownUser };

// Who may use an app's dashboard, and their sessions: tables dashboard_users and
// dashboard_user_sessions. Every `app` is an app's public tenant. Thread-safe. Besides the stated
// errors a call fails as described in libs/db/errors.h. Whoever locks rows of both tables locks the
// user's first.
class PgDashboardStore {
 public:
  // `databases` outlives the store.
  explicit PgDashboardStore(tenancy::TenantDatabases& databases) : databases_(databases) {}

  struct Credentials {
    std::string user_id;
    std::string password_hash;
  };
  struct Updated {
    StoreOutcome outcome;
    User user;  // if done
  };
  struct FoundSession {
    std::string session_id;
    std::string email;  // of its user
    int64_t expiry_ms = 0;
  };

  // kDone or kEmailTaken. kTenantNotFound when the app has just been removed.
  absl::StatusOr<StoreOutcome> CreateUser(const Where& app, const User& user,
                                          std::string_view password_hash);
  absl::StatusOr<std::optional<User>> FindUser(const Where& app, const UserKey& key);
  absl::StatusOr<std::optional<Credentials>> FindCredentials(const Where& app,
                                                             std::string_view email);
  // Null pointers leave what is there. Ends the user's sessions, also one that a concurrent sign-in
  // with the old credentials began.
  absl::StatusOr<Updated> UpdateUser(const Where& app, std::string_view user_id,
                                     const std::string* email, const std::string* password_hash);
  // With its sessions. False: there was none.
  absl::StatusOr<bool> DeleteUser(const Where& app, const UserKey& key);
  // By time of creation.
  absl::StatusOr<std::vector<User>> ListUsers(const Where& app);

  // False, without a session, unless the user still has this email and this hash.
  absl::StatusOr<bool> AddSession(const Where& app, const Session& session,
                                  std::string_view email, std::string_view password_hash);
  absl::StatusOr<std::optional<FoundSession>> FindSession(const Where& app,
                                                          std::string_view session_id);
  absl::Status DeleteSession(const Where& app, std::string_view session_id);
  // Those that expire after `now_ms`: the newest `limit`, oldest first.
  absl::StatusOr<std::vector<Session>> ListSessions(const Where& app, std::string_view user_id,
                                                    int64_t now_ms, int limit);

 private:
  absl::StatusOr<db::Result> Execute(const Where& app, const db::Statement& statement,
                                     const db::Params& params);

  tenancy::TenantDatabases& databases_;
};

}  // namespace gatehouse::dashboard

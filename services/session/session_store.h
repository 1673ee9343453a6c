#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "services/session/user_ids.h"

namespace gatehouse::tenancy {
struct Tenant;
}

namespace gatehouse::session {

// A row of session_info. JSON columns hold an object's text; times are epoch milliseconds.
struct SessionRow {
  std::string user_id;  // of the login method, in external form where it was mapped
  std::string refresh_hash2;
  std::optional<std::string> previous_refresh_hash2;
  std::optional<int64_t> rotated_at_ms;
  std::string session_data;
  std::string jwt_payload;
  int64_t expires_at_ms = 0;
  int64_t created_at_ms = 0;
  bool use_static_key = false;
};

struct NewSession {
  std::string handle;
  std::string user_id;
  std::string refresh_hash2;
  std::string session_data;
  std::string jwt_payload;
  int64_t expires_at_ms = 0;
  int64_t created_at_ms = 0;
  bool use_static_key = false;
  // Whether to find out what user_id means, and to create the session only if that is the id by
  // which clients know the login method.
  bool resolve_user = false;
};

// What Create did.
struct CreatedSession {
  bool created = true;
  std::optional<UserIds> user;  // if it was to be resolved
};

// The parts of a row just changed that minting new tokens needs.
struct ChangedSession {
  std::string user_id;
  std::string jwt_payload;
  bool use_static_key = false;
  std::optional<UserIds> user;  // by Rotate, if it was to be resolved
};

// The eager rotation (formats: 3.6), cases 1 and 2.
struct Rotation {
  std::string new_hash2;
  std::string presented_hash2;
  // The presented token's parent, if it has one; else presented_hash2 again.
  std::string parent_hash2;
  int64_t now_ms = 0;
  int64_t expires_at_ms = 0;  // from now on, when the presented token was current
  int64_t grace_from_ms = 0;  // the previous token is still valid if it was replaced since then
  // And before this: a statement that the server runs long after it was given up must not replace
  // what its client has got since.
  int64_t grace_to_ms = INT64_MAX;
  std::optional<bool> use_static_key;
};

// The lazy rotation (formats: 2.11, 3.5): a child of the current token becomes current.
struct Promotion {
  std::optional<std::string> parent_hash2;  // must be current; without it nothing is promoted
  std::string child_hash2;
  int64_t now_ms = 0;
  int64_t expires_at_ms = 0;
  std::optional<bool> use_static_key;
};

// What GetPromoting found and did.
struct SeenSession {
  SessionRow row;  // before
  std::optional<ChangedSession> promoted;
  std::optional<UserIds> user;  // if it was to be resolved
};

// A session as it is shown.
struct ShownSession {
  SessionRow row;
  // Internal form. nullopt: row.user_id is not the internal id of a login method in this database.
  std::optional<std::string> primary_user_id;
};

// Selects sessions of users in one database.
struct UserSessions {
  std::vector<std::string> user_ids;
  std::optional<std::string> tenant_id;  // absent: of every tenant of the app
  std::optional<int64_t> valid_at_ms;    // only those that have not expired then
};

// Sessions in the database of `tenant`. Every method is one statement. Some tell in addition what a
// user id means, if it is given: as the same database has it, and so only for apps that have no
// other. Thread-safe.
class SessionStore {
 public:
  virtual ~SessionStore() = default;

  // TENANT_NOT_FOUND when the tenant was removed; BAD_INPUT for a user id that is too long.
  virtual absl::StatusOr<CreatedSession> Create(const tenancy::Tenant& tenant,
                                                const NewSession& session, absl::Time deadline) = 0;
  virtual absl::StatusOr<std::optional<SessionRow>> Get(const tenancy::Tenant& tenant,
                                                        std::string_view handle,
                                                        absl::Time deadline) = 0;
  virtual absl::StatusOr<std::optional<ShownSession>> GetShown(const tenancy::Tenant& tenant,
                                                               std::string_view handle,
                                                               absl::Time deadline) = 0;
  // nullopt: there is no such session, it has expired, or the token is not one that rotates.
  virtual absl::StatusOr<std::optional<ChangedSession>> Rotate(
      const tenancy::Tenant& tenant, std::string_view handle, const Rotation& rotation,
      const std::optional<std::string>& resolve_user_id, absl::Time deadline) = 0;
  // Undoes a rotation to `new_hash2`: the token that it replaced is the current one again. No
  // effect if the session is gone or has rotated since.
  virtual absl::Status UndoRotation(const tenancy::Tenant& tenant, std::string_view handle,
                                    std::string_view new_hash2, absl::Time deadline) = 0;
  // nullopt: the parent is not (any more) the current token.
  virtual absl::StatusOr<std::optional<ChangedSession>> Promote(const tenancy::Tenant& tenant,
                                                                std::string_view handle,
                                                                const Promotion& promotion,
                                                                absl::Time deadline) = 0;
  // A session as it is, and promoted if the parent is its current token and it has not expired by
  // `promotion.now_ms`. nullopt: there is no such session. If another promotion comes first, the
  // row may still be the one before it.
  virtual absl::StatusOr<std::optional<SeenSession>> GetPromoting(
      const tenancy::Tenant& tenant, std::string_view handle, const Promotion& promotion,
      const std::optional<std::string>& resolve_user_id, absl::Time deadline) = 0;
  virtual absl::Status SetUseStaticKey(const tenancy::Tenant& tenant, std::string_view handle,
                                       bool use_static_key, absl::Time deadline) = 0;
  // Replaces what is given. nullopt: there is no such session, or it has expired by `now_ms`.
  virtual absl::StatusOr<std::optional<ChangedSession>> Update(
      const tenancy::Tenant& tenant, std::string_view handle, int64_t now_ms,
      const std::optional<std::string>& session_data, const std::optional<std::string>& jwt_payload,
      absl::Time deadline) = 0;
  // Returns the handles that existed.
  virtual absl::StatusOr<std::vector<std::string>> Delete(const tenancy::Tenant& tenant,
                                                          const std::vector<std::string>& handles,
                                                          absl::Time deadline) = 0;
  virtual absl::StatusOr<std::vector<std::string>> List(const tenancy::Tenant& tenant,
                                                        const UserSessions& sessions,
                                                        absl::Time deadline) = 0;
  // Returns the handles that existed.
  virtual absl::StatusOr<std::vector<std::string>> DeleteOfUsers(const tenancy::Tenant& tenant,
                                                                 const UserSessions& sessions,
                                                                 absl::Time deadline) = 0;
  virtual absl::StatusOr<bool> Exists(const tenancy::Tenant& tenant, const UserSessions& sessions,
                                      absl::Time deadline) = 0;
};

}  // namespace gatehouse::session

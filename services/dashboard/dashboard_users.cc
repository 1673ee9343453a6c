#include "services/dashboard/dashboard_users.h"

#include "libs/base/status.h"
#include "libs/crypto/bytes.h"

namespace gatehouse::dashboard {
namespace {

constexpr int64_t kSessionLifetimeMs = int64_t{30} * 24 * 3600 * 1000;  // the original's

}  // namespace

absl::StatusOr<std::optional<User>> DashboardUsers::Create(const Where& app, std::string_view email,
                                                           std::string_view password) {
  // Spares the hash; who comes first among many is decided when the row is made.
  ASSIGN_OR_RETURN(const std::optional<User> existing,
                   store_.FindUser(app, {UserKey::By::kEmail, std::string(email)}));
  if (existing.has_value()) return std::nullopt;
  ASSIGN_OR_RETURN(const std::string hash,
                   hasher_.Hash(*app.tenant->config, password, app.deadline));
  User user{.user_id = crypto::NewUuid4(),
            .email = std::string(email),
            .time_joined_ms = clock_.NowMs()};
  ASSIGN_OR_RETURN(const StoreOutcome outcome, store_.CreateUser(app, user, hash));
  if (outcome != StoreOutcome::kDone) return std::nullopt;
  return user;
}

absl::StatusOr<PgDashboardStore::Updated> DashboardUsers::Update(const Where& app,
                                                                 const UserKey& key,
                                                                 const std::string* email,
                                                                 const std::string* password) {
  ASSIGN_OR_RETURN(const std::optional<User> user, store_.FindUser(app, key));
  if (!user.has_value()) {
    return PgDashboardStore::Updated{.outcome = StoreOutcome::kUnknownUser, .user = {}};
  }
  std::string hash;
  if (password != nullptr) {
    ASSIGN_OR_RETURN(hash, hasher_.Hash(*app.tenant->config, *password, app.deadline));
  }
  return store_.UpdateUser(app, user->user_id, email, password != nullptr ? &hash : nullptr);
}

absl::StatusOr<std::optional<std::string>> DashboardUsers::SignIn(const Where& app,
                                                                  std::string_view email,
                                                                  std::string_view password) {
  ASSIGN_OR_RETURN(const auto credentials, store_.FindCredentials(app, email));
  if (!credentials.has_value()) {
    RETURN_IF_ERROR(hasher_.VerifyNothing(*app.tenant->config, password, app.deadline));
    return std::nullopt;
  }
  ASSIGN_OR_RETURN(const bool matches,
                   hasher_.Verify(*app.tenant->config, password, credentials->password_hash,
                                  app.deadline));
  if (!matches) return std::nullopt;
  const int64_t now_ms = clock_.NowMs();
  Session session{.session_id = crypto::NewUuid4(),
                  .user_id = credentials->user_id,
                  .time_created_ms = now_ms,
                  .expiry_ms = now_ms + kSessionLifetimeMs};
  // While it hashed, the user may have been removed or got other credentials.
  ASSIGN_OR_RETURN(const bool added,
                   store_.AddSession(app, session, email, credentials->password_hash));
  if (!added) return std::nullopt;
  return std::move(session.session_id);
}

}  // namespace gatehouse::dashboard

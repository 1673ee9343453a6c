#pragma once

#include "services/session/session_store.h"

namespace gatehouse::tenancy {
class TenantDatabases;
}

namespace gatehouse::session {

// SessionStore over session_info.
class PgSessionStore final : public SessionStore {
 public:
  // `databases` must outlive this.
  explicit PgSessionStore(tenancy::TenantDatabases& databases) : databases_(databases) {}

  absl::StatusOr<CreatedSession> Create(const tenancy::Tenant& tenant, const NewSession& session,
                                        absl::Time deadline) override;
  absl::StatusOr<std::optional<SessionRow>> Get(const tenancy::Tenant& tenant,
                                                std::string_view handle,
                                                absl::Time deadline) override;
  absl::StatusOr<std::optional<ShownSession>> GetShown(const tenancy::Tenant& tenant,
                                                       std::string_view handle,
                                                       absl::Time deadline) override;
  absl::StatusOr<std::optional<ChangedSession>> Rotate(
      const tenancy::Tenant& tenant, std::string_view handle, const Rotation& rotation,
      const std::optional<std::string>& resolve_user_id, absl::Time deadline) override;
  absl::Status UndoRotation(const tenancy::Tenant& tenant, std::string_view handle,
                            std::string_view new_hash2, absl::Time deadline) override;
  absl::StatusOr<std::optional<ChangedSession>> Promote(const tenancy::Tenant& tenant,
                                                        std::string_view handle,
                                                        const Promotion& promotion,
                                                        absl::Time deadline) override;
  absl::StatusOr<std::optional<SeenSession>> GetPromoting(
      const tenancy::Tenant& tenant, std::string_view handle, const Promotion& promotion,
      const std::optional<std::string>& resolve_user_id, absl::Time deadline) override;
  absl::Status SetUseStaticKey(const tenancy::Tenant& tenant, std::string_view handle,
                               bool use_static_key, absl::Time deadline) override;
  absl::StatusOr<std::optional<ChangedSession>> Update(
      const tenancy::Tenant& tenant, std::string_view handle, int64_t now_ms,
      const std::optional<std::string>& session_data, const std::optional<std::string>& jwt_payload,
      absl::Time deadline) override;
  absl::StatusOr<std::vector<std::string>> Delete(const tenancy::Tenant& tenant,
                                                  const std::vector<std::string>& handles,
                                                  absl::Time deadline) override;
  absl::StatusOr<std::vector<std::string>> List(const tenancy::Tenant& tenant,
                                                const UserSessions& sessions,
                                                absl::Time deadline) override;
  absl::StatusOr<std::vector<std::string>> DeleteOfUsers(const tenancy::Tenant& tenant,
                                                         const UserSessions& sessions,
                                                         absl::Time deadline) override;
  absl::StatusOr<bool> Exists(const tenancy::Tenant& tenant, const UserSessions& sessions,
                              absl::Time deadline) override;

 private:
  tenancy::TenantDatabases& databases_;
};

}  // namespace gatehouse::session

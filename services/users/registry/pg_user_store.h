#pragma once

#include "libs/db/statement.h"
#include "libs/tenancy/tenant_databases.h"
#include "services/users/registry/user_store.h"

namespace gatehouse::users {

// UserStore over PostgreSQL. Thread-safe.
class PgUserStore final : public UserStore {
 public:
  // `databases` must outlive the store.
  explicit PgUserStore(tenancy::TenantDatabases& databases) : databases_(databases) {}

  absl::StatusOr<std::optional<v1::User>> FindById(const RequestScope& scope,
                                                   std::string_view id) override;
  absl::StatusOr<std::optional<v1::User>> FindByInternalId(const RequestScope& scope,
                                                           std::string_view id) override;
  absl::StatusOr<std::vector<v1::User>> FindByAccountInfo(
      const RequestScope& scope, const std::vector<AccountInfo>& infos) override;
  absl::StatusOr<std::vector<v1::User>> FindByPrimaryIds(
      const RequestScope& scope, const std::vector<std::string>& ids) override;
  absl::StatusOr<std::vector<ResolvedId>> Resolve(const RequestScope& scope,
                                                  const std::vector<std::string>& ids,
                                                  bool include_linked) override;
  absl::StatusOr<bool> RegisterThirdPartyUser(const RequestScope& scope,
                                              const NewThirdPartyUser& user) override;
  absl::StatusOr<EmailChange> ChangeEmail(const RequestScope& scope, std::string_view user_id,
                                          std::string_view email) override;
  absl::Status MarkEmailVerified(const RequestScope& scope, std::string_view user_id,
                                 std::string_view email) override;

 private:
  absl::StatusOr<std::optional<v1::User>> FindOne(const RequestScope& scope,
                                                  const db::Statement& statement,
                                                  std::string_view id);

  tenancy::TenantDatabases& databases_;
};

// Maps the violation of a foreign key to apps or tenants, which means that the tenant was removed
// a moment ago, to kTenantNotFound; other statuses pass through.
absl::Status TenantGone(const RequestScope& scope, absl::Status status);

}  // namespace gatehouse::users

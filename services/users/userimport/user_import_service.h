#pragma once

#include <vector>

#include "gatehouse/users/v1/user_import_service.rpc.h"
#include "libs/passwords/password_hasher.h"
#include "libs/tenancy/tenant_directory.h"
#include "services/users/registry/pg_user_store.h"
#include "services/users/userimport/pg_user_import_store.h"

namespace gatehouse::users {

// user_import_service.proto. Thread-safe.
class UserImportServiceImpl final : public v1::UserImportService {
 public:
  // All outlive the service. `hasher`: for plain-text passwords, apart from that of sign-ins.
  UserImportServiceImpl(const tenancy::TenantDirectory& directory, PgUserStore& users,
                        PgUserImportStore& store, passwords::PasswordHasher& hasher)
      : directory_(directory), users_(users), store_(store), hasher_(hasher) {}

  absl::StatusOr<v1::ImportUsersResponse> ImportUsers(
      rpc::CallContext& context, const v1::ImportUsersRequest& request) override;

 private:
  absl::Status Import(const Where& scope, std::vector<ImportUser>& users,
                      v1::ImportUsersResponse& response);
  absl::Status ImportOne(const Where& scope, const ImportUser& user,
                         v1::ImportUsersResponse::Outcome& outcome);
  absl::Status HashPasswords(const Where& scope, ImportUser& user);
  absl::Status AddUsers(const Where& scope, const std::vector<ImportUser>& users,
                        v1::ImportUsersResponse& response);

  const tenancy::TenantDirectory& directory_;
  PgUserStore& users_;
  PgUserImportStore& store_;
  passwords::PasswordHasher& hasher_;
};

}  // namespace gatehouse::users

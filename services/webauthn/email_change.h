#pragma once

#include "absl/status/statusor.h"
#include "gatehouse/users/v1/registry_service.rpc.h"
#include "gatehouse/users/v1/user_directory_service.rpc.h"
#include "gatehouse/webauthn/v1/webauthn_service.pb.h"
#include "libs/tenancy/tenant_directory.h"
#include "services/webauthn/pg_credential_store.h"
#include "services/webauthn/pg_recovery_store.h"

namespace gatehouse::webauthn {

// Changes the email of a passkey login method: in the registry, which decides, then in the row
// here, then its recovery tokens end, since they went to the former address. Idempotent: after a
// failure a repetition does what is left. Thread-safe.
class EmailChange {
 public:
  // All outlive this.
  EmailChange(const tenancy::TenantDirectory& directory, users::v1::RegistryService& registry,
              users::v1::UserDirectoryService& users, PgCredentialStore& credentials,
              PgRecoveryStore& recovery)
      : directory_(directory),
        registry_(registry),
        users_(users),
        credentials_(credentials),
        recovery_(recovery) {}

  absl::StatusOr<v1::UpdateEmailResponse::Outcome> Update(rpc::CallContext& context,
                                                          const v1::UpdateEmailRequest& request);

 private:
  // False: the login method has no row in this database.
  absl::StatusOr<bool> SaveEmail(const Where& where, rpc::CallContext& context,
                                 const users::v1::LoginMethod& method);

  const tenancy::TenantDirectory& directory_;
  users::v1::RegistryService& registry_;
  users::v1::UserDirectoryService& users_;
  PgCredentialStore& credentials_;
  PgRecoveryStore& recovery_;
};

}  // namespace gatehouse::webauthn

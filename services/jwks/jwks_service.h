#pragma once

#include "gatehouse/jwks/v1/jwks_service.rpc.h"
#include "libs/base/clock.h"
#include "services/jwks/signing_keys.h"

namespace gatehouse::tenancy {
class TenantDirectory;
}

namespace gatehouse::jwks {

// The RPC adapter of SigningKeys. Thread-safe.
class JwksService final : public v1::JwksService {
 public:
  // All must outlive this.
  JwksService(tenancy::TenantDirectory& directory, SigningKeys& keys, const Clock& clock)
      : directory_(directory), keys_(keys), clock_(clock) {}

  absl::StatusOr<v1::GetPublicKeysResponse> GetPublicKeys(
      rpc::CallContext& context, const v1::GetPublicKeysRequest& request) override;
  absl::StatusOr<v1::GetSigningKeysResponse> GetSigningKeys(
      rpc::CallContext& context, const v1::GetSigningKeysRequest& request) override;
  absl::StatusOr<v1::CreateJwtResponse> CreateJwt(rpc::CallContext& context,
                                                  const v1::CreateJwtRequest& request) override;

 private:
  tenancy::TenantDirectory& directory_;
  SigningKeys& keys_;
  const Clock& clock_;
};

}  // namespace gatehouse::jwks

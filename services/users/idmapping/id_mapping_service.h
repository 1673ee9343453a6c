#pragma once

#include "gatehouse/users/v1/id_mapping_service.rpc.h"
#include "libs/tenancy/tenant_directory.h"
#include "services/users/idmapping/pg_id_mapping_store.h"

namespace gatehouse::users {

// id_mapping_service.proto: thin, since the checks that matter cross services and are in accounts.
// Thread-safe.
class IdMappingServiceImpl final : public v1::IdMappingService {
 public:
  // Both outlive the service.
  IdMappingServiceImpl(const tenancy::TenantDirectory& directory, PgIdMappingStore& store)
      : directory_(directory), store_(store) {}

  absl::StatusOr<v1::FindUserIdMappingResponse> FindUserIdMapping(
      rpc::CallContext& context, const v1::FindUserIdMappingRequest& request) override;
  absl::StatusOr<v1::SetExternalUserIdInfoResponse> SetExternalUserIdInfo(
      rpc::CallContext& context, const v1::SetExternalUserIdInfoRequest& request) override;
  absl::StatusOr<v1::CheckUserIdMappingResponse> CheckUserIdMapping(
      rpc::CallContext& context, const v1::CheckUserIdMappingRequest& request) override;
  absl::StatusOr<v1::CreateUserIdMappingResponse> CreateUserIdMapping(
      rpc::CallContext& context, const v1::CreateUserIdMappingRequest& request) override;
  absl::StatusOr<v1::DeleteUserIdMappingResponse> DeleteUserIdMapping(
      rpc::CallContext& context, const v1::DeleteUserIdMappingRequest& request) override;

 private:
  const tenancy::TenantDirectory& directory_;
  PgIdMappingStore& store_;
};

}  // namespace gatehouse::users

#pragma once

#include "gatehouse/users/v1/metadata_service.rpc.h"
#include "libs/tenancy/tenant_directory.h"
#include "services/users/metadata/pg_metadata_store.h"
#include "services/users/registry/pg_user_store.h"

namespace gatehouse::users {

// metadata_service.proto. Thread-safe.
class MetadataServiceImpl final : public v1::MetadataService {
 public:
  // All outlive the service.
  MetadataServiceImpl(const tenancy::TenantDirectory& directory, PgUserStore& users,
                      PgMetadataStore& store)
      : directory_(directory), users_(users), store_(store) {}

  absl::StatusOr<v1::GetMetadataResponse> GetMetadata(
      rpc::CallContext& context, const v1::GetMetadataRequest& request) override;
  absl::StatusOr<v1::ListMetadataResponse> ListMetadata(
      rpc::CallContext& context, const v1::ListMetadataRequest& request) override;
  absl::StatusOr<v1::UpdateMetadataResponse> UpdateMetadata(
      rpc::CallContext& context, const v1::UpdateMetadataRequest& request) override;
  absl::StatusOr<v1::DeleteMetadataResponse> DeleteMetadata(
      rpc::CallContext& context, const v1::DeleteMetadataRequest& request) override;

 private:
  absl::StatusOr<Where> ScopeOf(const common::v1::Scope& scope, absl::Time deadline,
                                std::string_view user_id);

  const tenancy::TenantDirectory& directory_;
  PgUserStore& users_;
  PgMetadataStore& store_;
};

}  // namespace gatehouse::users

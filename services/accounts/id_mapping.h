#pragma once

#include "absl/status/statusor.h"
#include "gatehouse/accounts/v1/accounts_service.pb.h"
#include "libs/rpc/service.h"
#include "services/accounts/peers.h"

namespace gatehouse::accounts {

// No data may be stored under an id that clients will no longer see: every service that keeps data
// by user id is asked first (formats: 7.3, 18.8).

absl::StatusOr<v1::CreateUserIdMappingResponse> CreateUserIdMapping(
    Peers& peers, rpc::CallContext& context, const v1::CreateUserIdMappingRequest& request);

absl::StatusOr<v1::DeleteUserIdMappingResponse> DeleteUserIdMapping(
    Peers& peers, rpc::CallContext& context, const v1::DeleteUserIdMappingRequest& request);

}  // namespace gatehouse::accounts

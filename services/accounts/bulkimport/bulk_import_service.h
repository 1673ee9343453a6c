#pragma once

#include <functional>
#include <utility>

#include "gatehouse/accounts/v1/bulk_import_service.rpc.h"
#include "libs/base/clock.h"
#include "libs/tenancy/tenant_directory.h"
#include "services/accounts/bulkimport/import_users.h"
#include "services/accounts/bulkimport/pg_bulk_import_store.h"

namespace gatehouse::accounts {

// bulk_import_service.proto. Thread-safe.
class BulkImportServiceImpl final : public v1::BulkImportService {
 public:
  // All outlive the service. `added` is called when users were added.
  BulkImportServiceImpl(const tenancy::TenantDirectory& directory, PgBulkImportStore& store,
                        ImportPeers peers, const Clock& clock, std::function<void()> added)
      : directory_(directory),
        store_(store),
        peers_(std::move(peers)),
        clock_(clock),
        added_(std::move(added)) {}

  absl::StatusOr<v1::AddUsersResponse> AddUsers(rpc::CallContext& context,
                                                const v1::AddUsersRequest& request) override;
  absl::StatusOr<v1::ListUsersResponse> ListUsers(rpc::CallContext& context,
                                                  const v1::ListUsersRequest& request) override;
  absl::StatusOr<v1::CountUsersResponse> CountUsers(rpc::CallContext& context,
                                                    const v1::CountUsersRequest& request) override;
  absl::StatusOr<v1::RemoveUsersResponse> RemoveUsers(
      rpc::CallContext& context, const v1::RemoveUsersRequest& request) override;
  absl::StatusOr<v1::ImportUserResponse> ImportUser(rpc::CallContext& context,
                                                    const v1::ImportUserRequest& request) override;

 private:
  // What became of a user that was added to the registry is unknown, or bad: takes it out again, or
  // leaves it to the job.
  void TakeBack(const rpc::CallContext& context, const tenancy::TenantPtr& app,
                const BulkUser& user);
  void End(const tenancy::TenantPtr& app, const BulkUser& user);

  const tenancy::TenantDirectory& directory_;
  PgBulkImportStore& store_;
  ImportPeers peers_;
  const Clock& clock_;
  const std::function<void()> added_;
};

}  // namespace gatehouse::accounts

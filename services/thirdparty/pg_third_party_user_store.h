#pragma once

#include "libs/tenancy/tenant_databases.h"
#include "services/thirdparty/third_party_user_store.h"

namespace gatehouse::thirdparty {

// ThirdPartyUserStore in PostgreSQL: table thirdparty_users. One statement per call.
class PgThirdPartyUserStore final : public ThirdPartyUserStore {
 public:
  // `databases` outlives the store.
  explicit PgThirdPartyUserStore(tenancy::TenantDatabases& databases) : databases_(databases) {}

  absl::StatusOr<SaveOutcome> SaveUser(const Where& where, const ThirdPartyUser& user) override;
  absl::Status ImportUsers(const Where& where, const std::vector<ThirdPartyUser>& users) override;
  absl::Status RemoveUser(const Where& where, std::string_view user_id) override;

 private:
  tenancy::TenantDatabases& databases_;
};

}  // namespace gatehouse::thirdparty

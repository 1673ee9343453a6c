#include "services/roles/component.h"

#include "gatehouse/common/v1/user_data_service.rpc.h"
#include "gatehouse/roles/v1/roles_service.rpc.h"
#include "libs/rpc/user_data_policy.h"
#include "services/roles/pg_role_store.h"
#include "services/roles/policy.h"
#include "services/roles/roles_service.h"

namespace gatehouse::roles {
namespace {

class RolesComponent final : public host::Component {
 public:
  explicit RolesComponent(host::Environment& environment)
      : store_(environment.databases()), service_(environment.tenants(), store_) {}

  std::vector<host::ExposedService> services() override {
    return {{&handler_, RolesPolicy()}, {&user_data_handler_, rpc::UserDataPolicy()}};
  }

 private:
  PgRoleStore store_;
  RolesServiceImpl service_;
  v1::RolesServiceHandler handler_{service_};
  common::v1::UserDataServiceHandler user_data_handler_{service_};
};

}  // namespace

absl::StatusOr<std::unique_ptr<host::Component>> MakeRolesComponent(
    host::Environment& environment) {
  return std::make_unique<RolesComponent>(environment);
}

}  // namespace gatehouse::roles

#include "services/thirdparty/component.h"

#include "services/thirdparty/pg_third_party_user_store.h"
#include "services/thirdparty/policy.h"
#include "services/thirdparty/thirdparty_service.h"

namespace gatehouse::thirdparty {
namespace {

class ThirdPartyComponent final : public host::Component {
 public:
  explicit ThirdPartyComponent(host::Environment& environment)
      : registry_(environment.ChannelTo("users")),
        users_(environment.ChannelTo("users")),
        store_(environment.databases()),
        service_(environment.tenants(), registry_, users_, store_) {}

  std::vector<host::ExposedService> services() override {
    return {{&handler_, ThirdPartyPolicy()}};
  }

 private:
  users::v1::RegistryServiceClient registry_;
  users::v1::UserDirectoryServiceClient users_;
  PgThirdPartyUserStore store_;
  ThirdPartyServiceImpl service_;
  v1::ThirdPartyServiceHandler handler_{service_};
};

}  // namespace

absl::StatusOr<std::unique_ptr<host::Component>> MakeThirdPartyComponent(
    host::Environment& environment) {
  return std::make_unique<ThirdPartyComponent>(environment);
}

}  // namespace gatehouse::thirdparty

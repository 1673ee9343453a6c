#include "services/jwks/component.h"

#include <map>
#include <utility>
#include <vector>

#include "libs/base/status.h"
#include "libs/config/process_config.h"
#include "libs/crypto/rsa_key.h"
#include "libs/host/job_scheduler.h"
#include "libs/tenancy/tenant_databases.h"
#include "libs/tenancy/tenant_directory.h"
#include "services/jwks/inherited_key.h"
#include "services/jwks/jwks_service.h"
#include "services/jwks/key_timeline.h"
#include "services/jwks/pg_key_store.h"
#include "services/jwks/policy.h"
#include "services/jwks/signing_keys.h"

namespace gatehouse::jwks {
namespace {

// A production app takes two pairs in its life and one a week; a test suite makes an app a test.
constexpr size_t kReadyPairs = 2;
constexpr size_t kReadyPairsInTestMode = 32;

constexpr absl::Duration kCleanUpInterval = absl::Hours(24);

// Removes expired dynamic keys of every app, a database at a time.
absl::Status CleanUp(tenancy::TenantDirectory& directory, tenancy::TenantDatabases& databases,
                     KeyStore& store, const Clock& clock, absl::Time deadline) {
  std::map<std::string, std::vector<tenancy::TenantPtr>> apps_by_storage;
  for (tenancy::TenantPtr& tenant : directory.All()) {
    if (tenant->is_public()) apps_by_storage[tenant->storage_id].push_back(std::move(tenant));
  }
  absl::Status result;
  for (const auto& [storage_id, apps] : apps_by_storage) {
    const auto database = databases.Of(*apps.front());
    if (!database.ok()) {
      result.Update(database.status());
      continue;
    }
    result.Update(host::RunExclusively(
        **database, deadline, "jwks_delete_expired_keys", [&, &apps = apps]() -> absl::Status {
          absl::Status status;
          for (const auto& app : apps) {
            const KeyTimeline timeline = KeyTimeline::Of(*app->config);
            status.Update(
                store.DeleteOld(*app, timeline.VerifiableFromMs(clock.NowMs()), deadline));
          }
          return status;
        }));
  }
  return result;
}

class JwksComponent final : public host::Component {
 public:
  explicit JwksComponent(host::Environment& environment)
      : pairs_(environment.config().test_mode ? kReadyPairsInTestMode : kReadyPairs),
        store_(environment.databases()),
        keys_(store_, pairs_, environment.clock(),
              MakeInherit(environment.ChannelTo("tenants"), store_)),
        service_(environment.tenants(), keys_, environment.clock()),
        handler_(service_) {
    environment.jobs().Add({.name = "jwks_delete_expired_keys",
                            .interval = kCleanUpInterval,
                            .first_after = kCleanUpInterval},
                           [this, &environment](absl::Time deadline) {
                             return CleanUp(environment.tenants(), environment.databases(), store_,
                                            environment.clock(), deadline);
                           });
  }

  std::vector<host::ExposedService> services() override {
    return {{&handler_, JwksServicePolicy()}};
  }

 private:
  crypto::KeyPairPool pairs_;
  PgKeyStore store_;
  SigningKeys keys_;
  JwksService service_;
  v1::JwksServiceHandler handler_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<host::Component>> MakeJwksComponent(host::Environment& environment) {
  return std::make_unique<JwksComponent>(environment);
}

}  // namespace gatehouse::jwks

#include "services/jwks/component.h"

#include <vector>

#include "libs/base/status.h"
#include "libs/config/process_config.h"
#include "libs/crypto/rsa_key.h"
#include "libs/host/job_scheduler.h"
#include "services/jwks/inherited_key.h"
#include "services/jwks/jwks_service.h"
#include "services/jwks/pg_key_cleanup.h"
#include "services/jwks/pg_key_store.h"
#include "services/jwks/policy.h"
#include "services/jwks/signing_keys.h"

namespace gatehouse::jwks {
namespace {

// An app takes two pairs at first and one per week.
constexpr crypto::KeyPairPool::Options kPool = {.ready_pairs = 2, .most_ready_pairs = 16};
// A test suite creates one app per test, and waits for its keys on a busy machine. Many tests start
// a process of their own, so no more is made in advance than one app needs.
constexpr crypto::KeyPairPool::Options kPoolInTestMode = {
    .ready_pairs = 3, .most_ready_pairs = 16, .low_priority = false};

constexpr absl::Duration kCleanUpInterval = absl::Hours(24);
constexpr absl::Duration kOthersKeysInterval = absl::Seconds(5);

class JwksComponent final : public host::Component {
 public:
  explicit JwksComponent(host::Environment& environment)
      : pairs_(environment.config().test_mode ? kPoolInTestMode : kPool),
        store_(environment.databases()),
        keys_(store_, pairs_, environment.clock(),
              MakeInherit(environment.ChannelTo("tenants"), store_)),
        service_(environment.tenants(), keys_, environment.clock()),
        handler_(service_) {
    environment.jobs().Add({.name = "jwks_delete_expired_keys",
                            .interval = kCleanUpInterval,
                            .first_after = kCleanUpInterval},
                           [&environment](absl::Time deadline) {
                             return DeleteExpiredKeys(environment.tenants(),
                                                      environment.databases(), environment.clock(),
                                                      deadline);
                           });
    environment.jobs().Add({.name = "jwks_read_others_keys",
                            .interval = kOthersKeysInterval,
                            .first_after = kOthersKeysInterval},
                           [this, &environment](absl::Time deadline) {
                             return keys_.ReadWhatOthersMade(environment.tenants(), deadline);
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

#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "libs/base/clock.h"
#include "libs/base/lru_cache.h"
#include "libs/rpc/service.h"
#include "libs/tenancy/tenant.h"
#include "services/saml/xml_signature.h"

namespace gatehouse::crypto {
class RsaKeyPair;
}
namespace gatehouse::tenants::v1 {
class AppSettingsService;
}

namespace gatehouse::saml {

// The key of an app as a service provider, with the end of its certificate.
struct ServiceKey {
  SigningKey signing;
  std::shared_ptr<const crypto::RsaKeyPair> pair;  // the same key
  int64_t certificate_ends_ms = 0;
};

// Keys of apps, made when first needed and kept by the tenants service in the original's form
// (saml_key_pair and saml_certificate): a core that takes over goes on with the same ones.
// Thread-safe.
class ServiceKeys {
 public:
  // Both outlive this. `settings` is the tenants service.
  ServiceKeys(tenants::v1::AppSettingsService& settings, const Clock& clock)
      : settings_(settings), clock_(clock) {}

  // Of the tenant's app.
  absl::StatusOr<std::shared_ptr<const ServiceKey>> Of(rpc::CallContext& context,
                                                       const tenancy::Tenant& tenant);

 private:
  absl::StatusOr<std::string> StoredKeyPair(rpc::CallContext& context,
                                            const common::v1::Scope& scope);
  absl::StatusOr<std::string> StoredCertificate(rpc::CallContext& context,
                                                const common::v1::Scope& scope,
                                                std::string_view pkcs8_der);

  tenants::v1::AppSettingsService& settings_;
  const Clock& clock_;
  LruCache<const ServiceKey> known_{1000};
};

}  // namespace gatehouse::saml

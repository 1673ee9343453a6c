#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "libs/base/call_context.h"
#include "libs/base/clock.h"
#include "libs/base/json.h"
#include "libs/base/lru_cache.h"
#include "libs/tenancy/tenant_directory.h"

namespace gatehouse::jwks::v1 {
class JwksService;
}

namespace gatehouse::oauth {

// Signs tokens with an app's keys, which the jwks service keeps, and verifies them. Public keys are
// cached. Thread-safe; bounded.
class TokenKeys {
 public:
  // Both outlive this.
  TokenKeys(jwks::v1::JwksService& jwks, const Clock& clock);
  ~TokenKeys();

  // A JWT with these claims, `iss`, `iat` and `exp` among them. BAD_INPUT for an integer beyond 64
  // bits.
  absl::StatusOr<std::string> Sign(CallContext& context, const tenancy::Tenant& app,
                                   const json::Value& claims, bool use_dynamic_key);

  // The claims of a JWT that the app's keys have signed, expired or not; nullopt: it is none.
  absl::StatusOr<std::optional<json::Value>> Verify(CallContext& context,
                                                    const tenancy::Tenant& app,
                                                    std::string_view token);

 private:
  struct Keys;
  struct Entry;
  absl::StatusOr<std::shared_ptr<const Keys>> KeysOf(CallContext& context,
                                                     const tenancy::Tenant& app,
                                                     const std::string& wanted_key_id);

  jwks::v1::JwksService& jwks_;
  const Clock& clock_;
  LruCache<Entry> entries_;
};

}  // namespace gatehouse::oauth

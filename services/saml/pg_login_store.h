#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "libs/tenancy/tenant_databases.h"
#include "libs/tenancy/where.h"

namespace gatehouse::saml {

using tenancy::Where;

// A login that has begun: a row of saml_relay_state, with what gatehouse_saml_logins has beside it.
struct Login {
  std::string relay_state;
  std::string client_id;
  std::optional<std::string> state;
  std::string redirect_uri;
  std::string request_id;
  std::string acs_url;
  int64_t begun_ms = 0;
};

// An assertion that was verified, and the code that stands for it.
struct VerifiedLogin {
  std::optional<std::string> relay_state;  // of the login that it ends
  std::string client_id;
  int64_t client_created_ms = 0;
  std::string assertion_hash;  // SHA-256 in hex
  int64_t assertion_until_ms = 0;
  std::string code;
  std::string claims_json;
  int64_t code_until_ms = 0;
};

struct Code {
  std::string client_id;
  std::string claims_json;
};

// Logins of tenants and their codes: tables saml_relay_state, saml_claims, gatehouse_saml_logins
// and gatehouse_saml_assertions. Thread-safe. Calls fail as described in libs/db/errors.h, and with
// kTenantNotFound when the tenant has just been removed.
class PgLoginStore {
 public:
  // `databases` outlives the store.
  explicit PgLoginStore(tenancy::TenantDatabases& databases) : databases_(databases) {}

  absl::Status Begin(const Where& tenant, const Login& login, int64_t until_ms);
  // Unless it has expired.
  absl::StatusOr<std::optional<Login>> Find(const Where& tenant, std::string_view relay_state,
                                            int64_t now_ms);
  // Ends the login and stores the code, once for each login and each assertion, however many
  // instances try it at the same time.
  // kUnknownClient: the client that the response was verified for is gone, whatever has its id now.
  enum class Finished { kDone, kUnknownLogin, kUsedAssertion, kUnknownClient };
  absl::StatusOr<Finished> Finish(const Where& tenant, const VerifiedLogin& login, int64_t now_ms);
  // Takes the code away, whoever asks for it. nullopt: there is none, or it has expired, or its
  // client is gone.
  absl::StatusOr<std::optional<Code>> TakeCode(const Where& tenant, std::string_view code,
                                               int64_t now_ms);

 private:
  tenancy::TenantDatabases& databases_;
};

}  // namespace gatehouse::saml

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "gatehouse/oauth/v1/flow.pb.h"
#include "libs/tenancy/tenant_databases.h"
#include "libs/tenancy/where.h"

namespace gatehouse::oauth {

using tenancy::Where;

// Where a login and consent request is. The numbers are stored.
enum class Stage {
  kAwaitsLogin = 1,
  kHasLogin = 2,
  kAwaitsConsent = 3,
  kHasConsent = 4,
  kAnswered = 5,
};

// Login and consent requests, remembered logins, and codes: tables gatehouse_oauth_flows,
// gatehouse_oauth_logins and gatehouse_oauth_codes. Challenges, verifiers, cookies and codes are
// given in clear text and stored as hashes. Every `app` is an app's public tenant. Thread-safe.
// Besides the stated errors a call fails as described in libs/db/errors.h.
class PgFlowStore {
 public:
  // `databases` outlives the store.
  explicit PgFlowStore(tenancy::TenantDatabases& databases) : databases_(databases) {}

  struct FoundFlow {
    std::string client_id;
    Stage stage = Stage::kAwaitsLogin;
    std::string csrf_hash;
    int64_t expires_at_ms = 0;
    v1::Flow flow;
  };
  struct Login {
    std::string session_id;  // a UUID
    std::string subject;
    int64_t authenticated_at_ms = 0;
    int64_t expires_at_ms = 0;
  };
  struct Code {
    std::string client_id;
    bool used = false;
    int wrong_verifiers = 0;
    int64_t expires_at_ms = 0;
    v1::Grant grant;
  };

  // False: the client has just been removed.
  absl::StatusOr<bool> CreateFlow(const Where& app, const std::string& client_id,
                                  std::string_view challenge, std::string_view csrf,
                                  const v1::Flow& flow, int64_t expires_at_ms);
  absl::StatusOr<std::optional<FoundFlow>> FindByChallenge(const Where& app,
                                                           std::string_view challenge);
  absl::StatusOr<std::optional<FoundFlow>> FindByVerifier(const Where& app,
                                                          std::string_view verifier);
  // A page's answer: its challenge stays, and an earlier verifier ends. `stage` is kHasLogin or
  // kHasConsent. False: the flow has gone on.
  absl::StatusOr<bool> Decide(const Where& app, std::string_view challenge, Stage stage,
                              std::string_view verifier, const v1::Flow& flow);
  // The verifier of a login is used: from then on the flow is known by the consent's challenge.
  // False: somebody else has used it.
  absl::StatusOr<bool> UseLoginVerifier(const Where& app, std::string_view verifier,
                                        std::string_view consent_challenge, std::string_view csrf);
  // The flow ends. False: somebody else has used the verifier.
  absl::StatusOr<bool> Answer(const Where& app, std::string_view verifier, Stage from);

  absl::Status RememberLogin(const Where& app, std::string_view cookie, const Login& login);
  // One that has not expired at `now_ms`.
  absl::StatusOr<std::optional<Login>> FindLogin(const Where& app, std::string_view cookie,
                                                 int64_t now_ms);
  absl::Status ForgetLogin(const Where& app, std::string_view cookie);

  // False: the client has just been removed.
  absl::StatusOr<bool> AddCode(const Where& app, std::string_view code, const v1::Grant& grant,
                               int64_t expires_at_ms);
  absl::StatusOr<std::optional<Code>> FindCode(const Where& app, std::string_view code);
  // Counts a wrong PKCE verifier. False: there have been `limit` already.
  absl::StatusOr<bool> CountWrongVerifier(const Where& app, std::string_view code, int limit);

 private:
  tenancy::TenantDatabases& databases_;
};

// Documents of the tables.
absl::StatusOr<std::string> ToDocument(const google::protobuf::Message& message);
absl::Status FromDocument(std::string_view document, google::protobuf::Message& message);

}  // namespace gatehouse::oauth

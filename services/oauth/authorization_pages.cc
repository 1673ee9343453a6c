// What login and consent pages read and decide.

#include <map>
#include <utility>

#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/crypto/bytes.h"
#include "services/oauth/authorization.h"
#include "services/oauth/oauth_errors.h"

namespace gatehouse::oauth {
namespace {

std::string BackToAuthorize(const v1::Flow& flow, const std::string& name,
                            const std::string& value) {
  std::multimap<std::string, std::string> values;
  for (const auto& [key, text] : flow.request().parameters()) {
    if (key != name) values.emplace(key, text);
  }
  values.emplace(name, value);
  return StrCat("{apiDomain}/oauth/auth?", EncodeForm(values), "&");
}

}  // namespace

std::string NewFlowSecret() { return crypto::Base64UrlEncode(crypto::RandomBytes(32)); }

absl::StatusOr<Authorization::Pending> Authorization::Find(const Where& app,
                                                           std::string_view challenge, Stage first,
                                                           std::string_view what) {
  Pending pending;
  ASSIGN_OR_RETURN(pending.flow, store_.FindByChallenge(app, challenge));
  if (!pending.flow.has_value()) return pending;
  const auto second = static_cast<Stage>(static_cast<int>(first) + 1);
  if (pending.flow->stage != first && pending.flow->stage != second) {
    pending.flow = std::nullopt;
  } else if (pending.flow->expires_at_ms <= clock_.NowMs()) {
    pending.refused =
        RequestUnauthorized(StrCat("The ", what, " request has expired, please try again."));
  }
  return pending;
}

absl::StatusOr<Authorization::Pending> Authorization::FindLogin(const Where& app,
                                                                std::string_view challenge) {
  return Find(app, challenge, Stage::kAwaitsLogin, "login");
}

absl::StatusOr<Authorization::Pending> Authorization::FindConsent(const Where& app,
                                                                  std::string_view challenge) {
  return Find(app, challenge, Stage::kAwaitsConsent, "consent");
}

absl::StatusOr<std::optional<std::string>> Authorization::DecideLogin(
    const Where& app, std::string_view challenge, v1::Flow flow,
    const v1::LoginDecision& decision) {
  const std::string& remembered = flow.request().subject();
  *flow.mutable_login() = decision;
  if (!decision.has_refused() && !remembered.empty()) {
    // Somebody else: they have to log in, and the remembered login does not count.
    if (remembered != decision.subject()) return BackToAuthorize(flow, "prompt", "login");
    flow.mutable_login()->set_authenticated_at_ms(flow.request().authenticated_at_ms());
  } else {
    flow.mutable_login()->set_authenticated_at_ms(clock_.NowMs());
  }
  const std::string verifier = NewFlowSecret();
  ASSIGN_OR_RETURN(const bool decided,
                   store_.Decide(app, challenge, Stage::kHasLogin, verifier, flow));
  if (!decided) return std::nullopt;
  return BackToAuthorize(flow, "login_verifier", verifier);
}

absl::StatusOr<std::optional<std::string>> Authorization::DecideConsent(
    const Where& app, std::string_view challenge, v1::Flow flow,
    const v1::ConsentDecision& decision) {
  *flow.mutable_consent() = decision;
  flow.mutable_consent()->set_gid(crypto::NewUuid4());
  const std::string verifier = NewFlowSecret();
  ASSIGN_OR_RETURN(const bool decided,
                   store_.Decide(app, challenge, Stage::kHasConsent, verifier, flow));
  if (!decided) return std::nullopt;
  return BackToAuthorize(flow, "consent_verifier", verifier);
}

}  // namespace gatehouse::oauth

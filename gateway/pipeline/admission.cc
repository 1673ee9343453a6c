#include "gateway/pipeline/admission.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/config/core_config.h"
#include "libs/crypto/bytes.h"

namespace gatehouse::gateway {
namespace {

std::string Trimmed(std::string_view text) {
  return std::string(absl::StripAsciiWhitespace(absl::string_view(text.data(), text.size())));
}

// The host of a Host header, without port, in lower case: "[::1]:3567" gives "[::1]".
std::string HostName(std::string_view header) {
  std::string host = Trimmed(header);
  const size_t bracket = host.rfind(']');
  const size_t colon = host.find(':', bracket == std::string::npos ? 0 : bracket);
  if (colon != std::string::npos) host.resize(colon);
  absl::AsciiStrToLower(&host);
  return host;
}

// The key that a request presents: header `api-key`, or else `Authorization`, with or without
// "Bearer". Basic credentials are never a key: they belong to a client of an OAuth flow.
std::string PresentedKey(const http::Headers& headers, const RouteOptions& route) {
  if (auto key = headers.Find("api-key")) return Trimmed(*key);
  auto authorization = headers.Find("Authorization");
  if (!authorization || !route.authorization_is_api_key) return "";
  const std::string text = Trimmed(*authorization);
  if (absl::StartsWithIgnoreCase(text, "basic ")) return "";
  if (absl::StartsWithIgnoreCase(text, "bearer ")) return Trimmed(text.substr(7));
  return text;
}

CdiVersion NewestOf(const config::CoreConfig* config) {
  if (config != nullptr && config->max_cdi_version() != nullptr) {
    if (auto version = CdiVersion::Parse(*config->max_cdi_version())) return *version;
  }
  return CdiVersion::Supported().back();
}

// Numbers joined by dots, of which the first two count.
struct VersionNumbers {
  CdiVersion version;
  size_t count = 0;
};

// nullopt when the text is anything else. The original cannot read longer numbers either.
std::optional<VersionNumbers> ReadNumbers(std::string_view text) {
  constexpr size_t kMaxDigits = 9;
  VersionNumbers numbers;
  while (true) {
    const std::string_view digits = text.substr(0, text.find('.'));
    int number = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (digits.empty() || digits.size() > kMaxDigits || digits.front() == '-' ||
        error != std::errc() || end != digits.data() + digits.size()) {
      return std::nullopt;
    }
    if (numbers.count == 0) numbers.version.major = number;
    if (numbers.count == 1) numbers.version.minor = number;
    ++numbers.count;
    if (digits.size() == text.size()) return numbers;
    text.remove_prefix(digits.size() + 1);
  }
}

}  // namespace

Admission::Admission(const tenancy::TenantDirectory& directory,
                     std::shared_ptr<const config::CoreConfig> own)
    : directory_(directory) {
  Reload(std::move(own));
}

void Admission::Reload(std::shared_ptr<const config::CoreConfig> own) {
  if (own != nullptr && own->api_keys().empty() && own->ip_rules().empty()) own = nullptr;
  const std::lock_guard lock(mutex_);
  guard_ = std::move(own);
  has_guard_ = guard_ != nullptr;
}

std::shared_ptr<const config::CoreConfig> Admission::OwnGuard() const {
  if (!has_guard_) return nullptr;
  const std::lock_guard lock(mutex_);
  return guard_;
}

bool Admission::CheckDomain(const http::Headers& headers, std::string& domain,
                            Refusal& refusal) const {
  if (!directory_.HasConnectionUriDomains()) return true;
  domain = HostName(headers.Find("Host").value_or(""));
  if (domain.empty() || !directory_.HasConnectionUriDomain(domain)) {
    domain.clear();
    return true;
  }
  const auto base = directory_.base_config();
  if (base && base->saas_load_only_cud() != nullptr && *base->saas_load_only_cud() != domain) {
    refusal = {400, "Connection URI domain is disallowed"};
    return false;
  }
  return true;
}

bool Admission::CheckAddress(std::string_view client_address, const tenancy::Tenant* tenant,
                             Refusal& refusal) const {
  if (tenant == nullptr) return true;
  const config::CoreConfig* config = tenant->config.get();
  std::shared_ptr<const config::CoreConfig> own;
  if (config->ip_rules().empty()) {
    own = OwnGuard();
    if (own == nullptr) return true;
    config = own.get();
  }
  const config::IpRules& rules = config->ip_rules();
  // No rule allows an unknown address.
  if (rules.empty() || (!client_address.empty() && rules.Allows(client_address))) return true;
  refusal = {403, "", true};
  return false;
}

bool Admission::CheckKey(const http::Headers& headers, const tenancy::Tenant* app,
                         const RouteOptions& route, Admitted& admitted, Refusal& refusal) const {
  // An unknown app has no keys: the service reports that there is no such app.
  if (app == nullptr) return true;
  const std::string presented = PresentedKey(headers, route);
  // Nothing that is presented is not the secret.
  const auto base = presented.empty() ? nullptr : directory_.base_config();
  if (base && base->saas_secret() != nullptr &&
      crypto::ConstantTimeEqual(presented, *base->saas_secret())) {
    admitted.has_saas_secret = true;
    return true;
  }
  if (!route.needs_api_key) return true;
  const config::CoreConfig* config = app->config.get();
  std::shared_ptr<const config::CoreConfig> own;
  if (config->api_keys().empty()) {
    own = OwnGuard();
    if (own == nullptr) return true;
    config = own.get();
  }
  if (config->api_keys().empty() || config->HasApiKey(presented)) return true;
  refusal = {401, "Invalid API key"};
  return false;
}

bool Admission::ReadVersion(const http::Headers& headers, const tenancy::Tenant* app,
                            Admitted& admitted, bool& is_served, Refusal& refusal) const {
  const config::CoreConfig* config =
      app != nullptr ? app->config.get() : directory_.base_config().get();
  const CdiVersion newest = NewestOf(config);
  admitted.cdi = newest;
  is_served = true;
  const auto header = headers.Find("cdi-version");
  if (!header) return true;
  const std::string text = Trimmed(*header);
  const auto numbers = ReadNumbers(text);
  if (!numbers) {
    refusal = {400, "cdi-version header is invalid"};
    return false;
  }
  admitted.cdi = numbers->version;
  // A version of three numbers is refused as too new everywhere.
  if (admitted.cdi > newest || numbers->count > 2) {
    refusal = {400, StrCat("cdi-version ", text, " not supported")};
    return false;
  }
  if (config != nullptr && config->min_cdi_version() != nullptr) {
    const auto oldest = CdiVersion::Parse(*config->min_cdi_version());
    if (oldest && admitted.cdi < *oldest) {
      refusal = {400, StrCat("cdi-version ", text, " is lower than the minimum allowed version ",
                             *config->min_cdi_version())};
      return false;
    }
  }
  const auto supported = CdiVersion::Supported();
  const auto exact = CdiVersion::Parse(text);
  is_served = exact && std::find(supported.begin(), supported.end(), *exact) != supported.end();
  return true;
}

absl::StatusOr<Admission::Verdict> Admission::Admit(const Head& head,
                                                    const RouteTable::Match& match,
                                                    Admitted& admitted, Refusal& refusal,
                                                    const tenancy::Sight* looked_up) const {
  std::string domain;
  if (!CheckDomain(head.headers, domain, refusal)) return Verdict::kRefused;
  admitted = Admitted();
  admitted.scope = tenancy::MakeScope(domain, match.app_id, match.tenant_id);
  if (looked_up != nullptr) {
    admitted.sight = *looked_up;
  } else {
    ASSIGN_OR_RETURN(const std::optional<tenancy::Sight> sight, directory_.Look(admitted.scope));
    if (!sight.has_value()) return Verdict::kUnknown;
    admitted.sight = *sight;
  }
  const tenancy::Tenant* app_tenant = admitted.sight.app.get();
  const tenancy::Tenant* tenant = admitted.sight.tenant.get();
  admitted.scope = tenancy::Admit(std::move(admitted.scope), app_tenant, tenant);
  admitted.app_exists = app_tenant != nullptr;
  if (!CheckAddress(head.client_address, tenant != nullptr ? tenant : app_tenant, refusal)) {
    return Verdict::kRefused;
  }
  const RouteOptions& route = (match.route != nullptr ? match.route : match.any)->options;
  if (!CheckKey(head.headers, app_tenant, route, admitted, refusal)) return Verdict::kRefused;
  bool is_served = false;
  if (!ReadVersion(head.headers, app_tenant, admitted, is_served, refusal)) {
    return Verdict::kRefused;
  }
  if (admitted.cdi < cdi::k3_0 && match.tenant_id != "public") {
    refusal = {404, "Not found"};
    return Verdict::kRefused;
  }
  if (is_served || !route.needs_version) return Verdict::kAdmitted;
  refusal = {400,
             StrCat("cdi-version ", Trimmed(*head.headers.Find("cdi-version")), " not supported")};
  return Verdict::kRefused;
}

bool Admission::StillHolds(const common::v1::Scope& scope, const tenancy::Sight& sight) const {
  const auto& [app, tenant, version] = sight;
  if (version == directory_.version()) return true;
  if (app == nullptr) return true;  // and the scope will find nothing
  const auto app_now = directory_.FindApp(scope);
  if (!app_now.ok() || *app_now != app) return false;
  if (tenant == nullptr) return true;
  const auto tenant_now = directory_.Find(scope);
  return tenant_now.ok() && *tenant_now == tenant;
}

}  // namespace gatehouse::gateway

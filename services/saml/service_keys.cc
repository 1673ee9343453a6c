#include "services/saml/service_keys.h"

#include <string_view>

#include "gatehouse/tenants/v1/app_settings_service.rpc.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/crypto/bytes.h"
#include "libs/crypto/rsa_key.h"
#include "libs/crypto/self_signed.h"

namespace gatehouse::saml {
namespace {

constexpr char kKeyPair[] = "saml_key_pair";  // "<base64 PKCS #8>\n<base64 SubjectPublicKeyInfo>"
constexpr char kCertificate[] = "saml_certificate";
// Providers ask for a new certificate when it ends; the original's ten years.
constexpr absl::Duration kValidity = absl::Hours(24 * 365 * 10);

}  // namespace

absl::StatusOr<std::string> ServiceKeys::StoredKeyPair(rpc::CallContext& context,
                                                       const common::v1::Scope& scope) {
  tenants::v1::GetSettingRequest get;
  *get.mutable_scope() = scope;
  get.set_name(kKeyPair);
  ASSIGN_OR_RETURN(const auto setting, settings_.GetSetting(context, get));
  if (setting.has_value()) return setting.value();
  // Several may make one; all get the one that was stored first.
  const std::string made = crypto::RsaKeyPair::Generate()->ToStored();  // public | private
  const size_t separator = made.find('|');
  tenants::v1::GetOrCreateSettingRequest create;
  *create.mutable_scope() = scope;
  create.set_name(kKeyPair);
  create.set_proposed_value(StrCat(made.substr(separator + 1), "\n", made.substr(0, separator)));
  ASSIGN_OR_RETURN(const auto stored, settings_.GetOrCreateSetting(context, create));
  return stored.value();
}

absl::StatusOr<std::string> ServiceKeys::StoredCertificate(rpc::CallContext& context,
                                                           const common::v1::Scope& scope,
                                                           std::string_view pkcs8_der) {
  tenants::v1::GetSettingRequest get;
  *get.mutable_scope() = scope;
  get.set_name(kCertificate);
  ASSIGN_OR_RETURN(const auto setting, settings_.GetSetting(context, get));
  if (setting.has_value()) return setting.value();
  const absl::Time now = absl::FromUnixMillis(clock_.NowMs());
  ASSIGN_OR_RETURN(
      const std::string made,
      crypto::MakeSelfSigned(
          pkcs8_der, {.country = "US", .organization = "SuperTokens", .common_name = "SAML-SP"},
          now, now + kValidity));
  tenants::v1::GetOrCreateSettingRequest create;
  *create.mutable_scope() = scope;
  create.set_name(kCertificate);
  create.set_proposed_value(crypto::Base64Encode(made));
  ASSIGN_OR_RETURN(const auto stored, settings_.GetOrCreateSetting(context, create));
  return stored.value();
}

absl::StatusOr<std::shared_ptr<const ServiceKey>> ServiceKeys::Of(rpc::CallContext& context,
                                                                  const tenancy::Tenant& tenant) {
  const std::string name = StrCat(tenant.connection_uri_domain, "\n", tenant.app_id, "\n",
                                  std::to_string(tenant.app_incarnation));
  if (auto known = known_.Find(name)) return known;
  const common::v1::Scope scope = tenant.scope();
  ASSIGN_OR_RETURN(const std::string pair, StoredKeyPair(context, scope));
  auto key = std::make_shared<ServiceKey>();
  const auto private_key = crypto::Base64Decode(pair.substr(0, pair.find('\n')));
  const size_t separator = pair.find('\n');
  auto parsed = crypto::RsaKeyPair::FromStored(
      separator == std::string::npos
          ? std::string()
          : StrCat(pair.substr(separator + 1), "|", pair.substr(0, separator)));
  if (!private_key.ok() || !parsed.ok()) {
    return absl::InternalError("saml_key_pair can't be read");
  }
  key->pair = *std::move(parsed);
  key->signing.pkcs8_der = *private_key;
  ASSIGN_OR_RETURN(key->signing.certificate_base64,
                   StoredCertificate(context, scope, key->signing.pkcs8_der));
  const auto certificate = crypto::Base64Decode(key->signing.certificate_base64);
  if (!certificate.ok()) return absl::InternalError("saml_certificate can't be read");
  ASSIGN_OR_RETURN(const absl::Time ends, crypto::EndOfCertificate(*certificate));
  key->certificate_ends_ms = absl::ToUnixMillis(ends);
  return known_.FindOrMake(name, [&] { return key; });
}

}  // namespace gatehouse::saml

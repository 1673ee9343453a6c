#include "services/tenants/provider_rules.h"

#include <set>
#include <string>
#include <string_view>

#include "libs/base/json.h"
#include "libs/base/problem.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"

namespace gatehouse::tenants {
namespace {

absl::Status Invalid(std::string_view why) {
  return BadInput(Problem::kProviderConfig, StrCat("Invalid third party config: ", why));
}

bool IsFilledString(const json::Value* value) {
  return value != nullptr && value->is_string() && !value->AsString()->empty();
}

absl::Status CheckClient(const v1::ThirdPartyProvider::Client& client, std::string_view id) {
  if (!client.has_client_id()) return Invalid("clientId cannot be null");
  json::Value additional;
  if (client.has_additional_config_json()) {
    ASSIGN_OR_RETURN(additional, json::Parse(client.additional_config_json()));
  }
  if (id.starts_with("apple")) {
    for (const std::string_view key : {"keyId", "teamId", "privateKey"}) {
      if (!IsFilledString(additional.Find(key))) {
        return Invalid(
            "a non empty string value must be specified for keyId, teamId and privateKey in the "
            "additionalConfig for Apple provider");
      }
    }
  } else if (id.starts_with("google-workspaces")) {
    const json::Value* hd = additional.Find("hd");
    if (hd != nullptr && !IsFilledString(hd)) {
      return Invalid("hd in additionalConfig must be a non empty string value");
    }
  } else if (id.starts_with("boxy-saml")) {
    const json::Value* url = additional.Find("boxyURL");
    if (url != nullptr && !IsFilledString(url)) {
      return Invalid(
          "a non empty string value must be specified for boxyURL in the additionalConfig for "
          "Boxy SAML provider");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckClientType(const v1::ThirdPartyProvider::Client& client,
                             std::set<std::string_view>& seen) {
  if (seen.insert(client.client_type()).second) return absl::OkStatus();
  return Invalid("Duplicate clientType was specified in the clients list.");
}

}  // namespace

absl::Status CheckProviders(std::span<const v1::ThirdPartyProvider> providers) {
  std::set<std::string_view> ids;
  for (const v1::ThirdPartyProvider& provider : providers) {
    if (!ids.insert(provider.third_party_id()).second) {
      return Invalid("Duplicate ThirdPartyId was specified in the providers list.");
    }
    if (provider.third_party_id().empty()) return Invalid("thirdPartyId cannot be null or empty");
    std::set<std::string_view> types;
    for (const auto& client : provider.clients()) {
      RETURN_IF_ERROR(CheckClientType(client, types));
      RETURN_IF_ERROR(CheckClient(client, provider.third_party_id()));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckStorable(const v1::ThirdPartyProvider& provider) {
  std::set<std::string_view> types;
  for (const auto& client : provider.clients()) {
    if (!client.has_client_id()) return Invalid("clientId cannot be null");
    RETURN_IF_ERROR(CheckClientType(client, types));
  }
  return absl::OkStatus();
}

}  // namespace gatehouse::tenants

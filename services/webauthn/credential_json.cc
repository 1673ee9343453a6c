#include "services/webauthn/credential_json.h"

#include <algorithm>
#include <utility>

#include "libs/base/problem.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/crypto/bytes.h"

namespace gatehouse::webauthn {
namespace {

constexpr std::string_view kPublicKey = "public-key";

// There are seven registered transports; the column has room for more.
constexpr size_t kMaxTransports = 32;
constexpr size_t kMaxTransportBytes = 64;
constexpr size_t kMaxNameBytes = 64;  // of a type that is repeated in an error

absl::Status Bad(const std::string& why) { return absl::InvalidArgumentError(why); }

absl::StatusOr<std::string> DecodeMember(const json::Value& object, std::string_view name) {
  const auto text = object.FindString(name);
  if (!text.has_value() || text->find_first_of("+/") != std::string_view::npos) {
    return Bad(StrCat("The response has no ", name, " in base64url"));
  }
  absl::StatusOr<std::string> bytes = crypto::Base64Decode(*text);
  if (!bytes.ok()) return Bad(StrCat("The response has no ", name, " in base64url"));
  return bytes;
}

absl::StatusOr<const json::Value*> FindResponse(const json::Value& credential) {
  const json::Value* response = credential.Find("response");
  if (response == nullptr || response->is_null()) {
    return BadInput(Problem::kMissing, "The credential has no response", {{"field", "response"}});
  }
  if (!response->is_object()) return Bad("The response is no object");
  return response;
}

}  // namespace

absl::StatusOr<CredentialHead> ReadCredentialHead(const json::Value& credential) {
  CredentialHead head;
  const json::Value* id = credential.Find("id");
  if (id == nullptr || !id->is_string()) return Bad("credential id is missing!");
  head.id = std::string(*id->AsString());
  if (head.id.empty()) return Bad("credential id is empty!");
  absl::StatusOr<std::string> raw_id = crypto::Base64Decode(head.id);
  if (!raw_id.ok() || head.id.find_first_of("+/") != std::string::npos) {
    return Bad("Credential ID has to be base64 url encoded");
  }
  head.raw_id = *std::move(raw_id);
  const json::Value* type = credential.Find("type");
  if (type == nullptr || !type->is_string()) return Bad("credential type is missing!");
  const std::string_view name = *type->AsString();
  if (name.empty()) return Bad("credential type is empty!");
  const bool is_public_key =
      std::equal(name.begin(), name.end(), kPublicKey.begin(), kPublicKey.end(),
                 [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; });
  if (!is_public_key) {
    if (name.size() > kMaxNameBytes) return Bad("not supported credential type");
    return Bad(StrCat("not supported credential type: '", name, "'"));
  }
  return head;
}

absl::StatusOr<RegistrationResponse> ReadRegistrationResponse(const json::Value& credential) {
  ASSIGN_OR_RETURN(const json::Value* response, FindResponse(credential));
  RegistrationResponse read;
  ASSIGN_OR_RETURN(read.client_data, DecodeMember(*response, "clientDataJSON"));
  ASSIGN_OR_RETURN(read.attestation_object, DecodeMember(*response, "attestationObject"));
  json::Value transports = json::Value::Array();
  if (const json::Value* given = response->Find("transports"); given && !given->is_null()) {
    if (!given->is_array() || given->size() > kMaxTransports) {
      return Bad("The transports are no short list");
    }
    for (const json::Value& one : given->elements()) {
      if (!one.is_string() || one.AsString()->size() > kMaxTransportBytes ||
          one.AsString()->find('\0') != std::string_view::npos) {
        return Bad("The transports are no short list of names");
      }
      const json::Array& known = transports.elements();
      if (std::find(known.begin(), known.end(), one) == known.end()) transports.Append(one);
    }
  }
  read.transports = json::Serialize(transports);
  return read;
}

absl::StatusOr<AssertionResponse> ReadAssertionResponse(const json::Value& credential) {
  ASSIGN_OR_RETURN(const json::Value* response, FindResponse(credential));
  AssertionResponse read;
  ASSIGN_OR_RETURN(read.client_data, DecodeMember(*response, "clientDataJSON"));
  ASSIGN_OR_RETURN(read.authenticator_data, DecodeMember(*response, "authenticatorData"));
  ASSIGN_OR_RETURN(read.signature, DecodeMember(*response, "signature"));
  if (const json::Value* raw_id = credential.Find("rawId"); raw_id && !raw_id->is_null()) {
    ASSIGN_OR_RETURN(read.raw_id, DecodeMember(credential, "rawId"));
    read.has_raw_id = true;
  }
  return read;
}

}  // namespace gatehouse::webauthn

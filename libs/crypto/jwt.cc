#include "libs/crypto/jwt.h"

#include "libs/base/status.h"
#include "libs/crypto/bytes.h"

namespace gatehouse::crypto {
namespace {

// Base64 of {"alg":"RS256","typ":"JWT","version":"1"}, and the same with "2".
constexpr std::string_view kLegacyHeaderV1 =
    "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCIsInZlcnNpb24iOiIxIn0=";
constexpr std::string_view kLegacyHeaderV2 =
    "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCIsInZlcnNpb24iOiIyIn0=";

}  // namespace

absl::StatusOr<std::string> EncodeJwt(std::string_view header_json, std::string_view payload_json,
                                      const RsaKeyPair& key) {
  std::string token = Base64UrlEncode(header_json);
  token += '.';
  token += Base64UrlEncode(payload_json);
  ASSIGN_OR_RETURN(const std::string signature, key.SignSha256(token));
  token += '.';
  token += Base64UrlEncode(signature);
  return token;
}

absl::StatusOr<std::string> EncodeLegacyJwt(LegacyTokenVersion version,
                                            std::string_view payload_json, const RsaKeyPair& key) {
  std::string token(version == LegacyTokenVersion::kV1 ? kLegacyHeaderV1 : kLegacyHeaderV2);
  token += '.';
  token += Base64Encode(payload_json);
  ASSIGN_OR_RETURN(const std::string signature, key.SignSha256(token));
  token += '.';
  token += Base64Encode(signature);
  return token;
}

absl::StatusOr<JwtParts> SplitJwt(std::string_view token) {
  const size_t first = token.find('.');
  const size_t second =
      first == std::string_view::npos ? std::string_view::npos : token.find('.', first + 1);
  if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos) {
    return absl::InvalidArgumentError("a token has three parts");
  }
  JwtParts parts;
  parts.header = token.substr(0, first);
  parts.payload = token.substr(first + 1, second - first - 1);
  parts.signature = token.substr(second + 1);
  parts.signed_text = token.substr(0, second);
  parts.whole = token;
  if (parts.header.empty() || parts.payload.empty() || parts.signature.empty()) {
    return absl::InvalidArgumentError("a part of the token is empty");
  }
  return parts;
}

std::optional<LegacyTokenVersion> LegacyVersionOf(const JwtParts& parts) {
  if (parts.header == kLegacyHeaderV1) return LegacyTokenVersion::kV1;
  if (parts.header == kLegacyHeaderV2) return LegacyTokenVersion::kV2;
  return std::nullopt;
}

absl::StatusOr<std::string> DecodeJwtPart(std::string_view part) { return Base64Decode(part); }

bool VerifyJwtSignature(const JwtParts& parts, const RsaPublicKey& key) {
  const absl::StatusOr<std::string> signature = Base64Decode(parts.signature);
  return signature.ok() && key.VerifySha256(parts.signed_text, *signature);
}

}  // namespace gatehouse::crypto

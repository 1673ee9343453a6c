#include "services/passwordless/code_secrets.h"

#include "libs/base/problem.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/crypto/bytes.h"
#include "libs/crypto/digest.h"

namespace gatehouse::passwordless {
namespace {

constexpr int kDigits = 6;

// crypto's decoder accepts either alphabet; the original's does not.
absl::StatusOr<std::string> Decode(std::string_view field, std::string_view text,
                                   std::string_view other_alphabet) {
  absl::StatusOr<std::string> bytes = crypto::Base64Decode(text);
  if (!bytes.ok() || text.find_first_of(other_alphabet) != std::string_view::npos) {
    return BadInput(Problem::kMalformed, StrCat("Input encoding error in ", field),
                    {{"field", std::string(field)}});
  }
  return bytes;
}

}  // namespace

absl::StatusOr<std::string> DecodeBase64(std::string_view field, std::string_view text) {
  return Decode(field, text, "-_");
}

absl::StatusOr<std::string> DecodeBase64Url(std::string_view field, std::string_view text) {
  return Decode(field, text, "+/");
}

std::string DeviceIdHash(std::string_view device_id_bytes) {
  return crypto::Base64UrlEncode(crypto::Sha256(device_id_bytes));
}

std::string LinkCodeBytes(std::string_view device_id_bytes, std::string_view salt_bytes,
                          std::string_view user_input_code) {
  return crypto::HmacSha256(StrCat(device_id_bytes, salt_bytes), user_input_code);
}

std::string LinkCodeHash(std::string_view link_code_bytes) {
  return crypto::Base64UrlEncodePadded(crypto::Sha256(link_code_bytes));
}

std::string NewUserInputCode() {
  std::string code;
  while (code.size() < kDigits) {
    const auto byte = static_cast<unsigned char>(crypto::RandomBytes(1)[0]);
    if (byte < 250) code += static_cast<char>('0' + byte % 10);  // 250: no digit is favoured
  }
  return code;
}

}  // namespace gatehouse::passwordless

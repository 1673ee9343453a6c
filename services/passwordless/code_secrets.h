#pragma once

// How device ids and codes are related, byte for byte as in the original (formats.md 6.3).

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace gatehouse::passwordless {

inline constexpr size_t kSecretBytes = 32;  // of a device id, and of a salt

// Decodes standard Base64; BAD_INPUT `Input encoding error in <field>`.
absl::StatusOr<std::string> DecodeBase64(std::string_view field, std::string_view text);
// The same for the URL-safe alphabet.
absl::StatusOr<std::string> DecodeBase64Url(std::string_view field, std::string_view text);

// A device's id as in the database and, as pre-auth session id, in clients: 43 characters.
std::string DeviceIdHash(std::string_view device_id_bytes);

// The code in the link. It needs the salt, which only the server has, so that nobody with the
// device id can compute the links of all typed codes.
std::string LinkCodeBytes(std::string_view device_id_bytes, std::string_view salt_bytes,
                          std::string_view user_input_code);
// Its form in the database: 44 characters.
std::string LinkCodeHash(std::string_view link_code_bytes);

// Six random digits, uniformly distributed.
std::string NewUserInputCode();

}  // namespace gatehouse::passwordless

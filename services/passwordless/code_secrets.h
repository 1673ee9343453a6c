#pragma once

// How device ids and codes hang together, byte for byte as the original has them (formats.md 6.3).

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace gatehouse::passwordless {

inline constexpr size_t kSecretBytes = 32;  // of a device id, and of a salt

// Decodes standard Base64; BAD_INPUT `Input encoding error in <field>`.
absl::StatusOr<std::string> DecodeBase64(std::string_view field, std::string_view text);
// The same for the alphabet of URLs.
absl::StatusOr<std::string> DecodeBase64Url(std::string_view field, std::string_view text);

// A device's id as the database and, as its pre-auth session id, clients know it: 43 characters.
std::string DeviceIdHash(std::string_view device_id_bytes);

// What the link holds. Without the salt, which only the server has, nobody with the device id could
// try all typed codes for the one that gives a link that works.
std::string LinkCodeBytes(std::string_view device_id_bytes, std::string_view salt_bytes,
                          std::string_view user_input_code);
// As it stands in the database: 44 characters.
std::string LinkCodeHash(std::string_view link_code_bytes);

// Six random digits, each as likely as the others.
std::string NewUserInputCode();

}  // namespace gatehouse::passwordless

#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace gatehouse::crypto {

enum class AesMode { kCbc, kGcm };

// What AES made `data` of, in the forms of XML Encryption 1.1 (5.2.2 and 5.2.4): the
// initialization vector (16 bytes in CBC, 12 in GCM), the encrypted text, and in GCM the tag of 16
// bytes; in CBC the last byte of the text says how many were added to fill its last block. The key
// has 16 or 32 bytes. nullopt whatever is wrong: callers must not tell apart why, which in CBC
// would open texts to whoever may try (a padding oracle). Thread-safe.
std::optional<std::string> DecryptAes(AesMode mode, std::string_view key, std::string_view data);

}  // namespace gatehouse::crypto

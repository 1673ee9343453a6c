#pragma once

// Base32 (RFC 4648 section 6), as the secrets of devices are written. Libraries at hand (liboath)
// refuse what the original accepts and has stored.

#include <string>
#include <string_view>

namespace gatehouse::crypto {

// Without padding.
std::string Base32Encode(std::string_view bytes);

// Reads what the original reads, in the same way, so that the codes of every stored secret come out
// the same: either case; characters outside the alphabet are skipped; what follows the first '=' is
// not read; of a length that no encoder makes, the bits that are there count.
std::string Base32Decode(std::string_view text);

}  // namespace gatehouse::crypto

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace gatehouse {

// Appends a code point, at most 0x10FFFF.
void AppendUtf8(uint32_t code_point, std::string& out);

// What PostgreSQL counts for a column of VARCHAR(n): code points of a valid UTF-8 text.
size_t CountCharacters(std::string_view utf8);
// What Java counts, UTF-16's units: two for a code point beyond 0xFFFF.
size_t Utf16Length(std::string_view utf8);

}  // namespace gatehouse

#pragma once

#include <cstdint>
#include <string>

namespace gatehouse {

// Appends a code point, at most 0x10FFFF.
void AppendUtf8(uint32_t code_point, std::string& out);

}  // namespace gatehouse

#include "libs/base/utf8.h"

#include <algorithm>

namespace gatehouse {

void AppendUtf8(uint32_t code_point, std::string& out) {
  const auto follow = [&](int shift) {
    out += static_cast<char>(0x80 | ((code_point >> shift) & 0x3F));
  };
  if (code_point < 0x80) {
    out += static_cast<char>(code_point);
  } else if (code_point < 0x800) {
    out += static_cast<char>(0xC0 | (code_point >> 6));
    follow(0);
  } else if (code_point < 0x10000) {
    out += static_cast<char>(0xE0 | (code_point >> 12));
    follow(6);
    follow(0);
  } else {
    out += static_cast<char>(0xF0 | (code_point >> 18));
    follow(12);
    follow(6);
    follow(0);
  }
}

size_t CountCharacters(std::string_view utf8) {
  return static_cast<size_t>(std::count_if(utf8.begin(), utf8.end(), [](unsigned char byte) {
    return (byte & 0xC0) != 0x80;  // no continuation
  }));
}

size_t Utf16Length(std::string_view utf8) {
  const auto pairs = std::count_if(utf8.begin(), utf8.end(),
                                   [](unsigned char byte) { return byte >= 0xF0; });
  return CountCharacters(utf8) + static_cast<size_t>(pairs);
}

}  // namespace gatehouse

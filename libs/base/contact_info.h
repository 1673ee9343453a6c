#pragma once

#include <string>
#include <string_view>

namespace gatehouse {

// Trimmed and lower-cased (lower_case.h), like every stored email.
std::string NormaliseEmail(std::string_view email);

// A phone number as it is stored: E.164 (`+14155550001`) for text that libphonenumber reads as an
// international number, however it is punctuated, and the trimmed text for anything else.
// Thread-safe.
std::string NormalisePhoneNumber(std::string_view text);

}  // namespace gatehouse

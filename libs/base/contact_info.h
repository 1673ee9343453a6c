#pragma once

#include <string>
#include <string_view>

namespace gatehouse {

// Trimmed and lower-cased, as every stored email is. Capitals outside of Latin, Greek and Cyrillic
// stay.
std::string NormaliseEmail(std::string_view email);

// A phone number as it is stored: E.164 (`+14155550001`) for text that is an international number
// however it is punctuated, and the trimmed text for anything else. The country's calling code must
// exist (ITU-T E.164); national numbering plans are not looked at.
std::string NormalisePhoneNumber(std::string_view text);

}  // namespace gatehouse

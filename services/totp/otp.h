#pragma once

// The codes themselves: HOTP (RFC 4226) and TOTP (RFC 6238), with HMAC-SHA-1. Pure functions.

#include <cstdint>
#include <string>
#include <string_view>

namespace gatehouse::totp {

// `digits` decimal digits, 6 to 8.
std::string Hotp(std::string_view key, uint64_t counter, int digits);

inline constexpr int kCodeDigits = 6;
// More would let one request compute for hours; the original sets no limit.
inline constexpr int kMaxSkew = 1000;

// Whether `code` is that of the period which `now_ms` is in, or of one that is at most `skew`, but
// never more than kMaxSkew, periods away. `period_s` > 0, `skew` >= 0. The time that it takes
// depends on neither the code nor the key's bytes.
bool IsCodeOf(std::string_view key, int32_t period_s, int32_t skew, int64_t now_ms,
              std::string_view code);

// For how long a code can be accepted: the periods on both sides, and its own. In milliseconds.
int64_t CodeLifetimeMs(int32_t period_s, int32_t skew);

}  // namespace gatehouse::totp

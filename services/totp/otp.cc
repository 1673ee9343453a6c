#include "services/totp/otp.h"

#include <algorithm>
#include <array>

#include "libs/crypto/bytes.h"
#include "libs/crypto/digest.h"

namespace gatehouse::totp {

std::string Hotp(std::string_view key, uint64_t counter, int digits) {
  std::array<char, 8> message;
  for (int i = 7; i >= 0; --i, counter >>= 8) message[i] = static_cast<char>(counter);
  const std::string mac = crypto::HmacSha1(key, {message.data(), message.size()});
  const auto byte = [&mac](size_t i) {
    return static_cast<uint32_t>(static_cast<uint8_t>(mac[i]));
  };
  const size_t offset = byte(mac.size() - 1) & 15;
  uint32_t number = (byte(offset) & 0x7f) << 24 | byte(offset + 1) << 16 | byte(offset + 2) << 8 |
                    byte(offset + 3);
  std::string code(digits, '0');
  for (auto digit = code.rbegin(); digit != code.rend(); ++digit, number /= 10) {
    *digit = static_cast<char>('0' + number % 10);
  }
  return code;
}

bool IsCodeOf(std::string_view key, int32_t period_s, int32_t skew, int64_t now_ms,
              std::string_view code) {
  const int64_t period = now_ms / (int64_t{period_s} * 1000);
  const int64_t reach = std::min(skew, kMaxSkew);
  bool matches = false;
  for (int64_t counter = std::max<int64_t>(0, period - reach); counter <= period + reach;
       ++counter) {
    // All of them, whatever matches: the time tells nothing.
    const std::string expected = Hotp(key, static_cast<uint64_t>(counter), kCodeDigits);
    matches |= crypto::ConstantTimeEqual(expected, code);
  }
  return matches;
}

int64_t CodeLifetimeMs(int32_t period_s, int32_t skew) {
  return int64_t{period_s} * 1000 * (2 * int64_t{std::min(skew, kMaxSkew)} + 1);
}

}  // namespace gatehouse::totp

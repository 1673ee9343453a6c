#include "gateway/routes/go_duration.h"

#include <array>
#include <limits>
#include <utility>

#include "absl/strings/ascii.h"

namespace gatehouse::gateway {
namespace {

constexpr int64_t kMicrosecond = 1000;
constexpr int64_t kMillisecond = 1000 * kMicrosecond;
constexpr int64_t kSecond = 1000 * kMillisecond;
constexpr int64_t kMinute = 60 * kSecond;
constexpr int64_t kHour = 60 * kMinute;

// Both ways to write the micro sign.
constexpr std::array<std::pair<std::string_view, int64_t>, 8> kUnits = {{{"ns", 1},
                                                                         {"us", kMicrosecond},
                                                                         {"\u00B5s", kMicrosecond},
                                                                         {"\u03BCs", kMicrosecond},
                                                                         {"ms", kMillisecond},
                                                                         {"s", kSecond},
                                                                         {"m", kMinute},
                                                                         {"h", kHour}}};

bool IsDigit(char c) { return absl::ascii_isdigit(c); }

std::optional<int64_t> UnitOf(std::string_view name) {
  for (const auto& [unit, size] : kUnits) {
    if (unit == name) return size;
  }
  return std::nullopt;
}

// `value` of `unit`, without the zeros at the end of the fraction.
std::string WithFraction(int64_t value, int64_t unit, std::string_view name) {
  std::string text = std::to_string(value / unit);
  if (int64_t rest = value % unit; rest != 0) {
    text += '.';
    for (int64_t digit = unit / 10; rest != 0; digit /= 10) {
      text += static_cast<char>('0' + rest / digit);
      rest %= digit;
    }
  }
  return text.append(name);
}

}  // namespace

std::optional<int64_t> ParseGoDuration(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  if (text == "0") return 0;
  if (text.empty()) return std::nullopt;
  __int128 total = 0;
  while (!text.empty()) {
    __int128 whole = 0;
    __int128 fraction = 0;
    __int128 scale = 1;
    size_t i = 0;
    size_t digits = 0;
    for (; i < text.size() && IsDigit(text[i]); ++i, ++digits) {
      whole = whole * 10 + (text[i] - '0');
      if (whole > std::numeric_limits<int64_t>::max()) return std::nullopt;
    }
    if (i < text.size() && text[i] == '.') {
      for (++i; i < text.size() && IsDigit(text[i]); ++i, ++digits) {
        // Digits beyond these can't be told from zero.
        if (scale > static_cast<__int128>(kHour) * kSecond) continue;
        fraction = fraction * 10 + (text[i] - '0');
        scale *= 10;
      }
    }
    if (digits == 0) return std::nullopt;
    size_t end = i;
    while (end < text.size() && text[end] != '.' && !IsDigit(text[end])) ++end;
    const std::optional<int64_t> unit = UnitOf(text.substr(i, end - i));
    if (!unit.has_value()) return std::nullopt;
    total += whole * *unit + fraction * *unit / scale;
    if (total > std::numeric_limits<int64_t>::max()) return std::nullopt;
    text.remove_prefix(end);
  }
  return static_cast<int64_t>(negative ? -total : total);
}

std::string FormatGoDuration(int64_t nanoseconds) {
  if (nanoseconds == 0) return "0s";
  if (nanoseconds == std::numeric_limits<int64_t>::min()) return "-2562047h47m16.854775808s";
  if (nanoseconds < 0) return "-" + FormatGoDuration(-nanoseconds);
  if (nanoseconds < kMicrosecond) return std::to_string(nanoseconds) + "ns";
  if (nanoseconds < kMillisecond) return WithFraction(nanoseconds, kMicrosecond, "\u00B5s");
  if (nanoseconds < kSecond) return WithFraction(nanoseconds, kMillisecond, "ms");
  std::string text;
  if (nanoseconds >= kHour) text += std::to_string(nanoseconds / kHour) + "h";
  if (nanoseconds >= kMinute) text += std::to_string(nanoseconds % kHour / kMinute) + "m";
  return text + WithFraction(nanoseconds % kMinute, kSecond, "s");
}

}  // namespace gatehouse::gateway

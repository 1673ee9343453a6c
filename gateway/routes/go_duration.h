#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gatehouse::gateway {

// Durations as OAuth clients have them, those of the Go language: "1h30m0s", "1.5s", "100ms".
// Nanoseconds; nullopt for what is no duration, or none that 64 bits hold. absl::ParseDuration
// knows no micro sign and takes "inf", and absl::FormatDuration writes "1h30m": clients compare.
std::optional<int64_t> ParseGoDuration(std::string_view text);
std::string FormatGoDuration(int64_t nanoseconds);

}  // namespace gatehouse::gateway

#include "libs/base/call_context.h"

#include <algorithm>

#include "absl/strings/ascii.h"

namespace gatehouse {
namespace {

constexpr size_t kMaxRequestIdLength = 64;
// version-trace id-parent id-flags, each in hexadecimal digits.
constexpr size_t kTraceIdAt = 3;
constexpr size_t kParentIdAt = 36;
constexpr size_t kFlagsAt = 53;
constexpr size_t kTraceparentLength = 55;

thread_local const CallContext* t_current = nullptr;

bool IsLowerHex(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool IsZero(std::string_view text) { return text.find_first_not_of('0') == std::string_view::npos; }

}  // namespace

bool IsHarmlessRequestId(std::string_view id) {
  return !id.empty() && id.size() <= kMaxRequestIdLength &&
         std::all_of(id.begin(), id.end(), [](char c) {
           return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' ||
                  c == '.';
         });
}

std::optional<std::string> ParseTraceparent(std::string_view header) {
  if (header.size() < kTraceparentLength) return std::nullopt;
  const std::string_view version = header.substr(0, 2);
  const std::string_view trace_id = TraceIdOf(header);
  const std::string_view parent_id = header.substr(kParentIdAt, kFlagsAt - kParentIdAt - 1);
  const std::string_view flags = header.substr(kFlagsAt, 2);
  const bool well_formed = IsLowerHex(version) && header[2] == '-' && IsLowerHex(trace_id) &&
                           header[kParentIdAt - 1] == '-' && IsLowerHex(parent_id) &&
                           header[kFlagsAt - 1] == '-' && IsLowerHex(flags);
  if (!well_formed || version == "ff" || IsZero(trace_id) || IsZero(parent_id)) {
    return std::nullopt;
  }
  if (header.size() > kTraceparentLength &&
      (version == "00" || header[kTraceparentLength] != '-')) {
    return std::nullopt;
  }
  std::string parsed(header.substr(0, kTraceparentLength));
  parsed[0] = parsed[1] = '0';
  return parsed;
}

std::string_view TraceIdOf(std::string_view traceparent) {
  if (traceparent.empty()) return "";
  return traceparent.substr(kTraceIdAt, kParentIdAt - kTraceIdAt - 1);
}

CallScope::CallScope(const CallContext& context) : before_(t_current) { t_current = &context; }
CallScope::~CallScope() { t_current = before_; }

const CallContext* CallScope::Current() { return t_current; }

}  // namespace gatehouse

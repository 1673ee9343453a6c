#include "libs/telemetry/log.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "libs/base/call_context.h"

namespace gatehouse::telemetry {
namespace {

// Made once and never destroyed: threads may log while the process ends.
LogOptions& Options() {
  static auto* options = new LogOptions();
  return *options;
}

std::atomic<LogLevel> least_severe = LogLevel::kInfo;

constexpr std::array<std::string_view, 5> kLevelNames = {"debug", "info", "warn", "error", "none"};

void WriteLine(const std::string& line) {
  size_t written = 0;
  while (written < line.size()) {
    const ssize_t n =
        write(Options().file_descriptor, line.data() + written, line.size() - written);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;  // nowhere left to report it
    written += static_cast<size_t>(n);
  }
}

// The request that the thread works for.
std::vector<std::pair<std::string_view, std::string_view>> OfRequest() {
  const CallContext* const context = CallScope::Current();
  if (context == nullptr) return {};
  std::vector<std::pair<std::string_view, std::string_view>> fields;
  if (!context->request_id.empty()) fields.emplace_back("request_id", context->request_id);
  const std::string_view trace_id = TraceIdOf(context->traceparent);
  if (!trace_id.empty()) fields.emplace_back("trace_id", trace_id);
  return fields;
}

// A value can neither break the line nor reach the terminal as anything but text.
std::string PlainText(const json::Value& value) {
  const auto text = value.AsString();
  const bool is_word = text && !text->empty() &&
                       std::all_of(text->begin(), text->end(), [](unsigned char c) {
                         return c > ' ' && c < 0x7f && c != '"';
                       });
  return is_word ? std::string(*text) : json::Serialize(value);
}

}  // namespace

void ConfigureLog(LogOptions options) {
  Options() = std::move(options);
  SetLogLevel(Options().level);
}

void SetLogLevel(LogLevel level) { least_severe.store(level, std::memory_order_relaxed); }

bool LogEnabled(LogLevel level) {
  const LogLevel least = least_severe.load(std::memory_order_relaxed);
  return level >= least && least != LogLevel::kNone;
}

void Log(LogLevel level, std::string_view event,
         std::initializer_list<std::pair<std::string_view, json::Value>> fields) {
  if (!LogEnabled(level)) return;
  const std::string time = absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", absl::Now(),
                                            absl::UTCTimeZone());
  const std::string_view level_name = kLevelNames[static_cast<size_t>(level)];
  std::string line;
  if (Options().json) {
    json::Value object = json::Value::Object();
    object.Set("time", time);
    object.Set("level", level_name);
    object.Set("process", Options().process);
    object.Set("event", event);
    for (const auto& [key, value] : OfRequest()) object.Set(std::string(key), value);
    for (const auto& [key, value] : fields) object.Set(std::string(key), value);
    line = json::Serialize(object);
  } else {
    line.append(time).append(" ").append(level_name).append(" ").append(event);
    const auto append = [&line](std::string_view key, const json::Value& value) {
      line.append(" ").append(key).append("=").append(PlainText(value));
    };
    for (const auto& [key, value] : OfRequest()) append(key, std::string(value));
    for (const auto& [key, value] : fields) append(key, value);
  }
  line.push_back('\n');
  WriteLine(line);
}

}  // namespace gatehouse::telemetry

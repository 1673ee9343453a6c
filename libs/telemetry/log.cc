#include "libs/telemetry/log.h"

#include <unistd.h>

#include <array>
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

std::string PlainText(const json::Value& value) {
  if (auto text = value.AsString()) return std::string(*text);
  return json::Serialize(value);
}

}  // namespace

void ConfigureLog(LogOptions options) { Options() = std::move(options); }

bool LogEnabled(LogLevel level) {
  return level >= Options().level && Options().level != LogLevel::kNone;
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

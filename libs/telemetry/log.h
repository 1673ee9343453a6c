#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "libs/base/json.h"

namespace gatehouse::telemetry {

enum class LogLevel { kDebug, kInfo, kWarn, kError, kNone };

struct LogOptions {
  LogLevel level = LogLevel::kInfo;
  bool json = true;       // one JSON object per line; otherwise `time level event key=value`, with
                          // values in quotes where they are not plain words
  std::string process;    // "gatehouse", "session", ...: in every line
  int file_descriptor = 2;
};

// Process-wide; set once before threads start.
void ConfigureLog(LogOptions options);
// May be called at any time.
void SetLogLevel(LogLevel level);
bool LogEnabled(LogLevel level);

// Writes one line with one write call. `fields` never hold tokens, passwords, emails, phone numbers
// or anything else that a client sent as content. If the thread works for a request (CallScope),
// its id and its trace's are in the line too. Thread-safe.
void Log(LogLevel level, std::string_view event,
         std::initializer_list<std::pair<std::string_view, json::Value>> fields = {});

}  // namespace gatehouse::telemetry

#include "libs/telemetry/fault.h"

#include <string>
#include <utility>

#include "libs/base/status.h"
#include "libs/telemetry/log.h"

namespace gatehouse::telemetry {

void LogFaultOnce(absl::Status& status, std::string_view event, std::string_view where) {
  if (!IsFault(status) || IsLogged(status)) return;
  std::string cause = CauseOf(status);
  if (cause.empty()) cause = std::string(status.message());
  Log(LogLevel::kError, event, {{"where", where}, {"cause", std::move(cause)}});
  MarkLogged(status);
}

}  // namespace gatehouse::telemetry

#include "libs/porting/converter.h"

#include <utility>

#include "libs/base/strings.h"
#include "libs/porting/formats.h"

namespace gatehouse::porting {
namespace {

using Layout = Records::Layout;

absl::StatusOr<ConvertFunction> MakeGatehouse(const ConvertOptions& /*options*/) {
  // The server judges it.
  return [](const json::Value& record) { return Converted{.user = record}; };
}

constexpr Format kFormats[] = {
    {"gatehouse", Layout::kLines, "", MakeGatehouse},
    {"auth0", Layout::kLines, "", MakeAuth0},
    {"firebase", Layout::kArray, "users", MakeFirebase},
    {"cognito", Layout::kArray, "Users", MakeCognito},
    {"keycloak", Layout::kArray, "users", MakeKeycloak},
};

}  // namespace

absl::StatusOr<Format> FindFormat(std::string_view name, std::string_view path) {
  for (Format format : kFormats) {
    if (format.name != name) continue;
    if (name == "cognito" && path.ends_with(".csv")) format.layout = Layout::kCsv;
    return format;
  }
  return absl::InvalidArgumentError(
      StrCat("--from must be gatehouse, auth0, firebase, cognito or keycloak, not '", name, "'"));
}

Converted ConvertRecord(const ConvertFunction& convert, std::string_view text) {
  Converted failed;
  const absl::StatusOr<json::Value> record = json::Parse(text);
  if (!record.ok()) {
    failed.problems.push_back(StrCat("no JSON: ", record.status().message()));
    return failed;
  }
  if (!record->is_object()) {
    failed.problems.push_back("no JSON object");
    return failed;
  }
  return convert(*record);
}

}  // namespace gatehouse::porting

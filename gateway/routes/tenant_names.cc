#include "gateway/routes/tenant_names.h"

#include <algorithm>
#include <array>

#include "absl/strings/ascii.h"
#include "gateway/json_input.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"

namespace gatehouse::gateway {
namespace {

// Words that a path could not distinguish from a tenant.
constexpr std::array<std::string_view, 4> kReservedTenantIds = {"recipe", "config", "users",
                                                                "hello"};

std::string TrimmedLower(std::string_view text) {
  std::string lower(JavaTrim(text));
  absl::AsciiStrToLower(&lower);
  return lower;
}

bool IsIdCharacter(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

absl::Status CheckId(const std::string& id, std::string_view what) {
  if (id.starts_with("appid-")) {
    return BadInput(StrCat(what, " must not start with 'appid-'"));
  }
  if (!std::all_of(id.begin(), id.end(), IsIdCharacter)) {
    return BadInput(StrCat(what, " can only contain letters, numbers and hyphens"));
  }
  return absl::OkStatus();
}

// One or more labels of id characters, joined by single dots. IPv4 addresses have this form too.
bool IsHostName(std::string_view host) {
  bool label_empty = true;
  for (const char c : host) {
    if (c == '.') {
      if (label_empty) return false;
      label_empty = true;
    } else if (IsIdCharacter(c)) {
      label_empty = false;
    } else {
      return false;
    }
  }
  return !label_empty;
}

}  // namespace

absl::StatusOr<std::string> NormaliseConnectionUriDomain(std::string_view text) {
  std::string domain = TrimmedLower(text);
  if (domain.empty()) return BadInput("connectionUriDomain should not be an empty String");
  if (const size_t colon = domain.find(':'); colon != std::string::npos) {
    const std::string_view port = std::string_view(domain).substr(colon + 1);
    if (port.empty() || port.size() > 10 || !std::all_of(port.begin(), port.end(), IsDigit)) {
      return BadInput("connectionUriDomain is invalid");
    }
    domain.resize(colon);
  }
  if (!IsHostName(domain)) {
    return BadInput("connectionUriDomain is invalid");
  }
  return domain;
}

absl::StatusOr<std::string> NormaliseAppId(std::string_view text) {
  std::string id = TrimmedLower(text);
  if (id.empty()) return BadInput("appId should not be an empty String");
  RETURN_IF_ERROR(CheckId(id, "appId"));
  return id;
}

absl::StatusOr<std::string> NormaliseTenantId(std::string_view text) {
  std::string id = TrimmedLower(text);
  if (id.empty()) return BadInput("tenantId should not be an empty String");
  if (std::find(kReservedTenantIds.begin(), kReservedTenantIds.end(), id) !=
      kReservedTenantIds.end()) {
    return BadInput(StrCat("Cannot use '", id, "' as a tenantId"));
  }
  RETURN_IF_ERROR(CheckId(id, "tenantId"));
  return id;
}

}  // namespace gatehouse::gateway

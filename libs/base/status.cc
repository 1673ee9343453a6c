#include "libs/base/status.h"

#include <array>
#include <charconv>

#include "absl/strings/cord.h"

namespace gatehouse {
namespace {

// Key of the status payload that holds the reason's number.
constexpr std::string_view kReasonPayload = "gatehouse/reason";
constexpr char kCausePayload[] = "gatehouse/cause";
constexpr char kLoggedPayload[] = "gatehouse/logged";

struct ReasonRow {
  ErrorReason reason;
  std::string_view name;
  absl::StatusCode code;
};

constexpr std::array kReasons = {
    ReasonRow{ErrorReason::kUnspecified, "UNSPECIFIED", absl::StatusCode::kUnknown},
    ReasonRow{ErrorReason::kBadInput, "BAD_INPUT", absl::StatusCode::kInvalidArgument},
    ReasonRow{ErrorReason::kTenantNotFound, "TENANT_NOT_FOUND", absl::StatusCode::kNotFound},
    ReasonRow{ErrorReason::kForbidden, "FORBIDDEN", absl::StatusCode::kPermissionDenied},
    ReasonRow{ErrorReason::kNotSupported, "NOT_SUPPORTED", absl::StatusCode::kUnimplemented},
    ReasonRow{ErrorReason::kOverloaded, "OVERLOADED", absl::StatusCode::kResourceExhausted},
    ReasonRow{ErrorReason::kDeadlineExceeded, "DEADLINE_EXCEEDED",
              absl::StatusCode::kDeadlineExceeded},
    ReasonRow{ErrorReason::kDependencyDown, "DEPENDENCY_DOWN", absl::StatusCode::kUnavailable},
    ReasonRow{ErrorReason::kCallerNotAllowed, "CALLER_NOT_ALLOWED",
              absl::StatusCode::kPermissionDenied},
    ReasonRow{ErrorReason::kInternal, "INTERNAL", absl::StatusCode::kInternal},
    ReasonRow{ErrorReason::kUnauthenticated, "UNAUTHENTICATED", absl::StatusCode::kUnauthenticated},
    ReasonRow{ErrorReason::kNotFound, "NOT_FOUND", absl::StatusCode::kNotFound},
};

const ReasonRow& RowOf(ErrorReason reason) {
  for (const ReasonRow& row : kReasons) {
    if (row.reason == reason) return row;
  }
  return kReasons.front();
}

}  // namespace

std::string_view ErrorReasonName(ErrorReason reason) { return RowOf(reason).name; }

absl::Status MakeError(ErrorReason reason, std::string_view message) {
  absl::Status status(RowOf(reason).code, absl::string_view(message.data(), message.size()));
  status.SetPayload(absl::string_view(kReasonPayload.data(), kReasonPayload.size()),
                    absl::Cord(std::to_string(static_cast<int>(reason))));
  return status;
}

ErrorReason ReasonOf(const absl::Status& status) {
  auto payload =
      status.GetPayload(absl::string_view(kReasonPayload.data(), kReasonPayload.size()));
  if (!payload.has_value()) return ErrorReason::kUnspecified;
  const std::string text(*payload);
  int number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return RowOf(static_cast<ErrorReason>(number)).reason;
}

bool IsFault(const absl::Status& status) {
  if (status.ok()) return false;
  const ErrorReason reason = ReasonOf(status);
  return reason == ErrorReason::kUnspecified || reason == ErrorReason::kInternal;
}

absl::Status WithCause(absl::Status status, std::string_view cause) {
  status.SetPayload(kCausePayload, absl::Cord(absl::string_view(cause.data(), cause.size())));
  return status;
}

std::string CauseOf(const absl::Status& status) {
  const auto payload = status.GetPayload(kCausePayload);
  return payload.has_value() ? std::string(*payload) : std::string();
}

void MarkLogged(absl::Status& status) {
  if (!status.ok()) status.SetPayload(kLoggedPayload, absl::Cord());
}

bool IsLogged(const absl::Status& status) { return status.GetPayload(kLoggedPayload).has_value(); }

}  // namespace gatehouse

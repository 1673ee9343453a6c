#include "gateway/api/http_errors.h"

#include <string>

#include "libs/base/problem.h"
#include "libs/base/status.h"

namespace gatehouse::gateway {
namespace {

// In a second, unless the service says when.
Reply RetryLater(int code, const absl::Status& status) {
  Reply reply = TextReply(code, std::string(status.message()));
  const ProblemMetadata metadata = MetadataOf(status);
  const auto after = metadata.find("retry_after_s");
  reply.headers.emplace_back("Retry-After", after == metadata.end() ? "1" : after->second);
  return reply;
}

}  // namespace

Reply ErrorReply(const absl::Status& status) {
  const std::string message(status.message());
  switch (ReasonOf(status)) {
    case ErrorReason::kBadInput:
    case ErrorReason::kTenantNotFound:
      return TextReply(400, message);
    case ErrorReason::kUnauthenticated:
      return TextReply(401, message);
    case ErrorReason::kForbidden:
      return TextReply(403, message);
    case ErrorReason::kNotFound:
      return TextReply(404, message);
    case ErrorReason::kOverloaded:
      return RetryLater(429, status);
    case ErrorReason::kNotSupported:
      return TextReply(501, message);
    case ErrorReason::kDependencyDown:
    case ErrorReason::kDeadlineExceeded:
      return RetryLater(503, status);
    case ErrorReason::kCallerNotAllowed:
    case ErrorReason::kInternal:
    case ErrorReason::kUnspecified:
      break;
  }
  return TextReply(500, "Internal Error");
}

}  // namespace gatehouse::gateway

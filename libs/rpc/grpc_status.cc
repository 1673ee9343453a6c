#include "libs/rpc/grpc_status.h"

#include <string>
#include <utility>

#include "gatehouse/common/v1/error.pb.h"
#include "gatehouse/common/v1/rpc_status.pb.h"
#include "libs/base/problem.h"
#include "libs/base/status.h"

namespace gatehouse::rpc {

namespace {

grpc::Status WithDetail(grpc::StatusCode code, std::string message,
                        const common::v1::ErrorDetail& detail) {
  common::v1::RpcStatus status;
  status.set_code(code);
  status.set_message(message);
  status.add_details()->PackFrom(detail);
  return grpc::Status(code, std::move(message), status.SerializeAsString());
}

bool ReadDetail(const std::string& details, common::v1::ErrorDetail& detail) {
  common::v1::RpcStatus status;
  if (!status.ParseFromString(details)) return false;
  for (const google::protobuf::Any& any : status.details()) {
    if (any.UnpackTo(&detail)) return detail.reason() != common::v1::ERROR_REASON_UNSPECIFIED;
  }
  return false;
}

}  // namespace

grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  common::v1::ErrorDetail detail;
  const ErrorReason reason = ReasonOf(status);
  if (reason == ErrorReason::kUnspecified) {
    detail.set_reason(common::v1::ERROR_REASON_INTERNAL);
    return WithDetail(grpc::StatusCode::INTERNAL, "internal error", detail);
  }
  detail.set_reason(static_cast<common::v1::ErrorReason>(static_cast<int>(reason)));
  detail.set_problem(static_cast<common::v1::ErrorProblem>(static_cast<int>(ProblemOf(status))));
  for (const auto& [key, value] : MetadataOf(status)) (*detail.mutable_metadata())[key] = value;
  return WithDetail(static_cast<grpc::StatusCode>(static_cast<int>(status.code())),
                    std::string(status.message()), detail);
}

bool MadeByGrpc(const grpc::Status& status) {
  return !status.ok() && status.error_details().empty();
}

absl::Status FromGrpcStatus(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  common::v1::ErrorDetail detail;
  if (ReadDetail(status.error_details(), detail)) {
    absl::Status made = MakeError(static_cast<ErrorReason>(static_cast<int>(detail.reason())),
                                  status.error_message());
    if (detail.problem() != common::v1::ERROR_PROBLEM_UNSPECIFIED) {
      made = WithProblem(std::move(made), static_cast<Problem>(static_cast<int>(detail.problem())),
                         {detail.metadata().begin(), detail.metadata().end()});
    }
    if (IsFault(made)) MarkLogged(made);
    return made;
  }
  switch (status.error_code()) {
    case grpc::StatusCode::UNAVAILABLE:
      return MakeError(ErrorReason::kDependencyDown, "a service that this needs is not reachable");
    case grpc::StatusCode::DEADLINE_EXCEEDED:
    case grpc::StatusCode::CANCELLED:
      return MakeError(ErrorReason::kDeadlineExceeded, "the request's time ran out");
    case grpc::StatusCode::RESOURCE_EXHAUSTED:
      return MakeError(ErrorReason::kOverloaded, "a service that this needs is overloaded");
    default:
      return MakeError(ErrorReason::kInternal, "internal error");
  }
}

}  // namespace gatehouse::rpc

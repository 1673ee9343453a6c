#include "services/dashboard/dashboard_session_service.h"

#include <optional>
#include <string>

#include "libs/base/status.h"
#include "libs/crypto/bytes.h"

namespace gatehouse::dashboard {
namespace {

// Nobody signs in so often; a program may.
constexpr int kMaxListed = 1000;

}  // namespace

absl::StatusOr<v1::VerifySessionResponse> DashboardSessionServiceImpl::VerifySession(
    rpc::CallContext& context, const v1::VerifySessionRequest& request) {
  ASSIGN_OR_RETURN(tenancy::TenantPtr app, directory_.FindApp(request.scope(), context.deadline));
  ASSIGN_OR_RETURN(const auto found,
                   store_.FindSession({app, context.deadline}, request.session_id()));
  v1::VerifySessionResponse response;
  // The database compares as CHAR does, which disregards blanks at the end.
  if (found.has_value() && crypto::ConstantTimeEqual(found->session_id, request.session_id()) &&
      clock_.NowMs() < found->expiry_ms) {
    response.set_email(found->email);
  }
  return response;
}

absl::StatusOr<v1::RevokeSessionResponse> DashboardSessionServiceImpl::RevokeSession(
    rpc::CallContext& context, const v1::RevokeSessionRequest& request) {
  ASSIGN_OR_RETURN(tenancy::TenantPtr app, directory_.FindApp(request.scope(), context.deadline));
  RETURN_IF_ERROR(store_.DeleteSession({app, context.deadline}, request.session_id()));
  return v1::RevokeSessionResponse();
}

absl::StatusOr<v1::ListSessionsResponse> DashboardSessionServiceImpl::ListSessions(
    rpc::CallContext& context, const v1::ListSessionsRequest& request) {
  ASSIGN_OR_RETURN(tenancy::TenantPtr app, directory_.FindApp(request.scope(), context.deadline));
  ASSIGN_OR_RETURN(const std::vector<Session> sessions,
                   store_.ListSessions({app, context.deadline}, request.user_id(), clock_.NowMs(),
                                       kMaxListed));
  v1::ListSessionsResponse response;
  for (const Session& session : sessions) {
    auto* encoded = response.add_sessions();
    encoded->set_session_id(session.session_id);
    encoded->set_user_id(session.user_id);
    encoded->set_time_created_ms(session.time_created_ms);
    encoded->set_expiry_ms(session.expiry_ms);
  }
  return response;
}

}  // namespace gatehouse::dashboard

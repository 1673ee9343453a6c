#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "libs/testing/fake_clock.h"
#include "libs/testing/pg_test_server.h"
#include "libs/testing/test_tenants.h"
#include "services/dashboard/dashboard_session_service.h"
#include "services/dashboard/dashboard_user_service.h"
#include "services/dashboard/dashboard_users.h"
#include "services/dashboard/pg_dashboard_store.h"

namespace gatehouse::dashboard {

// The service on a real database, called through its two RPC interfaces.
class DashboardTest : public ::testing::Test {
 protected:
  v1::CreateUserResponse Create(const std::string& email,
                                const std::string& password = "validPass1") {
    v1::CreateUserRequest request;
    *request.mutable_scope() = app_;
    request.set_email(email);
    request.set_password(password);
    rpc::CallContext context = InTime();
    return Get(users_.CreateUser(context, request));
  }
  v1::UpdateUserResponse Update(const std::string& user_id, const std::string& new_email,
                                const std::string& new_password = "") {
    v1::UpdateUserRequest request;
    *request.mutable_scope() = app_;
    request.set_user_id(user_id);
    if (!new_email.empty()) request.set_new_email(new_email);
    if (!new_password.empty()) request.set_new_password(new_password);
    rpc::CallContext context = InTime();
    return Get(users_.UpdateUser(context, request));
  }
  bool Delete(const std::string& user_id) {
    v1::DeleteUserRequest request;
    *request.mutable_scope() = app_;
    request.set_user_id(user_id);
    rpc::CallContext context = InTime();
    return Get(users_.DeleteUser(context, request)).existed();
  }
  // The session's id; "" when the sign-in is refused.
  std::string SignIn(const std::string& email, const std::string& password = "validPass1") {
    v1::SignInRequest request;
    *request.mutable_scope() = app_;
    request.set_email(email);
    request.set_password(password);
    rpc::CallContext context = InTime();
    return Get(users_.SignIn(context, request)).session_id();
  }
  // The email; "" when there is no such session.
  std::string Verify(const std::string& session_id) { return Verify(session_id, app_); }
  std::string Verify(const std::string& session_id, const common::v1::Scope& scope) {
    v1::VerifySessionRequest request;
    *request.mutable_scope() = scope;
    request.set_session_id(session_id);
    rpc::CallContext context = InTime();
    return Get(sessions_.VerifySession(context, request)).email();
  }
  v1::ListSessionsResponse Sessions(const std::string& user_id) {
    v1::ListSessionsRequest request;
    *request.mutable_scope() = app_;
    request.set_user_id(user_id);
    rpc::CallContext context = InTime();
    return Get(sessions_.ListSessions(context, request));
  }
  int64_t CountRows(const char* name, const char* sql) {
    auto result = database_->Execute(testing::Soon(), {name, sql}, {});
    EXPECT_TRUE(result.ok()) << result.status();
    return result->front().Int64(0);
  }
  int64_t SessionRows() {
    return CountRows("test_session_rows", "SELECT count(*) FROM {dashboard_user_sessions}");
  }

  static rpc::CallContext InTime() {
    rpc::CallContext context;
    context.deadline = testing::Soon();
    return context;
  }

  template <typename Response>
  static Response Get(absl::StatusOr<Response> response) {
    EXPECT_TRUE(response.ok()) << response.status();
    return response.ok() ? *std::move(response) : Response();
  }

  const std::unique_ptr<db::Database> database_ =
      testing::TestPostgres::Shared().CreateDatabase(/*pool_size=*/8);
  testing::TestTenants tenants_{*database_};
  const common::v1::Scope app_ = tenants_.Add("app", "public")->scope();
  testing::FakeClock clock_;
  PgDashboardStore store_{tenants_};
  passwords::PooledPasswordHasher hasher_{*tenants_.directory().base_config()};
  DashboardUsers rules_{store_, hasher_, clock_};
  DashboardUserServiceImpl users_{tenants_.directory(), rules_, store_};
  DashboardSessionServiceImpl sessions_{tenants_.directory(), store_, clock_};
  rpc::CallContext context_ = InTime();
};

}  // namespace gatehouse::dashboard

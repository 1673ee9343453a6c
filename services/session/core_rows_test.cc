// Sessions created by the original core: their rows, access tokens of every version and refresh
// tokens, through this service.

#include <fstream>
#include <sstream>

#include "services/session/session_test_env.h"

namespace gatehouse::session {
namespace {

using gatehouse::testing::ScopeOf;
using gatehouse::testing::Soon;

json::Value ReadTestData() {
  std::ifstream file(GATEHOUSE_SOURCE_DIR "/services/session/testdata/core_sessions.json");
  std::stringstream text;
  text << file.rdbuf();
  auto data = json::Parse(text.str());
  EXPECT_TRUE(data.ok()) << data.status();
  return data.ok() ? *std::move(data) : json::Value();
}

class CoreRowsTest : public SessionServiceTest {
 protected:
  CoreRowsTest()
      : SessionServiceTest(
            R"({"access_token_validity":86400000,"refresh_token_validity":5256000})") {
    tenants.Add("public", "t1");
    // A few hours after the rows were created.
    clock.SetMs(1'795'380'000'000);
    jwks.keys.mutable_dynamic_keys(0)->set_key_id(std::string(*data.FindString("dynamicKeyId")));
    jwks.keys.set_current_dynamic_key_id(std::string(*data.FindString("dynamicKeyId")));
    auto& static_key = *jwks.keys.mutable_static_keys(0);
    static_key.set_key_id(std::string(*data.FindString("staticKeyId")));
    static_key.set_key_pair(std::string(*data.FindString("staticKeyPair")));
    for (const auto& session : data.Find("sessions")->elements()) Insert(*session.Find("row"));
  }

  void Insert(const json::Value& row) {
    const auto text = [&row](std::string_view key) { return *row.FindString(key); };
    const auto inserted = database->Execute(
        Soon(),
        {"test_insert_core_row",
         "INSERT INTO {session_info} (app_id, tenant_id, session_handle, user_id,"
         " refresh_token_hash_2, session_data, expires_at, created_at_time, jwt_user_payload,"
         " use_static_key) VALUES ('public', $1, $2, $3, $4, $5, $6, $7, $8, $9)"},
        {text("tenant_id"), text("session_handle"), text("user_id"), text("refresh_token_hash_2"),
         text("session_data"), *row.Find("expires_at")->AsInt64(),
         *row.Find("created_at_time")->AsInt64(), text("jwt_user_payload"),
         *row.Find("use_static_key")->AsBool()});
    ASSERT_TRUE(inserted.ok()) << inserted.status();
  }

  v1::RefreshSessionResponse RefreshAs(const json::Value& session, std::string_view token,
                                       bool eager) {
    auto request = RefreshRequest(token, eager);
    if (const auto anti_csrf = session.FindString("antiCsrfToken")) {
      request.set_enable_anti_csrf(true);
      request.set_anti_csrf_token(std::string(*anti_csrf));
    }
    return Refresh(request);
  }

  const json::Value data = ReadTestData();
};

TEST_F(CoreRowsTest, AccessTokensOfEveryVersionVerify) {
  for (const auto& session : data.Find("sessions")->elements()) {
    SCOPED_TRACE(*session.FindString("cdi"));
    SCOPED_TRACE(*session.FindString("where"));
    for (const bool stateless : {true, false}) {
      const auto response =
          Verify(*session.FindString("accessToken"), /*check_database=*/true, stateless);
      ASSERT_TRUE(response.ok()) << response.status();
      ASSERT_TRUE(response->has_verified()) << response->DebugString();
      const json::Value& row = *session.Find("row");
      EXPECT_EQ(response->verified().session().handle(), *row.FindString("session_handle"));
      EXPECT_EQ(response->verified().session().tenant_id(), *row.FindString("tenant_id"));
      EXPECT_EQ(response->verified().session().recipe_user_id(), *row.FindString("user_id"));
      EXPECT_EQ(response->verified().session().user_data_in_jwt_json(),
                *row.FindString("jwt_user_payload"));
    }
  }
}

TEST_F(CoreRowsTest, LastRefreshTokenRefreshesAndAnOldOneIsTheft) {
  for (const bool eager : {false, true}) {
    ASSERT_TRUE(database->Execute(Soon(), {"test_delete_all", "DELETE FROM {session_info}"}).ok());
    for (const auto& session : data.Find("sessions")->elements()) {
      SCOPED_TRACE(*session.FindString("cdi"));
      SCOPED_TRACE(*session.FindString("where"));
      Insert(*session.Find("row"));
      const json::Array& tokens = session.Find("refreshTokens")->elements();
      const auto response = RefreshAs(session, *tokens.back().AsString(), eager);
      ASSERT_TRUE(response.has_issued()) << response.DebugString();
      EXPECT_EQ(response.issued().session().user_data_in_jwt_json(),
                *session.Find("row")->FindString("jwt_user_payload"));
      if (tokens.size() == 1) continue;
      EXPECT_TRUE(Refresh(RefreshRequest(*tokens.front().AsString(), eager)).has_token_theft());
    }
  }
}

}  // namespace
}  // namespace gatehouse::session

#include <gmock/gmock.h>

#include "libs/base/steady_time.h"
#include "libs/rpc/policy.h"
#include "libs/rpc/user_data_policy.h"
#include "libs/testing/policy_check.h"
#include "services/session/pg_session_cleanup.h"
#include "services/session/policy.h"
#include "services/session/session_test_env.h"

namespace gatehouse::session {
namespace {

using gatehouse::testing::ScopeOf;
using gatehouse::testing::Soon;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

using SessionLifecycleTest = SessionServiceTest;

TEST_F(SessionLifecycleTest, CreateStoresOneRowWithOneStatement) {
  AddUser("internal", "external", "primary", "primary-external");
  auto request = NewRequest("external");
  request.set_enable_anti_csrf(true);
  request.set_legacy(true);
  const int64_t statements = database->statements_executed();
  auto context = Context();
  const auto response = service.CreateSession(context, request);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(database->statements_executed() - statements, 1);
  EXPECT_EQ(registry.asked, 0);

  const v1::IssuedSession& issued = response->issued();
  EXPECT_EQ(issued.session().user_id(), "primary-external");
  EXPECT_EQ(issued.session().recipe_user_id(), "external");
  EXPECT_EQ(issued.session().tenant_id(), "public");
  EXPECT_EQ(issued.access_token().expiry_ms(), clock.NowMs() + 3'600'000);
  EXPECT_EQ(issued.refresh_token().expiry_ms(), clock.NowMs() + 8'640'000'000);
  EXPECT_EQ(issued.id_refresh_token().expiry_ms(), issued.refresh_token().expiry_ms());
  const AccessToken token = Read(issued.access_token());
  EXPECT_EQ(token.refresh_token_hash1, Hash1(issued.refresh_token().token()));
  EXPECT_EQ(token.parent_refresh_token_hash1, std::nullopt);
  EXPECT_EQ(token.anti_csrf_token, issued.anti_csrf_token());

  const auto row = Row(issued.session().handle());
  ASSERT_TRUE(row.has_value());
  EXPECT_EQ(row->user_id, "external");
  EXPECT_EQ(row->refresh_hash2, Hash2(issued.refresh_token()));
  EXPECT_EQ(row->previous_refresh_hash2, std::nullopt);
  EXPECT_EQ(row->rotated_at_ms, std::nullopt);
  EXPECT_EQ(row->session_data, R"({"n":1.0})");
  EXPECT_EQ(row->jwt_payload, R"({"role":"x"})");
  EXPECT_EQ(row->expires_at_ms, clock.NowMs() + 8'640'000'000);
  EXPECT_EQ(row->created_at_ms, clock.NowMs());
  EXPECT_FALSE(row->use_static_key);
  EXPECT_THAT(registry.active, ElementsAre(std::pair(std::string("primary"), 1)));

  EXPECT_EQ(response->legacy_keys().keys_size(), 1);
  EXPECT_EQ(response->legacy_keys().expiry_ms(), 1'700'000'000'000 + 168LL * 3'600'000);
}

TEST_F(SessionLifecycleTest, CreateByTheInternalIdIsOfTheExternalOne) {
  AddUser("internal", "external", "primary", "primary-external");
  const auto issued = Create(NewRequest("internal"));
  EXPECT_EQ(issued.session().user_id(), "primary-external");
  EXPECT_EQ(issued.session().recipe_user_id(), "external");
  const auto row = Row(issued.session().handle());
  ASSERT_TRUE(row.has_value());
  EXPECT_EQ(row->user_id, "external");
  EXPECT_EQ(row->refresh_hash2, Hash2(issued.refresh_token()));
  EXPECT_EQ(
      OpenRefreshToken(issued.refresh_token().token(), crypto::core_vectors::kMasterKey)->user_id,
      "external");
  const AccessToken token = Read(issued.access_token());
  EXPECT_EQ(token.refresh_token_hash1, Hash1(issued.refresh_token().token()));
  EXPECT_EQ(token.recipe_user_id, "external");
}

TEST_F(SessionLifecycleTest, AnIdThatIsOneUsersAndAnothersExternalOneIsTheLatters) {
  AddUser("internal", "other", "internal", "other");
  AddUser("other", "other", "primary", "primary");
  EXPECT_EQ(Create(NewRequest("other")).session().recipe_user_id(), "other");
  EXPECT_EQ(registry.active["internal"], 1);
  // Unless it has an external id of its own.
  AddUser("other", "third", "primary", "primary");
  const auto issued = Create(NewRequest("other"));
  EXPECT_EQ(issued.session().user_id(), "primary");
  EXPECT_EQ(issued.session().recipe_user_id(), "third");
  EXPECT_EQ(registry.active["primary"], 1);
}

TEST_F(SessionLifecycleTest, TheRegistryIsAskedWhereTheAppHasSeveralDatabases) {
  auto own = gatehouse::testing::TestPostgres::Shared().CreateDatabase();
  tenants.AddWithDatabase("public", "far", *own);
  AddUser("internal", "external", "primary", "primary-external");
  scope = ScopeOf("public", "far");
  const auto issued = Create(NewRequest("internal"));
  EXPECT_EQ(registry.asked, 1);
  EXPECT_EQ(issued.session().user_id(), "primary-external");
  EXPECT_EQ(issued.session().recipe_user_id(), "external");
  EXPECT_EQ(Refresh(issued, /*eager=*/true).issued().session().user_id(), "primary-external");
  EXPECT_EQ(registry.asked, 2);
}

TEST_F(SessionLifecycleTest, CreateAsksForAStaticKeyOnlyToSignWithIt) {
  Create();
  EXPECT_EQ(jwks.static_requests, 0);
  auto request = NewRequest();
  request.set_use_static_key(true);
  const auto issued = Create(request);
  EXPECT_EQ(SplitAccessToken(issued.access_token().token())->key_id, "s-static");
  EXPECT_EQ(jwks.static_requests, 1);
}

TEST_F(SessionLifecycleTest, AnInstanceThatKnowsNoStaticKeyFetchesItForASessionThatNeedsIt) {
  auto request = NewRequest();
  request.set_use_static_key(true);
  const auto issued = Create(request);

  KeyCache other_keys(jwks, clock);
  SessionService other(
      {tenants.directory(), store, other_keys, master_keys, users, untold, activities, clock});
  auto context = Context();
  ASSERT_TRUE(other.CreateSession(context, NewRequest()).ok());

  v1::RegenerateSessionRequest regenerate;
  *regenerate.mutable_scope() = scope;
  regenerate.set_access_token(issued.access_token().token());
  const auto regenerated = other.RegenerateSession(context, regenerate);
  ASSERT_TRUE(regenerated.ok()) << regenerated.status();
  EXPECT_EQ(SplitAccessToken(regenerated->regenerated().access_token().token())->key_id,
            "s-static");
}

TEST_F(SessionLifecycleTest, AnInstanceThatKnowsNoStaticKeyVerifiesWhatItSigned) {
  auto request = NewRequest();
  request.set_use_static_key(true);
  const auto issued = Create(request);

  KeyCache other_keys(jwks, clock);
  SessionService other(
      {tenants.directory(), store, other_keys, master_keys, users, untold, activities, clock});
  auto context = Context();
  ASSERT_TRUE(other.CreateSession(context, NewRequest()).ok());
  v1::VerifySessionRequest verify;
  *verify.mutable_scope() = scope;
  verify.set_access_token(issued.access_token().token());
  EXPECT_TRUE(other.VerifySession(context, verify)->has_verified());
}

TEST_F(SessionLifecycleTest, CreateIsInTheAuditLogUnderInternalIds) {
  tenants.Add("public", "t1");
  scope = ScopeOf("public", "t1");
  AddUser("internal", "external", "primary", "primary-external");
  const auto issued = Create(NewRequest("external"));
  ASSERT_TRUE(activities.Flush(gatehouse::testing::Soon()).ok());
  ASSERT_EQ(audit.activities().size(), 1u);
  const auto activity = audit.activities().front();
  EXPECT_EQ(activity.scope().tenant_id(), "t1");
  EXPECT_EQ(activity.event_type(), "session_created");
  EXPECT_EQ(activity.recipe_user_id(), "internal");
  EXPECT_EQ(activity.primary_or_recipe_user_id(), "primary");
  EXPECT_EQ(activity.auth_principal(), "");
  EXPECT_EQ(activity.identifier(), issued.session().handle());
}

TEST_F(SessionLifecycleTest, CreateInATenantNamesItInTheHandle) {
  tenants.Add("public", "t1");
  scope = ScopeOf("public", "t1");
  const auto issued = Create();
  EXPECT_THAT(issued.session().handle(), EndsWith("_t1"));
  EXPECT_EQ(issued.session().tenant_id(), "t1");
  EXPECT_TRUE(Row(issued.session().handle()).has_value());
  // Any tenant of the app will do to use it.
  scope = ScopeOf("public");
  EXPECT_TRUE(Verify(issued.access_token().token(), true, true)->has_verified());
  EXPECT_EQ(Refresh(issued, /*eager=*/true).issued().session().tenant_id(), "t1");
}

TEST_F(SessionLifecycleTest, CreateRefusesBadInputAndChangesNothing) {
  const auto expect_refused = [&](const v1::CreateSessionRequest& request,
                                  std::string_view message) {
    auto context = Context();
    const auto response = service.CreateSession(context, request);
    EXPECT_EQ(ReasonOf(response.status()), ErrorReason::kBadInput);
    EXPECT_EQ(response.status().message(), std::string(message));
  };
  auto request = NewRequest();
  request.set_user_data_in_jwt_json(R"({"sub":1})");
  expect_refused(request, "The user payload contains protected field");
  request.set_user_data_in_jwt_json(R"({"a":100000000000000000000})");
  expect_refused(request, "The user payload contains a number that is too large");
  request = NewRequest();
  for (const int64_t validity : {int64_t{0}, int64_t{-1}, int64_t{3'600'001}}) {
    request.set_access_token_validity_ms(validity);
    expect_refused(request,
                   "accessTokenValidity must be greater than 0 and at most the configured "
                   "access_token_validity (3600000 ms)");
  }
  request = NewRequest();
  request.set_user_id(std::string(129, 'x'));
  auto context = Context();
  EXPECT_EQ(ReasonOf(service.CreateSession(context, request).status()), ErrorReason::kBadInput);
  *request.mutable_scope() = ScopeOf("nosuchapp");
  EXPECT_EQ(ReasonOf(service.CreateSession(context, request).status()),
            ErrorReason::kTenantNotFound);
  tenants.AddToDirectory("public", "removed");
  request = NewRequest();
  *request.mutable_scope() = ScopeOf("public", "removed");
  EXPECT_EQ(ReasonOf(service.CreateSession(context, request).status()),
            ErrorReason::kTenantNotFound);
  EXPECT_EQ(
      database->Execute(Soon(), {"test_count_sessions", "SELECT count(*) FROM {session_info}"})
          ->front()
          .Int64(0),
      0);
}

TEST_F(SessionLifecycleTest, OldTokensCarryWhatNewOnesProtect) {
  auto request = NewRequest("user", v1::ACCESS_TOKEN_VERSION_V2);
  request.set_user_data_in_jwt_json(R"({"sub":1})");
  const auto issued = Create(request);
  EXPECT_EQ(Read(issued.access_token()).version, TokenVersion::kV2);
  // A refresh to a newer version can't.
  const auto response = Refresh(issued, /*eager=*/false);
  EXPECT_EQ(response.unauthorised().message(), "The user payload contains protected field");
}

TEST_F(SessionLifecycleTest, ValidityOverrideShortensOneTokenOnly) {
  auto request = NewRequest();
  request.set_access_token_validity_ms(5000);
  const auto issued = Create(request);
  EXPECT_EQ(issued.access_token().expiry_ms(), clock.NowMs() + 5000);
  EXPECT_EQ(Refresh(issued, /*eager=*/true).issued().access_token().expiry_ms(),
            clock.NowMs() + 3'600'000);
}

TEST_F(SessionLifecycleTest, GetAndUpdate) {
  const auto issued = Create();
  const std::string& handle = issued.session().handle();
  const auto get = [&](bool resolve_user) {
    v1::GetSessionRequest request;
    *request.mutable_scope() = scope;
    request.set_handle(handle);
    request.set_resolve_user(resolve_user);
    auto context = Context();
    return *service.GetSession(context, request);
  };
  v1::UpdateSessionRequest update;
  *update.mutable_scope() = scope;
  update.set_handle(handle);
  update.set_user_data_in_database_json(R"({"new":1e3})");
  auto context = Context();
  EXPECT_TRUE(service.UpdateSession(context, update)->found());
  EXPECT_EQ(get(false).session().user_data_in_database_json(), R"({"new":1e3})");
  EXPECT_EQ(get(false).session().user_data_in_jwt_json(), R"({"role":"x"})");

  update.clear_user_data_in_database_json();
  update.set_user_data_in_jwt_json(R"({"rsub":1})");
  update.set_protected_claims_of(v1::ACCESS_TOKEN_VERSION_V5);
  EXPECT_EQ(ReasonOf(service.UpdateSession(context, update).status()), ErrorReason::kBadInput);
  update.set_protected_claims_of(v1::ACCESS_TOKEN_VERSION_V4);
  EXPECT_TRUE(service.UpdateSession(context, update)->found());
  EXPECT_EQ(get(false).session().user_data_in_jwt_json(), R"({"rsub":1})");

  // The user was linked since: an internal id shows the primary user's internal one.
  AddUser("user", "user", "primary", "primary-external");
  const int64_t statements = database->statements_executed();
  EXPECT_EQ(get(true).session().user_id(), "primary");
  EXPECT_EQ(database->statements_executed() - statements, 1);
  EXPECT_EQ(registry.asked, 0);
  EXPECT_EQ(get(true).session().recipe_user_id(), "user");

  clock.SetMs(issued.refresh_token().expiry_ms());
  EXPECT_FALSE(get(false).has_session());
  EXPECT_FALSE(service.UpdateSession(context, update)->found());
}

TEST_F(SessionLifecycleTest, MeaninglessHandlesAreBadInput) {
  auto context = Context();
  v1::GetSessionRequest get;
  *get.mutable_scope() = scope;
  get.set_handle("_");
  EXPECT_EQ(ReasonOf(service.GetSession(context, get).status()), ErrorReason::kBadInput);
  get.set_handle("x_nosuchtenant");
  EXPECT_EQ(ReasonOf(service.GetSession(context, get).status()), ErrorReason::kTenantNotFound);
  v1::RevokeSessionsRequest revoke;
  *revoke.mutable_scope() = scope;
  const auto kept = Create();
  revoke.add_handles(kept.session().handle());
  revoke.add_handles("_");
  EXPECT_EQ(ReasonOf(service.RevokeSessions(context, revoke).status()), ErrorReason::kBadInput);
  EXPECT_TRUE(Row(kept.session().handle()).has_value());
}

class UserSessionsTest : public SessionServiceTest {
 protected:
  std::vector<std::string> List(std::string_view user_id, bool across, bool linked) {
    v1::ListUserSessionsRequest request;
    *request.mutable_scope() = scope;
    request.set_user_id(std::string(user_id));
    request.set_across_all_tenants(across);
    request.set_include_linked(linked);
    auto context = Context();
    const auto response = service.ListUserSessions(context, request);
    EXPECT_TRUE(response.ok()) << response.status();
    return {response->handles().begin(), response->handles().end()};
  }
};

TEST_F(UserSessionsTest, ListsByTenantAndLinkedAccounts) {
  tenants.Add("public", "t1");
  AddUser("a", "a", "a", "a", {"a", "b"});
  AddUser("b", "b", "a", "a", {"a", "b"});
  const auto of_a = Create(NewRequest("a")).session().handle();
  const auto of_b = Create(NewRequest("b")).session().handle();
  Create(NewRequest("other"));
  scope = ScopeOf("public", "t1");
  const auto of_a_in_t1 = Create(NewRequest("a")).session().handle();

  EXPECT_THAT(List("a", false, false), ElementsAre(of_a_in_t1));
  EXPECT_THAT(List("a", true, false), UnorderedElementsAre(of_a, of_a_in_t1));
  EXPECT_THAT(List("a", true, true), UnorderedElementsAre(of_a, of_b, of_a_in_t1));
  EXPECT_THAT(List("b", true, true), UnorderedElementsAre(of_a, of_b, of_a_in_t1));

  v1::RevokeUserSessionsRequest revoke;
  *revoke.mutable_scope() = ScopeOf("public");
  revoke.set_user_id("a");
  revoke.set_include_linked(true);
  auto context = Context();
  const auto revoked = service.RevokeUserSessions(context, revoke);
  EXPECT_THAT(revoked->revoked_handles(), UnorderedElementsAre(of_a, of_b));
  EXPECT_THAT(List("a", true, true), ElementsAre(of_a_in_t1));
}

TEST_F(UserSessionsTest, MappedUserIsListedByExternalIdOnly) {
  AddUser("internal", "external", "internal", "external", {"external"});
  const auto handle = Create(NewRequest("internal")).session().handle();
  EXPECT_THAT(List("external", true, true), ElementsAre(handle));
  EXPECT_THAT(List("internal", true, true), IsEmpty());
}

TEST_F(UserSessionsTest, ListsAndRemovesInEveryDatabaseOfTheApp) {
  auto own = gatehouse::testing::TestPostgres::Shared().CreateDatabase();
  tenants.AddWithDatabase("public", "far", *own);
  const auto here = Create().session().handle();
  scope = ScopeOf("public", "far");
  const auto there = Create().session().handle();
  scope = ScopeOf("public");
  EXPECT_THAT(List("user", true, false), UnorderedElementsAre(here, there));

  common::v1::RemoveUsersRequest remove;
  *remove.mutable_scope() = scope;
  remove.add_user_ids("user");
  auto context = Context();
  ASSERT_TRUE(service.RemoveUsers(context, remove).ok());
  EXPECT_THAT(List("user", true, false), IsEmpty());
}

TEST_F(UserSessionsTest, RevokesByHandleInOrderAndTellsWhatWasThere) {
  const auto a = Create().session().handle();
  const auto b = Create().session().handle();
  v1::RevokeSessionsRequest revoke;
  *revoke.mutable_scope() = scope;
  for (const auto& handle : {b, std::string("unknown"), a}) revoke.add_handles(handle);
  auto context = Context();
  EXPECT_THAT(service.RevokeSessions(context, revoke)->revoked_handles(), ElementsAre(b, a));
  EXPECT_THAT(service.RevokeSessions(context, revoke)->revoked_handles(), IsEmpty());
}

TEST_F(UserSessionsTest, IdIsInUseWhileASessionIsValid) {
  const auto issued = Create();
  common::v1::IsUserIdInUseRequest request;
  *request.mutable_scope() = scope;
  auto context = Context();
  request.set_user_id("nobody");
  EXPECT_EQ(service.IsUserIdInUse(context, request)->in_use_by(), "");
  request.set_user_id("user");
  EXPECT_EQ(service.IsUserIdInUse(context, request)->in_use_by(), "Session");
  clock.SetMs(issued.refresh_token().expiry_ms() + 1);
  EXPECT_EQ(service.IsUserIdInUse(context, request)->in_use_by(), "");
}

TEST_F(UserSessionsTest, CleanUpRemovesExpiredSessionsOnly) {
  const auto old_session = Create();
  clock.AdvanceMs(1000);
  const auto young = Create();
  clock.SetMs(old_session.refresh_token().expiry_ms());
  ASSERT_TRUE(DeleteExpiredSessions(tenants.directory(), tenants, clock, Soon()).ok());
  EXPECT_FALSE(Row(old_session.session().handle()).has_value());
  EXPECT_TRUE(Row(young.session().handle()).has_value());
}

TEST_F(UserSessionsTest, ActivityIsNotedOnceInFiveMinutes) {
  auto issued = Create();
  issued = Refresh(issued, /*eager=*/true).issued();
  EXPECT_EQ(registry.active["user"], 1);
  clock.AdvanceMs(5 * 60'000);
  Refresh(issued, /*eager=*/true);
  EXPECT_EQ(registry.active["user"], 2);
}

TEST_F(UserSessionsTest, ANoteThatFailsCostsASecondAtMostAndComesAgainInHalfAMinute) {
  registry.down = true;
  auto issued = Create();
  EXPECT_LE(registry.note_deadline, SteadyNow() + absl::Seconds(1));
  EXPECT_EQ(registry.notes, 1);
  registry.down = false;
  clock.AdvanceMs(29'999);
  issued = Refresh(issued, /*eager=*/true).issued();
  EXPECT_EQ(registry.notes, 1);
  clock.AdvanceMs(1);
  Refresh(issued, /*eager=*/true);
  EXPECT_EQ(registry.active["user"], 1);
}

TEST(SessionPolicyTest, OnlyNamedCallersMayCall) {
  FakeJwks jwks;
  FakeAppSettings settings;
  FakeRegistry registry;
  gatehouse::testing::FakeClock clock;
  auto database = gatehouse::testing::TestPostgres::Shared().CreateDatabase(1);
  gatehouse::testing::TestTenants tenants(*database);
  PgSessionStore store(tenants);
  KeyCache keys(jwks, clock);
  MasterKeys master_keys(settings);
  UserDirectory users(registry, tenants.directory(), clock, false);
  UntoldRotations untold;
  gatehouse::testing::FakeActivityLog audit;
  activity::ActivityLog activities(audit, clock);
  SessionService service(
      {tenants.directory(), store, keys, master_keys, users, untold, activities, clock});
  v1::SessionServiceHandler handler(service);
  gatehouse::testing::ExpectPolicyIsEnforced(handler.info(), SessionServicePolicy());
  gatehouse::testing::ExpectPolicyIsEnforced(common::v1::UserDataService::Info(),
                                             rpc::UserDataPolicy(), "session");
}

}  // namespace
}  // namespace gatehouse::session

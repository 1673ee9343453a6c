// The thirdparty service on a real database, with the users service faked at its interface.

#include "services/thirdparty/thirdparty_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "libs/base/status.h"
#include "libs/db/database.h"
#include "libs/rpc/user_data_policy.h"
#include "libs/testing/pg_test_server.h"
#include "libs/testing/policy_check.h"
#include "libs/testing/test_tenants.h"
#include "services/thirdparty/pg_third_party_user_store.h"
#include "services/thirdparty/policy.h"

namespace gatehouse::thirdparty {
namespace {

constexpr db::Statement kInsertUser = {
    "test_insert_user",
    "INSERT INTO {app_id_to_user_id} (app_id, user_id, recipe_id, primary_or_recipe_user_id)"
    " VALUES ('public', $1, 'thirdparty', $1) ON CONFLICT DO NOTHING"};
constexpr db::Statement kDeleteUser = {"test_delete_user",
                                       "DELETE FROM {app_id_to_user_id} WHERE user_id = $1"};
constexpr db::Statement kListRows = {
    "test_list_rows",
    "SELECT user_id, third_party_id, third_party_user_id, email, time_joined"
    " FROM {thirdparty_users} ORDER BY user_id"};

constexpr char kUser1[] = "11111111-1111-4111-8111-111111111111";
constexpr char kUser2[] = "22222222-2222-4222-8222-222222222222";

// Answers with a preset user; registers it in the database, as the real one does.
class FakeRegistry final : public users::v1::RegistryService {
 public:
  explicit FakeRegistry(db::Database& database) : database_(database) {}

  absl::StatusOr<users::v1::SignInOrUpResponse> SignInOrUp(
      rpc::CallContext& context, const users::v1::SignInOrUpRequest& request) override {
    ++calls;
    last_request = request;
    users::v1::SignInOrUpResponse response;
    if (refuses) {
      response.set_email_change_not_allowed(true);
      return response;
    }
    const bool created =
        database_.Execute(context.deadline, kInsertUser, {user_id})->affected() > 0;
    auto& signed_in = *response.mutable_signed_in();
    signed_in.set_created(created);
    signed_in.mutable_method()->set_recipe_user_id("external-1");
    signed_in.mutable_method()->set_supertokens_user_id(user_id);
    signed_in.mutable_method()->set_time_joined_ms(1234);
    signed_in.mutable_user()->set_id("external-1");
    if (after) after();
    return response;
  }
  absl::StatusOr<users::v1::ChangeIdentityResponse> ChangeIdentity(
      rpc::CallContext&, const users::v1::ChangeIdentityRequest&) override {
    return absl::UnimplementedError("");
  }
  absl::StatusOr<users::v1::ResolveUserIdsResponse> ResolveUserIds(
      rpc::CallContext&, const users::v1::ResolveUserIdsRequest&) override {
    return absl::UnimplementedError("");
  }
  absl::StatusOr<users::v1::RecordActivityResponse> RecordActivity(
      rpc::CallContext&, const users::v1::RecordActivityRequest&) override {
    return absl::UnimplementedError("");
  }

  std::string user_id = kUser1;
  bool refuses = false;
  std::function<void()> after;  // runs between the registry's step and the service's own
  int calls = 0;
  users::v1::SignInOrUpRequest last_request;

 private:
  db::Database& database_;
};

class FakeDirectory final : public users::v1::UserDirectoryService {
 public:
  absl::StatusOr<users::v1::GetUserResponse> GetUser(
      rpc::CallContext&, const users::v1::GetUserRequest& request) override {
    EXPECT_EQ(request.recipe_id(), "thirdparty");
    users::v1::GetUserResponse response;
    if (request.user_id() == kUser1) {
      response.mutable_user()->set_id(kUser1);
      const int others = other_changes > 0 ? other_changes-- : 0;
      response.mutable_user()->add_login_methods()->set_email(
          others > 0 ? "other" + std::to_string(others) + "@x.io" : registered_email);
    }
    return response;
  }
  absl::StatusOr<users::v1::FindUsersResponse> FindUsers(
      rpc::CallContext&, const users::v1::FindUsersRequest& request) override {
    last_find = request;
    return found;
  }
  absl::StatusOr<users::v1::ListUsersResponse> ListUsers(
      rpc::CallContext&, const users::v1::ListUsersRequest&) override {
    return absl::UnimplementedError("");
  }
  absl::StatusOr<users::v1::CountUsersResponse> CountUsers(
      rpc::CallContext&, const users::v1::CountUsersRequest&) override {
    return absl::UnimplementedError("");
  }
  absl::StatusOr<users::v1::CountActiveUsersResponse> CountActiveUsers(
      rpc::CallContext&, const users::v1::CountActiveUsersRequest&) override {
    return absl::UnimplementedError("");
  }

  std::string registered_email;
  int other_changes = 0;  // this many further look-ups find another's change
  users::v1::FindUsersResponse found;
  users::v1::FindUsersRequest last_find;
};

// Fails like a process that is killed before its statement runs.
class CrashingStore final : public ThirdPartyUserStore {
 public:
  explicit CrashingStore(ThirdPartyUserStore& store) : store_(store) {}
  absl::StatusOr<SaveOutcome> SaveUser(const Where& where, const ThirdPartyUser& user) override {
    if (std::exchange(crash, false)) return MakeError(ErrorReason::kDependencyDown, "gone");
    return store_.SaveUser(where, user);
  }
  absl::Status ImportUsers(const Where& where, const std::vector<ThirdPartyUser>& users) override {
    return store_.ImportUsers(where, users);
  }
  absl::Status RemoveUser(const Where& where, std::string_view user_id) override {
    return store_.RemoveUser(where, user_id);
  }
  bool crash = false;

 private:
  ThirdPartyUserStore& store_;
};

TEST(ThirdPartyPolicyTest, IsEnforced) {
  testing::ExpectPolicyIsEnforced(v1::ThirdPartyService::Info(), ThirdPartyPolicy());
  testing::ExpectPolicyIsEnforced(common::v1::CredentialsService::Info(), rpc::CredentialsPolicy(),
                                  "thirdparty");
}

class ThirdPartyServiceTest : public ::testing::Test {
 protected:
  ThirdPartyServiceTest() {
    context.deadline = testing::Soon();
    request.mutable_scope()->set_app_id("public");
    request.mutable_scope()->set_tenant_id("public");
    request.set_third_party_id("google");
    request.set_third_party_user_id("g-1");
    request.set_email(" A@x.io");
  }

  // "user|provider|user there|email|time joined", one line per row.
  std::string Rows() {
    std::string text;
    auto rows = database->Execute(context.deadline, kListRows);
    for (const db::Row row : *rows) {
      for (int i = 0; i < 5; ++i) text += std::string(row.Trimmed(i)) + (i < 4 ? "|" : "\n");
    }
    return text;
  }
  std::string Row(const std::string& user_id, const std::string& email) {
    return user_id + "|google|g-1|" + email + "|1234\n";
  }
  void SetFactors(bool enabled, std::optional<std::vector<std::string>> factors) {
    gatehouse::tenants::v1::Tenant record;
    *record.mutable_scope() = request.scope();
    record.set_core_config_json("{}");
    record.set_third_party_enabled(enabled);
    if (factors) record.mutable_first_factors();
    for (const std::string& factor : factors.value_or(std::vector<std::string>())) {
      record.mutable_first_factors()->add_factor_ids(factor);
    }
    EXPECT_TRUE(tenants.directory().Apply(false, "", {record}, {}).empty());
  }
  bool Passes(common::v1::RecipeGate gate) {
    request.set_gate(gate);
    const absl::Status status = service.SignInOrUp(context, request).status();
    if (!status.ok()) {
      EXPECT_EQ(ReasonOf(status), ErrorReason::kForbidden);
      EXPECT_EQ(status.message(), "ThirdParty login not enabled for tenant");
    }
    return status.ok();
  }

  const std::unique_ptr<db::Database> database = testing::TestPostgres::Shared().CreateDatabase();
  testing::TestTenants tenants{*database};
  FakeRegistry registry{*database};
  FakeDirectory users;
  PgThirdPartyUserStore pg_store{tenants};
  CrashingStore store{pg_store};
  ThirdPartyServiceImpl service{tenants.directory(), registry, users, store};
  rpc::CallContext context;
  v1::SignInOrUpRequest request;
};

TEST_F(ThirdPartyServiceTest, SignUpKeepsARowAndSignInLeavesItAlone) {
  auto response = service.SignInOrUp(context, request);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_TRUE(response->signed_in().created());
  EXPECT_EQ(response->signed_in().recipe_user_id(), "external-1");
  EXPECT_EQ(response->signed_in().user().id(), "external-1");
  EXPECT_EQ(Rows(), Row(kUser1, "a@x.io"));
  EXPECT_EQ(registry.last_request.identity().email(), "a@x.io");
  EXPECT_FALSE(registry.last_request.is_email_verified());

  request.set_is_email_verified(true);
  response = service.SignInOrUp(context, request);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_FALSE(response->signed_in().created());
  EXPECT_EQ(Rows(), Row(kUser1, "a@x.io"));
  EXPECT_TRUE(registry.last_request.is_email_verified());
}

TEST_F(ThirdPartyServiceTest, ChangedEmailReachesTheRow) {
  ASSERT_TRUE(service.SignInOrUp(context, request).ok());
  request.set_email("new@x.io");
  users.registered_email = "new@x.io";
  ASSERT_TRUE(service.SignInOrUp(context, request).ok());
  EXPECT_EQ(Rows(), Row(kUser1, "new@x.io"));
}

TEST_F(ThirdPartyServiceTest, OvertakenEmailChangeLeavesTheRegistrysEmail) {
  ASSERT_TRUE(service.SignInOrUp(context, request).ok());
  // The registry has accepted `newest` after `new`, and newest's sign-in has saved already.
  request.set_email("new@x.io");
  users.registered_email = "newest@x.io";
  ASSERT_TRUE(service.SignInOrUp(context, request).ok());
  EXPECT_EQ(Rows(), Row(kUser1, "newest@x.io"));
}

TEST_F(ThirdPartyServiceTest, ManyEmailChangesAtOnceOverloadNobody) {
  ASSERT_TRUE(service.SignInOrUp(context, request).ok());
  request.set_email("new@x.io");
  users.other_changes = 24;
  users.registered_email = "newest@x.io";
  const auto response = service.SignInOrUp(context, request);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(Rows(), Row(kUser1, "newest@x.io"));
}

TEST_F(ThirdPartyServiceTest, RefusedEmailChangeChangesNothing) {
  ASSERT_TRUE(service.SignInOrUp(context, request).ok());
  registry.refuses = true;
  request.set_email("new@x.io");
  const auto response = service.SignInOrUp(context, request);
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(response->email_change_not_allowed_reason(),
            "Email already associated with another primary user.");
  EXPECT_EQ(Rows(), Row(kUser1, "a@x.io"));
}

TEST_F(ThirdPartyServiceTest, RetryAfterACrashBetweenTheStepsCompletesTheUser) {
  store.crash = true;
  EXPECT_EQ(ReasonOf(service.SignInOrUp(context, request).status()), ErrorReason::kDependencyDown);
  EXPECT_EQ(Rows(), "");
  const auto response = service.SignInOrUp(context, request);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->signed_in().user().id(), "external-1");
  EXPECT_EQ(Rows(), Row(kUser1, "a@x.io"));
}

TEST_F(ThirdPartyServiceTest, UserDeletedBetweenTheStepsIsRegisteredAnew) {
  registry.after = [&] {
    registry.after = nullptr;
    ASSERT_TRUE(database->Execute(context.deadline, kDeleteUser, {kUser1}).ok());
    registry.user_id = kUser2;
  };
  const auto response = service.SignInOrUp(context, request);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_TRUE(response->signed_in().created());
  EXPECT_EQ(registry.calls, 2);
  EXPECT_EQ(Rows(), Row(kUser2, "a@x.io"));
}

TEST_F(ThirdPartyServiceTest, UserThatKeepsVanishingEndsInOverloadNotInALoop) {
  registry.after = [&] {
    ASSERT_TRUE(database->Execute(context.deadline, kDeleteUser, {kUser1}).ok());
  };
  EXPECT_EQ(ReasonOf(service.SignInOrUp(context, request).status()), ErrorReason::kOverloaded);
}

TEST_F(ThirdPartyServiceTest, OwnStepIsOneStatement) {
  auto own_statements = [&] {
    ThirdPartyUser user = {kUser1, "google", "g-1", "a@x.io", 1234};
    const int64_t before = db::ThreadStatements().round_trips;
    EXPECT_EQ(
        *pg_store.SaveUser({*tenants.directory().Find(request.scope()), context.deadline}, user),
        SaveOutcome::kSaved);
    return db::ThreadStatements().round_trips - before;
  };
  ASSERT_TRUE(service.SignInOrUp(context, request).ok());
  own_statements();  // prepares it on this connection
  EXPECT_EQ(own_statements(), 1);
}

TEST_F(ThirdPartyServiceTest, GateFollowsTheVersionsRules) {
  using common::v1::RECIPE_GATE_FIVE_ZERO;
  using common::v1::RECIPE_GATE_UNSPECIFIED;
  using common::v1::RECIPE_GATE_UP_TO_FOUR;
  struct Case {
    bool enabled;
    std::optional<std::vector<std::string>> factors;
    bool passes_four, passes_five_zero;
  };
  for (const Case& c : std::vector<Case>{
           {true, std::nullopt, true, true},
           {false, std::nullopt, false, false},
           {true, {{}}, false, false},
           {true, {{"thirdparty"}}, true, true},
           {true, {{"emailpassword"}}, false, true},
           {false, {{"thirdparty"}}, false, false},
       }) {
    SetFactors(c.enabled, c.factors);
    EXPECT_TRUE(Passes(RECIPE_GATE_UNSPECIFIED));
    EXPECT_EQ(Passes(RECIPE_GATE_UP_TO_FOUR), c.passes_four);
    EXPECT_EQ(Passes(RECIPE_GATE_FIVE_ZERO), c.passes_five_zero);
  }
}

TEST_F(ThirdPartyServiceTest, UnknownTenantIsNotFoundBeforeTheRegistryIsAsked) {
  request.mutable_scope()->set_tenant_id("nosuch");
  EXPECT_EQ(ReasonOf(service.SignInOrUp(context, request).status()), ErrorReason::kTenantNotFound);
  EXPECT_EQ(registry.calls, 0);
}

TEST_F(ThirdPartyServiceTest, LookUpsAskTheRegistry) {
  v1::GetUserByIdRequest by_id;
  by_id.set_user_id(kUser1);
  EXPECT_TRUE(service.GetUserById(context, by_id)->has_user());
  by_id.set_user_id("other");
  EXPECT_FALSE(service.GetUserById(context, by_id)->has_user());

  v1::GetUserByIdentityRequest by_identity;
  by_identity.set_third_party_id("google");
  by_identity.set_third_party_user_id("g-1");
  EXPECT_FALSE(service.GetUserByIdentity(context, by_identity)->has_user());
  EXPECT_EQ(users.last_find.third_party().id(), "google");
  EXPECT_EQ(users.last_find.third_party().user_id(), "g-1");
  users.found.add_users()->set_id(kUser1);
  EXPECT_EQ(service.GetUserByIdentity(context, by_identity)->user().id(), kUser1);
}

TEST_F(ThirdPartyServiceTest, ListsUsersByEmailOncePerThirdPartyMethod) {
  auto add_user = [&](const std::string& id,
                      const std::vector<std::pair<std::string, std::string>>& methods) {
    users::v1::User& user = *users.found.add_users();
    user.set_id(id);
    for (const auto& [recipe, email] : methods) {
      users::v1::LoginMethod& method = *user.add_login_methods();
      method.set_recipe_id(recipe);
      method.set_email(email);
    }
  };
  add_user("one", {{"thirdparty", "a@x.io"}, {"emailpassword", "a@x.io"}});
  add_user("two", {{"thirdparty", "a@x.io"}, {"thirdparty", "a@x.io"}});
  add_user("none", {{"emailpassword", "a@x.io"}, {"thirdparty", "b@x.io"}});
  v1::ListUsersByEmailRequest by_email;
  by_email.set_email("A@x.io ");
  const auto response = service.ListUsersByEmail(context, by_email);
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(users.last_find.email(), "a@x.io");
  std::string ids;
  for (const users::v1::User& user : response->users()) ids += user.id() + " ";
  EXPECT_EQ(ids, "one two two ");
}

TEST_F(ThirdPartyServiceTest, RemovesAUsersRow) {
  ASSERT_TRUE(service.SignInOrUp(context, request).ok());
  common::v1::RemoveCredentialsRequest remove;
  *remove.mutable_scope() = request.scope();
  remove.set_supertokens_user_id(kUser1);
  EXPECT_TRUE(service.RemoveCredentials(context, remove).ok());
  EXPECT_TRUE(service.RemoveCredentials(context, remove).ok());
  EXPECT_EQ(Rows(), "");
}

}  // namespace
}  // namespace gatehouse::thirdparty

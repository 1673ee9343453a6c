// The workflows over the real users service, with the services beside it played: what they are
// asked, in which order, and what is left when a call fails or its reply is lost.

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <set>

#include "libs/base/status.h"
#include "libs/rpc/dispatcher.h"
#include "libs/testing/fake_activity_log.h"
#include "libs/testing/fake_clock.h"
#include "services/accounts/accounts_service.h"
#include "services/users/idmapping/id_mapping_service.h"
#include "services/users/idmapping/pg_id_mapping_store.h"
#include "services/users/linking/linking_service.h"
#include "services/users/linking/linking_test_env.h"
#include "services/users/policy.h"
#include "services/users/registry/pg_activity_store.h"
#include "services/users/registry/registry_service.h"

namespace gatehouse::accounts {
namespace {

using users::LinkResult;

// Cuts off one call of many: before it is made, or after it has had its effect.
struct Saboteur {
  int calls = 0;
  int fail_at = -1;
  bool after = false;
  std::vector<std::string> log;  // "RemoveUserSessions", in order, of those that had their effect
  std::function<void(std::string_view)> meanwhile;  // what others do after a call's effect

  template <typename Effect>
  absl::Status Run(const rpc::MethodInfo& method, Effect effect) {
    const bool fails = calls++ == fail_at;
    const absl::Status cut = MakeError(ErrorReason::kDependencyDown, "cut off");
    if (fails && !after) return cut;
    log.emplace_back(method.name);
    const absl::Status status = effect();
    if (meanwhile) meanwhile(method.name);
    return fails ? cut : status;
  }
};

class SabotagedChannel : public rpc::Channel {
 public:
  explicit SabotagedChannel(Saboteur& saboteur) : saboteur_(saboteur) {}
  absl::Status Call(const rpc::MethodInfo& method, const rpc::CallContext& context,
                    const google::protobuf::Message& request,
                    google::protobuf::Message* response) override {
    return saboteur_.Run(method, [&] { return Effect(method, context, request, response); });
  }
  std::unique_ptr<rpc::Subscription> Subscribe(
      const rpc::MethodInfo&, const rpc::CallContext&, const google::protobuf::Message&,
      std::function<void(const google::protobuf::Message&)>) override {
    return nullptr;
  }
  bool local() const override { return true; }

 protected:
  virtual absl::Status Effect(const rpc::MethodInfo& method, const rpc::CallContext& context,
                              const google::protobuf::Message& request,
                              google::protobuf::Message* response) = 0;

 private:
  Saboteur& saboteur_;
};

// Hands on to the real service.
class ForwardingChannel final : public SabotagedChannel {
 public:
  ForwardingChannel(Saboteur& saboteur, std::unique_ptr<rpc::Channel> target)
      : SabotagedChannel(saboteur), target_(std::move(target)) {}

 private:
  absl::Status Effect(const rpc::MethodInfo& method, const rpc::CallContext& context,
                      const google::protobuf::Message& request,
                      google::protobuf::Message* response) override {
    return target_->Call(method, context, request, response);
  }
  std::unique_ptr<rpc::Channel> target_;
};

// Sessions, roles and third-party credentials: the ids that have any.
struct Data {
  std::set<std::string> sessions, roles, third_party;
};

class DataChannel final : public SabotagedChannel {
 public:
  DataChannel(Saboteur& saboteur, Data& data) : SabotagedChannel(saboteur), data_(data) {}

 private:
  absl::Status Effect(const rpc::MethodInfo&, const rpc::CallContext&,
                      const google::protobuf::Message& request,
                      google::protobuf::Message* response) override {
    if (auto* call = dynamic_cast<const session::v1::RemoveUserSessionsRequest*>(&request)) {
      bool existed = false;
      for (const std::string& id : call->user_ids()) existed |= data_.sessions.erase(id) > 0;
      dynamic_cast<session::v1::RemoveUserSessionsResponse&>(*response).set_existed(existed);
    } else if (auto* call = dynamic_cast<const session::v1::IsUserIdInUseRequest*>(&request)) {
      dynamic_cast<session::v1::IsUserIdInUseResponse&>(*response).set_in_use(
          data_.sessions.contains(call->user_id()));
    } else if (auto* call = dynamic_cast<const roles::v1::RemoveUserRequest*>(&request)) {
      data_.roles.erase(call->user_id());
    } else if (auto* call = dynamic_cast<const roles::v1::RemoveUserFromTenantRequest*>(&request)) {
      dynamic_cast<roles::v1::RemoveUserFromTenantResponse&>(*response).set_existed(
          data_.roles.erase(call->user_id()) > 0);
    } else if (auto* call = dynamic_cast<const roles::v1::IsUserIdInUseRequest*>(&request)) {
      dynamic_cast<roles::v1::IsUserIdInUseResponse&>(*response).set_in_use(
          data_.roles.contains(call->user_id()));
    } else if (auto* call = dynamic_cast<const thirdparty::v1::RemoveUserRequest*>(&request)) {
      data_.third_party.erase(call->supertokens_user_id());
    } else {
      ADD_FAILURE() << "unexpected call: " << request.GetTypeName();
    }
    return absl::OkStatus();
  }
  Data& data_;
};

constexpr db::Statement kUserRow = {
    "test_accounts_user_row",
    "SELECT 1 FROM {app_id_to_user_id} WHERE app_id = $1 AND user_id = $2"};

// The whole: real users, played others.
struct World {
  World() {
    context.deadline = testing::Soon();
    saboteur.meanwhile = [this](std::string_view) { FollowRegistry(); };
    for (rpc::Dispatcher* dispatcher : {linking.get(), mapping.get(), registry.get()}) {
      dispatchers.push_back(dispatcher);
    }
    users_channel = std::make_unique<ForwardingChannel>(
        saboteur, rpc::MakeLocalChannel(dispatchers, "accounts"));
    linking_client = std::make_unique<users::v1::LinkingServiceClient>(*users_channel);
    mapping_client = std::make_unique<users::v1::IdMappingServiceClient>(*users_channel);
    registry_client = std::make_unique<users::v1::RegistryServiceClient>(*users_channel);
    service = std::make_unique<AccountsServiceImpl>(
        Peers{*linking_client, *mapping_client, *registry_client, sessions, roles, third_party,
              passwordless});
  }
  static std::unique_ptr<rpc::Dispatcher> Dispatch(rpc::ServiceHandler& handler,
                                                   const rpc::Policy& policy) {
    auto dispatcher = rpc::Dispatcher::Create(handler, policy);
    EXPECT_TRUE(dispatcher.ok()) << dispatcher.status();
    return *std::move(dispatcher);
  }
  // Third-party credentials hang on the registry's rows by a foreign key.
  void FollowRegistry() {
    std::erase_if(data.third_party, [&](const std::string& id) {
      const auto rows = env.tenants().Base().Execute(testing::Soon(), kUserRow, {"public", id});
      EXPECT_TRUE(rows.ok()) << rows.status();
      return rows.ok() && rows->empty();
    });
  }
  void GiveData(const std::string& id) {
    data.sessions.insert(id);
    data.roles.insert(id);
  }
  template <typename Request>
  Request In() {
    Request request;
    *request.mutable_scope() = testing::ScopeOf("public");
    return request;
  }

  Saboteur saboteur;
  Data data;
  rpc::CallContext context;
  testing::FakeClock clock;
  users::LinkingTestEnv env;
  users::PgActivityStore activity_store{env.tenants()};
  testing::FakeActivityLog audit;
  activity::ActivityLog audit_log{audit, clock};
  users::ActivityRecorder activity{activity_store, audit_log, clock};
  users::LinkingServiceImpl linking_service{env.tenants().directory(), env.users, env.store,
                                            activity};
  users::PgIdMappingStore mapping_store{env.tenants()};
  users::IdMappingServiceImpl mapping_service{env.tenants().directory(), mapping_store};
  users::RegistryServiceImpl registry_service{env.tenants().directory(), env.users, activity,
                                              clock};
  users::v1::LinkingServiceHandler linking_handler{linking_service};
  users::v1::IdMappingServiceHandler mapping_handler{mapping_service};
  users::v1::RegistryServiceHandler registry_handler{registry_service};
  std::unique_ptr<rpc::Dispatcher> linking = Dispatch(linking_handler, users::LinkingPolicy());
  std::unique_ptr<rpc::Dispatcher> mapping = Dispatch(mapping_handler, users::IdMappingPolicy());
  std::unique_ptr<rpc::Dispatcher> registry = Dispatch(registry_handler, users::RegistryPolicy());
  std::vector<rpc::Dispatcher*> dispatchers;
  std::unique_ptr<ForwardingChannel> users_channel;
  DataChannel data_channel{saboteur, data};
  std::unique_ptr<users::v1::LinkingServiceClient> linking_client;
  std::unique_ptr<users::v1::IdMappingServiceClient> mapping_client;
  std::unique_ptr<users::v1::RegistryServiceClient> registry_client;
  session::v1::SessionServiceClient sessions{data_channel};
  roles::v1::RolesServiceClient roles{data_channel};
  thirdparty::v1::ThirdPartyServiceClient third_party{data_channel};
  passwordless::v1::PasswordlessServiceClient passwordless{data_channel};
  std::unique_ptr<AccountsServiceImpl> service;
};

// A group: a primary user with a password, linked to one of a third party, mapped to "ext".
struct Group {
  explicit Group(World& world)
      : primary(world.env.Primary("a@x.io")), linked(world.env.SignUpThirdParty("b@x.io", "1")) {
    EXPECT_EQ(world.env.Link(linked, primary), LinkResult::kDone);
    auto map = world.In<v1::CreateUserIdMappingRequest>();
    map.set_supertokens_user_id(linked);
    map.set_external_user_id("ext");
    EXPECT_TRUE(world.service->CreateUserIdMapping(world.context, map)->created());
    world.GiveData(primary);
    world.GiveData("ext");
    world.data.third_party.insert(linked);
    world.saboteur.calls = 0;
    world.saboteur.log.clear();
  }
  std::string primary, linked;
};

constexpr db::Statement kUserRows = {"test_accounts_user_rows",
                                     "SELECT count(*) FROM {app_id_to_user_id}"};

TEST(RemoveUserTest, IsCompletedByARepetitionWhereverItWasCutOff) {
  // One more than there are calls: the last round is not cut off.
  for (bool after : {false, true}) {
    int steps = 0;
    for (int step = 0; step <= steps; ++step) {
      SCOPED_TRACE(::testing::Message() << "call " << step << (after ? " after" : " before"));
      World world;
      const Group group(world);
      auto request = world.In<v1::RemoveUserRequest>();
      request.set_user_id("ext");
      request.set_remove_all_linked_accounts(true);
      world.saboteur.fail_at = step;
      world.saboteur.after = after;
      const absl::Status status = world.service->RemoveUser(world.context, request).status();
      steps = std::max(steps, world.saboteur.calls);
      EXPECT_EQ(status.ok(), step == world.saboteur.calls) << status;
      EXPECT_EQ(world.env.Violations(), "");
      if (world.env.Count(kUserRows) == 0) {
        // Gone from the registry, so nobody would come back to find the rest.
        EXPECT_TRUE(world.data.sessions.empty() && world.data.roles.empty() &&
                    world.data.third_party.empty());
      }
      world.saboteur.fail_at = -1;
      EXPECT_TRUE(world.service->RemoveUser(world.context, request).ok());
      EXPECT_EQ(world.env.Count(kUserRows), 0);
      EXPECT_TRUE(world.data.sessions.empty());
      EXPECT_TRUE(world.data.roles.empty());
      EXPECT_TRUE(world.data.third_party.empty());
      EXPECT_EQ(world.env.Violations(), "");
    }
    EXPECT_EQ(steps, 6);  // plan, sessions, two users' roles, registry, credentials
  }
}

TEST(RemoveUserTest, KeepsTheDataOfAPrimaryUserThatOthersAreLinkedTo) {
  World world;
  const Group group(world);
  auto request = world.In<v1::RemoveUserRequest>();
  request.set_user_id(group.primary);
  EXPECT_TRUE(world.service->RemoveUser(world.context, request).ok());
  EXPECT_EQ(world.data.sessions.size(), 2u);
  EXPECT_EQ(world.data.third_party.size(), 1u);
  EXPECT_EQ(world.env.Count(kUserRows), 2);
  // The last login method takes all with it.
  request.set_user_id(group.linked);
  EXPECT_TRUE(world.service->RemoveUser(world.context, request).ok());
  EXPECT_TRUE(world.data.sessions.empty());
  EXPECT_EQ(world.env.Count(kUserRows), 0);
  EXPECT_EQ(world.env.Violations(), "");
}

TEST(RemoveUserTest, WhoLeftTheGroupMeanwhileKeepsItsCredentials) {
  World world;
  const Group group(world);
  world.saboteur.meanwhile = [&](std::string_view method) {
    if (method != "PlanUserRemoval") return world.FollowRegistry();
    EXPECT_EQ(world.env.store.Unlink(world.env.Scope(), group.linked, false)->result,
              users::UnlinkResult::kUnlinked);
  };
  auto request = world.In<v1::RemoveUserRequest>();
  request.set_user_id(group.primary);
  request.set_remove_all_linked_accounts(true);
  EXPECT_TRUE(world.service->RemoveUser(world.context, request).ok());
  EXPECT_EQ(world.env.Count(kUserRows), 1);
  EXPECT_EQ(world.data.third_party, std::set<std::string>{group.linked});
  EXPECT_EQ(world.env.Violations(), "");
}

TEST(RemoveUserTest, AnUnknownUserIsNoError) {
  World world;
  auto request = world.In<v1::RemoveUserRequest>();
  request.set_user_id("nobody");
  world.GiveData("nobody");
  EXPECT_TRUE(world.service->RemoveUser(world.context, request).ok());
  EXPECT_EQ(world.data.sessions.size(), 1u);
  request.mutable_scope()->set_app_id("nowhere");
  EXPECT_EQ(ReasonOf(world.service->RemoveUser(world.context, request).status()),
            ErrorReason::kTenantNotFound);
}

TEST(LinkAccountsTest, EndsSessionsWhereverItWasCutOff) {
  for (int step = 0; step < 4; ++step) {
    SCOPED_TRACE(step);
    World world;
    const std::string primary = world.env.Primary("a@x.io"), user = world.env.SignUp("b@x.io");
    world.GiveData(user);
    auto request = world.In<v1::LinkAccountsRequest>();
    request.set_recipe_user_id(user);
    request.set_primary_user_id(primary);
    world.saboteur.fail_at = step;
    world.saboteur.after = true;
    EXPECT_FALSE(world.service->LinkAccounts(world.context, request).ok());
    auto response = world.service->LinkAccounts(world.context, request);
    ASSERT_TRUE(response.ok()) << response.status();
    EXPECT_EQ(response->linked().user().login_methods_size(), 2);
    EXPECT_EQ(response->linked().already_linked(), step >= 2);
    EXPECT_TRUE(world.data.sessions.empty());
    EXPECT_EQ(world.data.roles.size(), 1u);
    EXPECT_EQ(world.env.Violations(), "");
  }
}

TEST(LinkAccountsTest, LeavesSessionsWhenNothingChanges) {
  World world;
  const Group group(world);
  auto request = world.In<v1::LinkAccountsRequest>();
  request.set_recipe_user_id(group.linked);
  request.set_primary_user_id(group.primary);
  EXPECT_TRUE(world.service->LinkAccounts(world.context, request)->linked().already_linked());
  const std::string other = world.env.Primary("c@x.io");
  request.set_primary_user_id(other);
  EXPECT_EQ(world.service->LinkAccounts(world.context, request)->refused().primary_user_id(),
            group.primary);
  EXPECT_EQ(world.data.sessions.size(), 2u);
}

TEST(UnlinkAccountTest, EndsTheSessionsOfTheOneThatLeaves) {
  World world;
  const Group group(world);
  auto request = world.In<v1::UnlinkAccountRequest>();
  request.set_recipe_user_id("ext");
  auto response = world.service->UnlinkAccount(world.context, request);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_TRUE(response->was_linked());
  EXPECT_FALSE(response->was_deleted());
  EXPECT_EQ(world.data.sessions, std::set<std::string>{group.primary});
  world.GiveData("ext");
  EXPECT_FALSE(world.service->UnlinkAccount(world.context, request)->was_linked());
  EXPECT_EQ(world.data.sessions.size(), 2u);
  EXPECT_EQ(world.env.Violations(), "");
}

TEST(UnlinkAccountTest, DeletesThePrimaryUsersLoginMethodWhereverItWasCutOff) {
  for (int step = 0; step < 5; ++step) {
    SCOPED_TRACE(step);
    World world;
    const std::string primary = world.env.SignUpThirdParty("a@x.io", "1");
    const std::string linked = world.env.SignUp("b@x.io");
    ASSERT_EQ(world.env.MakePrimary(primary), LinkResult::kDone);
    ASSERT_EQ(world.env.Link(linked, primary), LinkResult::kDone);
    world.GiveData(primary);
    world.data.third_party.insert(primary);
    auto request = world.In<v1::UnlinkAccountRequest>();
    request.set_recipe_user_id(primary);
    world.saboteur.fail_at = step;
    EXPECT_FALSE(world.service->UnlinkAccount(world.context, request).ok());
    auto response = world.service->UnlinkAccount(world.context, request);
    ASSERT_TRUE(response.ok()) << response.status();
    EXPECT_TRUE(response->was_deleted());
    EXPECT_TRUE(world.data.third_party.empty());
    EXPECT_TRUE(world.data.sessions.empty());
    EXPECT_EQ(world.data.roles.size(), 1u);  // the group's
    EXPECT_EQ(world.env.Violations(), "");
  }
}

TEST(RemoveUserFromTenantTest, TakesSessionsAndRolesAlong) {
  World world;
  const Group group(world);
  auto request = world.In<v1::RemoveUserFromTenantRequest>();
  request.set_user_id(group.linked);
  auto response = world.service->RemoveUserFromTenant(world.context, request);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_TRUE(response->was_associated());
  EXPECT_EQ(world.data.sessions, std::set<std::string>{group.primary});
  EXPECT_EQ(world.data.roles, std::set<std::string>{group.primary});
  response = world.service->RemoveUserFromTenant(world.context, request);
  EXPECT_FALSE(response->was_associated());
  EXPECT_FALSE(response->unknown_user_id());
  request.set_user_id("nobody");
  EXPECT_TRUE(world.service->RemoveUserFromTenant(world.context, request)->unknown_user_id());
  EXPECT_EQ(world.env.Violations(), "");
}

TEST(UserIdMappingTest, AsksEverybodyWhoKeepsDataByTheId) {
  World world;
  const std::string user = world.env.SignUp("a@x.io"), other = world.env.SignUp("b@x.io");
  auto create = world.In<v1::CreateUserIdMappingRequest>();
  create.set_supertokens_user_id(user);
  create.set_external_user_id(other);
  auto refusal = [&] {
    return std::string(
        world.service->CreateUserIdMapping(world.context, create).status().message());
  };
  EXPECT_EQ(refusal(),
            "Cannot create a userId mapping where the externalId is also a SuperTokens userID");
  create.set_external_user_id("ext");
  world.data.roles = {user};
  EXPECT_EQ(refusal(), "UserId is already in use in UserRoles recipe");
  world.data.sessions = {user};
  EXPECT_EQ(refusal(), "UserId is already in use in Session recipe");
  create.set_force(true);
  EXPECT_TRUE(world.service->CreateUserIdMapping(world.context, create)->created());
  EXPECT_TRUE(world.service->CreateUserIdMapping(world.context, create)
                  ->conflict()
                  .external_user_id_is_mapped());
  create.set_supertokens_user_id("nobody");
  create.set_external_user_id("ext2");
  EXPECT_TRUE(
      world.service->CreateUserIdMapping(world.context, create)->unknown_supertokens_user_id());

  auto remove = world.In<v1::DeleteUserIdMappingRequest>();
  remove.set_user_id(user);
  world.data.sessions = {"ext"};
  EXPECT_EQ(world.service->DeleteUserIdMapping(world.context, remove).status().message(),
            "UserId is already in use in Session recipe");
  remove.set_force(true);
  EXPECT_TRUE(world.service->DeleteUserIdMapping(world.context, remove)->existed());
  EXPECT_FALSE(world.service->DeleteUserIdMapping(world.context, remove)->existed());
}

}  // namespace
}  // namespace gatehouse::accounts

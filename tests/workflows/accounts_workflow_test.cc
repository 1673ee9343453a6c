// The workflows over the real users service: which calls the other services get, in which order,
// and what is left when a call fails or its reply is lost. cuts_test.cc interrupts each at every
// call.

#include "tests/workflows/world.h"

namespace gatehouse::accounts {
namespace {

constexpr db::Statement kUserRows = {"test_accounts_user_rows",
                                     "SELECT count(*) FROM {app_id_to_user_id}"};

TEST(RemoveUserTest, IsCompletedByARepetitionWhereverItWasCutOff) {
  // One more than there are calls: the last round is not interrupted.
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
        // Gone from the registry, so no retry would find the rest.
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
    EXPECT_EQ(steps, 5);  // plan, sessions, roles, registry, credentials
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
  // Everything goes with the last login method.
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

// A service that comes to the table of services is asked like the others; the original's names come
// first.
TEST(UserDataTest, WhoeverKeepsSomeIsWalked) {
  World world;
  std::set<std::string> devices;
  DataChannel totp_channel(world.saboteur, devices, "TOTP");
  common::v1::UserDataServiceClient totp(totp_channel);
  AccountsServiceImpl service(Peers{*world.linking_client,
                                    *world.mapping_client,
                                    *world.registry_client,
                                    world.sessions,
                                    {totp, world.sessions, world.roles},
                                    {}});
  const std::string user = world.env.SignUp("a@x.io");
  devices.insert(user);
  auto map = world.In<v1::CreateUserIdMappingRequest>();
  map.set_supertokens_user_id(user);
  map.set_external_user_id("ext");
  auto refusal = [&] {
    return std::string(service.CreateUserIdMapping(world.context, map).status().message());
  };
  EXPECT_EQ(refusal(), "UserId is already in use in TOTP recipe");
  world.data.roles.insert(user);
  EXPECT_EQ(refusal(), "UserId is already in use in UserRoles recipe");
  auto leave = world.In<v1::RemoveUserFromTenantRequest>();
  leave.set_user_id(user);
  EXPECT_TRUE(service.RemoveUserFromTenant(world.context, leave)->was_associated());
  EXPECT_TRUE(devices.empty());
  devices.insert(user);
  auto remove = world.In<v1::RemoveUserRequest>();
  remove.set_user_id(user);
  EXPECT_TRUE(service.RemoveUser(world.context, remove).ok());
  EXPECT_TRUE(devices.empty());
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

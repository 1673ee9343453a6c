// Every workflow of accounts, interrupted before and after each of its calls: nothing is
// inconsistent then, and a retry succeeds.

#include "tests/workflows/world.h"

namespace gatehouse::accounts {
namespace {

constexpr db::Statement kMappings = {"test_cuts_mappings", "SELECT count(*) FROM {userid_mapping}"};
constexpr db::Statement kInTenant = {
    "test_cuts_in_tenant", "SELECT count(DISTINCT recipe_user_id) FROM {recipe_user_tenants}"};
constexpr db::Statement kLinked = {
    "test_cuts_linked",
    "SELECT count(*) FROM {app_id_to_user_id} WHERE primary_or_recipe_user_id <> user_id"};

// One workflow. `prepare` sets the world up and returns the call; `check` checks the world when the
// call has succeeded, in whichever attempt.
struct Workflow {
  std::function<std::function<absl::Status()>(World&)> prepare;
  std::function<void(World&)> check;
  int calls;  // that it makes
};

void CutEverywhere(const Workflow& workflow) {
  for (bool after : {false, true}) {
    int steps = 0;
    // One more than there are calls: the last round is not interrupted.
    for (int step = 0; step <= steps; ++step) {
      SCOPED_TRACE(::testing::Message() << "call " << step << (after ? " after" : " before"));
      World world;
      const std::function<absl::Status()> call = workflow.prepare(world);
      world.saboteur.calls = 0;
      world.saboteur.fail_at = step;
      world.saboteur.after = after;
      const absl::Status status = call();
      steps = std::max(steps, world.saboteur.calls);
      EXPECT_EQ(status.ok(), step == world.saboteur.calls) << status;
      EXPECT_EQ(world.env.Violations(), "");
      world.saboteur.fail_at = -1;
      const absl::Status again = call();
      EXPECT_TRUE(again.ok()) << again;
      EXPECT_EQ(world.env.Violations(), "");
      workflow.check(world);
    }
    EXPECT_EQ(steps, workflow.calls);
  }
}

TEST(CutsTest, Link) {
  CutEverywhere({
      .prepare =
          [](World& world) {
            const std::string primary = world.env.Primary("a@x.io");
            const std::string user = world.env.SignUp("b@x.io");
            world.GiveData(user);
            return [&world, primary, user] {
              auto request = world.In<v1::LinkAccountsRequest>();
              request.set_recipe_user_id(user);
              request.set_primary_user_id(primary);
              const auto response = world.service->LinkAccounts(world.context, request);
              EXPECT_TRUE(!response.ok() || response->has_linked());
              return response.status();
            };
          },
      .check =
          [](World& world) {
            EXPECT_EQ(world.env.Count(kLinked), 1);
            EXPECT_TRUE(world.data.sessions.empty());
            EXPECT_EQ(world.data.roles.size(), 1u);
          },
      .calls = 4,
  });
}

TEST(CutsTest, UnlinkOfAMember) {
  CutEverywhere({
      .prepare =
          [](World& world) {
            const Group group(world);
            return [&world, group] {
              auto request = world.In<v1::UnlinkAccountRequest>();
              request.set_recipe_user_id(group.linked);
              return world.service->UnlinkAccount(world.context, request).status();
            };
          },
      .check =
          [](World& world) {
            EXPECT_EQ(world.env.Count(kLinked), 0);
            EXPECT_FALSE(world.data.sessions.contains("ext"));
            EXPECT_EQ(world.data.sessions.size(), 1u);  // the primary user's
            EXPECT_EQ(world.data.third_party.size(), 1u);
          },
      .calls = 4,
  });
}

TEST(CutsTest, RemovalFromATenant) {
  CutEverywhere({
      .prepare =
          [](World& world) {
            const Group group(world);
            return [&world, group] {
              auto request = world.In<v1::RemoveUserFromTenantRequest>();
              request.set_user_id(group.linked);
              return world.service->RemoveUserFromTenant(world.context, request).status();
            };
          },
      .check =
          [](World& world) {
            EXPECT_EQ(world.env.Count(kInTenant), 1);
            EXPECT_FALSE(world.data.sessions.contains("ext"));
            EXPECT_FALSE(world.data.roles.contains("ext"));
            EXPECT_EQ(world.data.third_party.size(), 1u);
          },
      .calls = 4,
  });
}

TEST(CutsTest, MappingOfAnId) {
  CutEverywhere({
      .prepare =
          [](World& world) {
            const std::string user = world.env.SignUp("a@x.io");
            return [&world, user] {
              auto request = world.In<v1::CreateUserIdMappingRequest>();
              request.set_supertokens_user_id(user);
              request.set_external_user_id("ext");
              // Or in conflict with itself: the mapping exists.
              return world.service->CreateUserIdMapping(world.context, request).status();
            };
          },
      .check = [](World& world) { EXPECT_EQ(world.env.Count(kMappings), 1); },
      .calls = 4,
  });
}

TEST(CutsTest, RemovalOfAMapping) {
  CutEverywhere({
      .prepare =
          [](World& world) {
            const std::string user = world.env.SignUp("a@x.io");
            auto create = world.In<v1::CreateUserIdMappingRequest>();
            create.set_supertokens_user_id(user);
            create.set_external_user_id("ext");
            EXPECT_TRUE(world.service->CreateUserIdMapping(world.context, create)->created());
            return [&world, user] {
              auto request = world.In<v1::DeleteUserIdMappingRequest>();
              request.set_user_id(user);
              return world.service->DeleteUserIdMapping(world.context, request).status();
            };
          },
      .check = [](World& world) { EXPECT_EQ(world.env.Count(kMappings), 0); },
      .calls = 4,
  });
}

}  // namespace
}  // namespace gatehouse::accounts

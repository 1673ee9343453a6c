// Many concurrent changes on a real database: the registry's keys decide, and leave nothing
// half-done.

#include <gtest/gtest.h>

#include <mutex>
#include <random>

#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "services/users/idmapping/pg_id_mapping_store.h"
#include "services/users/linking/linking_test_env.h"

namespace gatehouse::users {
namespace {

constexpr int kThreads = 50;

constexpr db::Statement kOwnersOfEmail = {
    "test_owners_of_email",
    "SELECT count(DISTINCT primary_user_id) FROM {primary_user_tenants}"
    " WHERE account_info_value = 'same@x.io'"};
constexpr db::Statement kMappings = {"test_mappings", "SELECT count(*) FROM {userid_mapping}"};

class LinkingRaceTest : public ::testing::Test {
 protected:
  ~LinkingRaceTest() override { EXPECT_EQ(env_.Violations(), ""); }
  LinkingTestEnv env_{/*dual_write=*/false, /*pool_size=*/16};
};

TEST_F(LinkingRaceTest, OneOfManyBecomesThePrimaryUserOfAnEmail) {
  for (int round = 0; round < 3; ++round) {
    std::vector<std::string> ids;
    for (int i = 0; i < kThreads; ++i) {
      ids.push_back(env_.SignUpThirdParty(StrCat("r", std::to_string(round), "@x.io"),
                                          StrCat(std::to_string(round), "-", std::to_string(i))));
    }
    std::atomic<int> made = 0, refused = 0;
    AtOnce(kThreads, [&](int i) {
      const LinkResult result = env_.MakePrimary(ids[i]);
      if (result == LinkResult::kDone) ++made;
      if (result == LinkResult::kAccountInfoTaken) ++refused;
    });
    EXPECT_EQ(made, 1);
    EXPECT_EQ(refused, kThreads - 1);
  }
}

TEST_F(LinkingRaceTest, LinksThatWouldGiveTwoPrimaryUsersOneEmail) {
  const std::string first = env_.Primary("p1@x.io"), second = env_.Primary("p2@x.io");
  std::vector<std::string> ids;
  for (int i = 0; i < kThreads; ++i) {
    ids.push_back(env_.SignUpThirdParty("same@x.io", std::to_string(i)));
  }
  std::atomic<int> to_first = 0, to_second = 0, refused = 0;
  AtOnce(kThreads, [&](int i) {
    const LinkResult result = env_.Link(ids[i], i % 2 == 0 ? first : second);
    if (result == LinkResult::kDone) ++(i % 2 == 0 ? to_first : to_second);
    if (result == LinkResult::kAccountInfoTaken) ++refused;
  });
  EXPECT_EQ(to_first + to_second, kThreads / 2);
  EXPECT_TRUE(to_first == 0 || to_second == 0);
  EXPECT_EQ(refused, kThreads / 2);
  EXPECT_EQ(env_.Count(kOwnersOfEmail), 1);
}

TEST_F(LinkingRaceTest, SignUpsWhileUsersAreLinkedAndAddedToTheTenant) {
  const std::string primary = env_.Primary("p@x.io");
  const std::string elsewhere = env_.SignUp("same@x.io", "t1");
  ASSERT_EQ(env_.Link(elsewhere, primary), LinkResult::kDone);
  std::atomic<int> signed_up = 0, added = 0;
  AtOnce(kThreads, [&](int i) {
    if (i % 5 == 0) {
      auto outcome = env_.store.AddToTenant(env_.Scope(), elsewhere);
      ASSERT_TRUE(outcome.ok()) << outcome.status();
      if (outcome->result == TenantResult::kAdded) ++added;
    } else if (!env_.SignUp("same@x.io").empty()) {
      ++signed_up;
    }
  });
  // One user of the recipe has the email in the tenant: the one that signed up, or the one that
  // came from the other tenant.
  EXPECT_EQ(signed_up + added, 1);
}

TEST_F(LinkingRaceTest, EverythingAtOnce) {
  std::vector<std::string> ids;
  for (int i = 0; i < 12; ++i) {
    const std::string email = StrCat("u", std::to_string(i % 5), "@x.io");
    ids.push_back(env_.SignUpThirdParty(email, std::to_string(i)));
  }
  for (int i = 0; i < 3; ++i) env_.MakePrimary(ids[i]);
  AtOnce(16, [&](int thread) {
    std::mt19937 random(thread);
    auto pick = [&] { return ids[random() % ids.size()]; };
    for (int i = 0; i < 25; ++i) {
      absl::Status status;
      switch (random() % 7) {
        case 0:
          status = env_.store.MakePrimary(env_.Scope(), pick()).status();
          break;
        case 1:
        case 2:
          status = env_.store.Link(env_.Scope(), pick(), pick()).status();
          break;
        case 3:
          status = env_.store.Unlink(env_.Scope(), pick(), false).status();
          break;
        case 4:
          status = env_.store.AddToTenant(env_.Scope("t1"), pick()).status();
          break;
        case 5:
          status = env_.store.RemoveFromTenant(env_.Scope("t1"), pick()).status();
          break;
        default:
          if (i % 5 == 0) {
            status = env_.store.Remove(env_.Scope(), pick(), random() % 2 == 0, false).status();
          }
      }
      EXPECT_TRUE(status.ok()) << status << " " << db::DatabaseCause(status);
    }
  });
}

TEST_F(LinkingRaceTest, OneIdIsMappedOnce) {
  PgIdMappingStore mappings(env_.tenants());
  const std::string user = env_.SignUp("a@x.io"), other = env_.SignUp("b@x.io");
  std::atomic<int> made = 0, refused = 0;
  AtOnce(kThreads, [&](int i) {
    // Half of them want one external id for two users, the others several for one.
    const IdMapping mapping = i % 2 == 0
                                  ? IdMapping{i % 4 == 0 ? user : other, "one", std::nullopt}
                                  : IdMapping{user, StrCat("x", std::to_string(i)), std::nullopt};
    auto result = mappings.Create(env_.Scope(), mapping, /*move_email_verification=*/true);
    ASSERT_TRUE(result.ok()) << result.status();
    ++(*result == MappingMade::kMade ? made : refused);
  });
  EXPECT_EQ(env_.Count(kMappings), made);
  EXPECT_GE(made, 1);
  EXPECT_LE(made, 2);  // the user's, and perhaps the other's
  EXPECT_EQ(made + refused, kThreads);
}

}  // namespace
}  // namespace gatehouse::users

// The registry's changes on a real database: outcomes, and the tables afterwards.

#include <gtest/gtest.h>

#include "libs/base/status.h"
#include "services/users/linking/linking_test_env.h"

namespace gatehouse::users {
namespace {

constexpr db::Statement kReservations = {"test_reservations",
                                         "SELECT count(*) FROM {primary_user_tenants}"};
constexpr db::Statement kUserRows = {"test_user_rows", "SELECT count(*) FROM {app_id_to_user_id}"};
constexpr db::Statement kInfoRows = {"test_info_rows",
                                     "SELECT count(*) FROM {recipe_user_account_infos}"};

// Every test also runs with the original's old tables maintained.
class LinkingStoreTest : public ::testing::TestWithParam<bool> {
 protected:
  ~LinkingStoreTest() override { EXPECT_EQ(env_.Violations(), ""); }

  LinkOutcome CheckLink(const std::string& id, const std::string& primary) {
    auto outcome = env_.store.CheckLink(env_.Scope(), id, primary);
    EXPECT_TRUE(outcome.ok()) << outcome.status();
    return outcome.value_or(LinkOutcome{LinkResult::kUnknownUser, {}, {}});
  }
  UnlinkResult Unlink(const std::string& id, bool check_only = false) {
    auto outcome = env_.store.Unlink(env_.Scope(), id, check_only);
    EXPECT_TRUE(outcome.ok()) << outcome.status();
    return outcome.ok() ? outcome->result : UnlinkResult::kUnknownUser;
  }
  TenantOutcome Add(const std::string& id, const std::string& tenant) {
    auto outcome = env_.store.AddToTenant(env_.Scope(tenant), id);
    EXPECT_TRUE(outcome.ok()) << outcome.status();
    return outcome.value_or(TenantOutcome{TenantResult::kUnknownUser, {}, {}});
  }
  LeaveTenantResult Leave(const std::string& id, const std::string& tenant) {
    auto result = env_.store.RemoveFromTenant(env_.Scope(tenant), id);
    EXPECT_TRUE(result.ok()) << result.status();
    return result.value_or(LeaveTenantResult::kUnknownUser);
  }
  std::vector<std::string> Remove(const std::string& id, bool whole_group) {
    auto removed = env_.store.Remove(env_.Scope(), id, whole_group, /*check_only=*/false);
    EXPECT_TRUE(removed.ok()) << removed.status();
    std::vector<std::string> ids;
    if (removed.ok()) {
      for (const RemovedUser& user : *removed) ids.push_back(user.user_id);
    }
    return ids;
  }
  v1::User User(const std::string& id) {
    auto user = env_.users.FindById(env_.Scope(), id);
    EXPECT_TRUE(user.ok()) << user.status();
    return user.ok() && user->has_value() ? **user : v1::User();
  }

  LinkingTestEnv env_{GetParam()};
};
INSTANTIATE_TEST_SUITE_P(Modes, LinkingStoreTest, ::testing::Bool());

TEST_P(LinkingStoreTest, APrimaryUserHoldsItsEmail) {
  const std::string first = env_.SignUp("a@x.io");
  const std::string second = env_.SignUpThirdParty("a@x.io", "1");
  EXPECT_EQ(env_.MakePrimary(first), LinkResult::kDone);
  EXPECT_EQ(env_.MakePrimary(first), LinkResult::kAlready);
  auto refused = env_.store.MakePrimary(env_.Scope(), second);
  ASSERT_TRUE(refused.ok());
  EXPECT_EQ(refused->result, LinkResult::kAccountInfoTaken);
  EXPECT_EQ(refused->primary_id, first);
  EXPECT_EQ(refused->info_type, kEmailInfo);
  auto checked = env_.store.CheckPrimary(env_.Scope(), second);
  ASSERT_TRUE(checked.ok());
  EXPECT_EQ(checked->result, LinkResult::kAccountInfoTaken);
  EXPECT_EQ(env_.MakePrimary("00000000-0000-4000-8000-000000000000"), LinkResult::kUnknownUser);
  EXPECT_EQ(env_.Count(kReservations), 1);
}

TEST_P(LinkingStoreTest, LinkingJoinsInfosAndTimes) {
  const std::string older = env_.SignUpThirdParty("b@x.io", "1");
  const std::string primary = env_.Primary("a@x.io");
  EXPECT_EQ(CheckLink(older, primary).result, LinkResult::kDone);
  EXPECT_EQ(env_.Link(older, primary), LinkResult::kDone);
  EXPECT_EQ(env_.Link(older, primary), LinkResult::kAlready);
  EXPECT_EQ(env_.Link(primary, older), LinkResult::kAlready);
  EXPECT_EQ(CheckLink(older, primary).result, LinkResult::kAlready);
  const v1::User user = User(older);
  EXPECT_EQ(user.supertokens_user_id(), primary);
  ASSERT_EQ(user.login_methods_size(), 2);
  EXPECT_EQ(user.login_methods(0).supertokens_user_id(), older);
  EXPECT_EQ(env_.Count(kReservations), 3);  // two emails, one identity
}

TEST_P(LinkingStoreTest, RefusesWhatIsNotPrimaryOrIsAnothers) {
  const std::string a = env_.Primary("a@x.io"), b = env_.Primary("b@x.io");
  const std::string single = env_.SignUp("c@x.io"), linked = env_.SignUp("d@x.io");
  EXPECT_EQ(env_.Link(linked, single), LinkResult::kNotPrimary);
  ASSERT_EQ(env_.Link(linked, a), LinkResult::kDone);
  EXPECT_EQ(env_.Link(linked, b), LinkResult::kLinkedToAnother);
  EXPECT_EQ(env_.Link(a, b), LinkResult::kLinkedToAnother);
  EXPECT_EQ(CheckLink(a, b).primary_id, a);
  EXPECT_EQ(env_.MakePrimary(linked), LinkResult::kLinkedToAnother);
  const std::string has_b = env_.SignUpThirdParty("b@x.io", "1");
  const LinkOutcome checked = CheckLink(has_b, a);
  EXPECT_EQ(checked.result, LinkResult::kAccountInfoTaken);
  EXPECT_EQ(checked.primary_id, b);
  // Identified by a member of the group.
  EXPECT_EQ(env_.Link(has_b, linked), LinkResult::kAccountInfoTaken);
  EXPECT_EQ(env_.Link(single, linked), LinkResult::kDone);
  EXPECT_EQ(User(single).supertokens_user_id(), a);
}

TEST_P(LinkingStoreTest, UnlinkingLetsGoOfInfos) {
  const std::string primary = env_.Primary("a@x.io"), linked = env_.SignUp("b@x.io");
  ASSERT_EQ(env_.Link(linked, primary), LinkResult::kDone);
  EXPECT_EQ(Unlink(linked, /*check_only=*/true), UnlinkResult::kUnlinked);
  EXPECT_EQ(User(linked).supertokens_user_id(), primary);
  EXPECT_EQ(Unlink(linked), UnlinkResult::kUnlinked);
  EXPECT_EQ(Unlink(linked), UnlinkResult::kNotLinked);
  EXPECT_FALSE(User(linked).is_primary_user());
  EXPECT_TRUE(User(primary).is_primary_user());
  const std::string other = env_.SignUpThirdParty("b@x.io", "1");
  EXPECT_EQ(env_.MakePrimary(other), LinkResult::kDone);
  EXPECT_EQ(Unlink(primary), UnlinkResult::kUnlinked);  // nobody else in the group
  EXPECT_FALSE(User(primary).is_primary_user());
}

TEST_P(LinkingStoreTest, UnlinkingThePrimaryUserOfOthersDeletesItsLoginMethod) {
  const std::string primary = env_.Primary("a@x.io"), linked = env_.SignUp("b@x.io");
  ASSERT_EQ(env_.Link(linked, primary), LinkResult::kDone);
  EXPECT_EQ(Unlink(primary), UnlinkResult::kDeleted);
  EXPECT_EQ(Unlink(primary), UnlinkResult::kDeleted);  // a repetition has nothing to do
  const v1::User user = User(primary);
  EXPECT_EQ(user.supertokens_user_id(), primary);
  ASSERT_EQ(user.login_methods_size(), 1);
  EXPECT_EQ(user.login_methods(0).supertokens_user_id(), linked);
  // It has nothing that could be in another tenant, so its group reserves nothing there for it.
  EXPECT_EQ(Add(primary, "t1").result, TenantResult::kUnknownUser);
  EXPECT_EQ(env_.Violations(), "");
  // The email is free; the id still takes users.
  const std::string again = env_.SignUp("a@x.io");
  EXPECT_NE(again, "");
  EXPECT_EQ(env_.Link(again, primary), LinkResult::kDone);
  EXPECT_EQ(User(again).login_methods_size(), 2);
  // The last ones leave nothing of the id.
  Remove(linked, /*whole_group=*/true);
  EXPECT_EQ(env_.Count(kUserRows), 0);
  EXPECT_EQ(env_.Count(kReservations), 0);
}

TEST_P(LinkingStoreTest, RemovesOneOrAll) {
  const std::string primary = env_.Primary("a@x.io"), linked = env_.SignUp("b@x.io"),
                    third = env_.SignUpThirdParty("c@x.io", "1");
  ASSERT_EQ(env_.Link(linked, primary), LinkResult::kDone);
  ASSERT_EQ(env_.Link(third, primary), LinkResult::kDone);
  EXPECT_EQ(Remove(linked, /*whole_group=*/false), std::vector<std::string>{linked});
  EXPECT_EQ(Remove(primary, /*whole_group=*/false), std::vector<std::string>{primary});
  EXPECT_EQ(env_.Count(kInfoRows), 2);  // third's
  auto planned = env_.store.Remove(env_.Scope(), third, false, /*check_only=*/true);
  ASSERT_TRUE(planned.ok());
  ASSERT_EQ(planned->size(), 2u);  // the group's id is removed with the last login method
  EXPECT_EQ(Remove(third, /*whole_group=*/false).size(), 2u);
  EXPECT_EQ(Remove(third, /*whole_group=*/false).size(), 0u);
  EXPECT_EQ(env_.Count(kUserRows), 0);
  EXPECT_EQ(env_.Count(kReservations), 0);
}

TEST_P(LinkingStoreTest, TenantsOfAGroup) {
  const std::string primary = env_.Primary("a@x.io"), linked = env_.SignUp("b@x.io");
  ASSERT_EQ(env_.Link(linked, primary), LinkResult::kDone);
  EXPECT_EQ(Add(linked, "t1").result, TenantResult::kAdded);
  EXPECT_EQ(Add(linked, "t1").result, TenantResult::kAlready);
  EXPECT_EQ(env_.Count(kReservations), 4);  // two emails in two tenants
  const std::string in_t1 = env_.SignUp("a@x.io", "t1");
  EXPECT_EQ(env_.MakePrimary(in_t1), LinkResult::kAccountInfoTaken);
  EXPECT_EQ(Add(primary, "t1").result, TenantResult::kDuplicate);
  EXPECT_EQ(Leave(linked, "t1"), LeaveTenantResult::kRemoved);
  EXPECT_EQ(Leave(linked, "t1"), LeaveTenantResult::kWasNotThere);
  EXPECT_EQ(env_.MakePrimary(in_t1), LinkResult::kDone);
  const TenantOutcome duplicate = Add(linked, "t1");
  EXPECT_EQ(duplicate.result, TenantResult::kDuplicate);
  EXPECT_EQ(duplicate.info_type, kEmailInfo);
  EXPECT_EQ(Leave("00000000-0000-4000-8000-000000000000", "t1"), LeaveTenantResult::kUnknownUser);
}

TEST_P(LinkingStoreTest, AnotherPrimaryUserOfATenantKeepsAGroupOut) {
  const std::string primary = env_.Primary("a@x.io");
  const std::string linked = env_.SignUpThirdParty("b@x.io", "1");
  ASSERT_EQ(env_.Link(linked, primary), LinkResult::kDone);
  // The email is of another recipe there, so it is no duplicate.
  const std::string other = env_.SignUpThirdParty("a@x.io", "2", "t1");
  ASSERT_EQ(env_.MakePrimary(other), LinkResult::kDone);
  for (const std::string& id : {primary, linked}) {
    const TenantOutcome taken = Add(id, "t1");
    EXPECT_EQ(taken.result, TenantResult::kAccountInfoTaken);
    EXPECT_EQ(taken.primary_id, other);
    EXPECT_EQ(taken.info_type, kEmailInfo);
  }
  // Now it is one, and the third party's identity another, which is reported after it.
  const std::string same = env_.SignUpThirdParty("b@x.io", "1", "t2");
  ASSERT_EQ(env_.MakePrimary(same), LinkResult::kDone);
  EXPECT_EQ(Add(primary, "t2").result, TenantResult::kDuplicate);
  EXPECT_EQ(Add(linked, "t2").info_type, kEmailInfo);
}

TEST_P(LinkingStoreTest, ConflictsAreToldInOneOrder) {
  auto expect = [&](const LinkOutcome& outcome, const std::string& primary, const char* what) {
    EXPECT_EQ(outcome.result, LinkResult::kAccountInfoTaken) << what;
    EXPECT_EQ(outcome.primary_id, primary) << what;
    EXPECT_EQ(outcome.info_type, kEmailInfo) << what;
  };
  const std::string there = env_.SignUpThirdParty("a@x.io", "1", "t1");
  ASSERT_EQ(env_.MakePrimary(there), LinkResult::kDone);
  const std::string group = env_.SignUp("c@x.io", "t1");
  ASSERT_EQ(env_.MakePrimary(group), LinkResult::kDone);
  // Both the email and the identity are `there`'s: the email is reported.
  const std::string twin = env_.SignUpThirdParty("a@x.io", "1", "t2");
  expect(CheckLink(twin, group), there, "check of a twin");
  expect(*env_.store.Link(env_.Scope(), twin, group), there, "link of a twin");

  // The user's own account infos are reported before the group's.
  const std::string has_groups_email = env_.SignUpThirdParty("c@x.io", "5", "t6");
  ASSERT_EQ(env_.MakePrimary(has_groups_email), LinkResult::kDone);
  const std::string has_users_email = env_.SignUpThirdParty("z@x.io", "6", "t1");
  ASSERT_EQ(env_.MakePrimary(has_users_email), LinkResult::kDone);
  const std::string user = env_.SignUp("z@x.io", "t6");
  expect(CheckLink(user, group), has_users_email, "check of the user's first");
  expect(*env_.store.Link(env_.Scope(), user, group), has_users_email, "the user's first");
}

TEST_P(LinkingStoreTest, AUserWithoutTenants) {
  const std::string user = env_.SignUp("a@x.io"), other = env_.SignUp("b@x.io");
  EXPECT_EQ(Leave(user, "public"), LeaveTenantResult::kRemoved);
  EXPECT_EQ(env_.MakePrimary(user), LinkResult::kDone);
  EXPECT_EQ(env_.Count(kReservations), 0);
  EXPECT_EQ(env_.Link(other, user), LinkResult::kDone);
  EXPECT_EQ(env_.Count(kReservations), 2);
  EXPECT_EQ(Add(user, "public").result, TenantResult::kAdded);
}

}  // namespace
}  // namespace gatehouse::users

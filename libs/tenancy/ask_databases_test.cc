#include "libs/tenancy/ask_databases.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "libs/base/status.h"
#include "libs/base/steady_time.h"

namespace gatehouse::tenancy {
namespace {

TenantPtr Named(const std::string& tenant_id) {
  auto tenant = std::make_shared<Tenant>();
  tenant->tenant_id = tenant_id;
  return tenant;
}

absl::Status Away() { return MakeError(ErrorReason::kDependencyDown, "away"); }

TEST(AskDatabasesTest, GoesOnWithoutThoseThatAreAway) {
  const std::vector<TenantPtr> databases = {Named("a"), Named("b"), Named("c")};
  const absl::Time deadline = SteadyNow() + absl::Seconds(30);
  std::string asked;
  const auto ask = [&](std::string_view away, std::string_view found) {
    asked.clear();
    return AskDatabases(databases, deadline,
                        [&](const TenantPtr& one, absl::Time until) -> absl::StatusOr<bool> {
                          EXPECT_LE(until, SteadyNow() + absl::Seconds(2));
                          asked += one->tenant_id;
                          if (away.find(one->tenant_id) != away.npos) return Away();
                          return one->tenant_id == found;
                        });
  };
  EXPECT_TRUE(ask("", "")->empty());
  EXPECT_EQ(asked, "abc");
  EXPECT_TRUE(ask("a", "b")->empty()) << "found: what is away has no part in the answer";
  EXPECT_EQ(asked, "ab");
  const auto missing = ask("ac", "");
  ASSERT_TRUE(missing.ok());
  EXPECT_EQ(asked, "abc");
  EXPECT_EQ(NeedsAll(*missing).message(),
            "The databases of the tenants 'a', 'c' are not available");
  EXPECT_EQ(NeedsAll(*ask("b", "")).message(), "The database of the tenant 'b' is not available");
  EXPECT_EQ(ReasonOf(NeedsAll(*missing)), ErrorReason::kDependencyDown);
}

TEST(AskDatabasesTest, OtherErrorsEndIt) {
  int asked = 0;
  const auto missing =
      AskDatabases({Named("a"), Named("b")}, SteadyNow() + absl::Seconds(30),
                   [&](const TenantPtr&, absl::Time) -> absl::StatusOr<bool> {
                     ++asked;
                     return BadInput("bad");
                   });
  EXPECT_EQ(ReasonOf(missing.status()), ErrorReason::kBadInput);
  EXPECT_EQ(asked, 1);
}

TEST(AskDatabasesTest, AnOnlyDatabaseHasAllTheTimeAndItsOwnError) {
  const absl::Time deadline = SteadyNow() + absl::Seconds(30);
  const auto missing = AskDatabases({Named("a")}, deadline,
                                    [&](const TenantPtr&, absl::Time until) -> absl::StatusOr<bool> {
                                      EXPECT_EQ(until, deadline);
                                      return Away();
                                    });
  EXPECT_EQ(missing.status().message(), "away");
}

}  // namespace
}  // namespace gatehouse::tenancy

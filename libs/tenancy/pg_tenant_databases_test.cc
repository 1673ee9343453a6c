#include "libs/tenancy/pg_tenant_databases.h"

#include <gtest/gtest.h>

namespace gatehouse::tenancy {
namespace {

config::DbSettings Base() {
  config::DbSettings base;
  base.host = "db";
  base.user = "owner";
  base.password = "owner's";
  return base;
}

// As for a service with its own role.
db::DatabaseOptions RoleOptions() {
  auto options = MakeDatabaseOptions(Base(), "gatehouse");
  EXPECT_TRUE(options.ok()) << options.status();
  options->user = "role";
  options->password = "role's";
  return *options;
}

db::DatabaseOptions Overlaid(const config::DbSettings& tenant) {
  auto options = OverlayDatabaseOptions(RoleOptions(), Base(), tenant);
  EXPECT_TRUE(options.ok()) << options.status();
  return *options;
}

TEST(OverlayDatabaseOptionsTest, TheRoleIsTheBaseServers) {
  config::DbSettings schema = Base();
  schema.table_schema = "s";
  EXPECT_EQ(Overlaid(schema).password, "role's");
  EXPECT_FALSE(Overlaid(schema).ignore_environment_password);

  config::DbSettings host = Base();
  host.host = "elsewhere";
  config::DbSettings port = Base();
  port.port = 6666;
  config::DbSettings plain = Base();
  plain.connection_attributes = "sslmode=disable";
  for (const config::DbSettings& tenant : {host, port, plain}) {
    // Spelled like the base's, and without a password: still not the role's.
    EXPECT_EQ(Overlaid(tenant).user, "owner");
    EXPECT_EQ(Overlaid(tenant).password, "owner's");
    config::DbSettings none = tenant;
    none.password = "";
    EXPECT_EQ(Overlaid(none).password, "");
    EXPECT_TRUE(Overlaid(none).ignore_environment_password);
  }
}

}  // namespace
}  // namespace gatehouse::tenancy

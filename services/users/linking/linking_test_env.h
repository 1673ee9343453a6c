#pragma once

// A database with users, for tests of changes of users.

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "libs/crypto/bytes.h"
#include "libs/testing/pg_test_server.h"
#include "libs/testing/registry_invariants.h"
#include "libs/testing/test_tenants.h"
#include "services/users/emailpassword/pg_emailpassword_store.h"
#include "services/users/linking/pg_linking_store.h"
#include "services/users/registry/pg_user_store.h"

namespace gatehouse::users {

class LinkingTestEnv {
 public:
  explicit LinkingTestEnv(bool dual_write = false, int pool_size = 8)
      : dual_write_(dual_write),
        database_(testing::TestPostgres::Shared().CreateDatabase(pool_size)),
        tenants_(*database_, dual_write ? R"({"migration_mode":"DUAL_WRITE_READ_NEW"})" : "{}"),
        users(tenants_),
        passwords(tenants_),
        store(tenants_) {}

  Where Scope(const std::string& tenant_id = "public") {
    auto found = tenants_.directory().Find(testing::ScopeOf("public", tenant_id));
    tenancy::TenantPtr tenant = found.ok() ? *found : tenants_.Add("public", tenant_id, "{}");
    return {std::move(tenant), testing::Soon()};
  }

  // The id; empty when the tenant has the email already.
  std::string SignUp(const std::string& email, const std::string& tenant_id = "public") {
    NewEmailPasswordUser user;
    user.user_id = crypto::NewUuid4();
    user.email = email;
    user.password_hash = "hash";
    user.time_joined_ms = ++time_;
    auto made = passwords.SignUp(Scope(tenant_id), user);
    EXPECT_TRUE(made.ok()) << made.status();
    return made.ok() && *made ? user.user_id : "";
  }
  std::string SignUpThirdParty(const std::string& email, const std::string& provider_user_id,
                               const std::string& tenant_id = "public") {
    const NewIdentity user = {crypto::NewUuid4(),
                              {.recipe_id = std::string(kThirdPartyRecipe),
                               .email = email,
                               .third_party = ThirdPartyId{"google", provider_user_id}},
                              ++time_,
                              false};
    auto made = users.Register(Scope(tenant_id), user);
    EXPECT_TRUE(made.ok()) << made.status();
    return made.ok() && *made ? user.user_id : "";
  }

  LinkResult MakePrimary(const std::string& id) { return Take(store.MakePrimary(Scope(), id)); }
  LinkResult Link(const std::string& id, const std::string& primary) {
    return Take(store.Link(Scope(), id, primary));
  }
  // A primary user.
  std::string Primary(const std::string& email) {
    const std::string id = SignUp(email);
    EXPECT_EQ(MakePrimary(id), LinkResult::kDone);
    return id;
  }

  // What is wrong in the registry, one per line; expected to be empty.
  std::string Violations() {
    std::string lines;
    for (const std::string& line :
         testing::RegistryViolations(*database_, {.legacy_tables = dual_write_})) {
      lines += line + "\n";
    }
    return lines;
  }
  int64_t Count(const db::Statement& statement) {
    auto result = database_->Execute(testing::Soon(), statement);
    EXPECT_TRUE(result.ok()) << result.status();
    return result.ok() ? result->front().Int64(0) : -1;
  }
  testing::TestTenants& tenants() { return tenants_; }

 private:
  static LinkResult Take(const absl::StatusOr<LinkOutcome>& outcome) {
    EXPECT_TRUE(outcome.ok()) << outcome.status();
    return outcome.ok() ? outcome->result : LinkResult::kUnknownUser;
  }

  const bool dual_write_;
  std::unique_ptr<db::Database> database_;
  testing::TestTenants tenants_;
  std::atomic<int64_t> time_{1'700'000'000'000};

 public:
  PgUserStore users;
  PgEmailPasswordStore passwords;
  PgLinkingStore store;
};

// Runs `body(i)` for i below `count`, all at once.
template <typename Body>
void AtOnce(int count, Body body) {
  std::atomic<bool> go = false;  // outlives the threads, which may still be about to read it
  std::vector<std::jthread> threads;
  for (int i = 0; i < count; ++i) {
    threads.emplace_back([&, i] {
      go.wait(false);
      body(i);
    });
  }
  go = true;
  go.notify_all();
}

}  // namespace gatehouse::users

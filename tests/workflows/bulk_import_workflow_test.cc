// The import of users by the job, over the real services: interrupted before and after each of its
// calls, by several jobs at once, and while a service is away.

#include <functional>
#include <thread>

#include "gatehouse/roles/v1/roles_service.rpc.h"
#include "gatehouse/totp/v1/totp_service.rpc.h"
#include "libs/crypto/bytes.h"
#include "libs/passwords/password_hasher.h"
#include "libs/rpc/user_data_policy.h"
#include "services/accounts/bulkimport/pg_bulk_import_job.h"
#include "services/accounts/bulkimport/bulk_import_service.h"
#include "services/passwordless/passwordless_service.h"
#include "services/passwordless/pg_device_store.h"
#include "services/passwordless/pg_passwordless_user_store.h"
#include "services/roles/policy.h"
#include "services/roles/roles_service.h"
#include "services/thirdparty/pg_third_party_user_store.h"
#include "services/thirdparty/thirdparty_service.h"
#include "services/totp/policy.h"
#include "services/totp/totp_service.h"
#include "services/users/listing/pg_listing_store.h"
#include "services/users/listing/user_directory_service.h"
#include "services/users/userimport/user_import_service.h"
#include "tests/workflows/world.h"

namespace gatehouse::accounts {
namespace {

constexpr char kHash[] = "$2a$10$GzEm3vKoAqnJCTWesRARCe/ovjt/07qjvcH9jbLUg44Fn77gMZkmm";

// Everything that a user can have; `n` tells users apart.
std::string EverythingOf(int n, bool with_external_id = true) {
  const std::string number = std::to_string(n);
  const std::string id = with_external_id ? R"("externalUserId":"ext-)" + number + R"(",)" : "";
  return "{" + id + R"("userMetadata":{"n":)" + number +
         R"(},"userRoles":[{"role":"r","tenantIds":["public"]}],)"
         R"("totpDevices":[{"secretKey":"JBSWY3DPEHPK3PXP"}],"loginMethods":[)"
         R"({"recipeId":"emailpassword","email":"p)" + number +
         R"(@x.io","isPrimary":true,"isVerified":true,"hashingAlgorithm":"bcrypt","passwordHash":")" +
         kHash + R"("},{"recipeId":"thirdparty","thirdPartyId":"google","thirdPartyUserId":"g)" +
         number + R"(","email":"t)" + number + R"(@x.io"},{"recipeId":"passwordless","email":"l)" +
         number + R"(@x.io"}]})";
}
std::string PasswordOf(const std::string& email) {
  return R"({"loginMethods":[{"recipeId":"emailpassword","email":")" + email +
         R"(","hashingAlgorithm":"bcrypt","passwordHash":")" + kHash + R"("}]})";
}

#define COUNT(NAME, SQL) \
  constexpr db::Statement NAME = {"test_bulk_" #NAME, "SELECT count(*) FROM " SQL}
COUNT(kWaiting, "{bulk_import_users}");
COUNT(kFailed, "{bulk_import_users} WHERE status = 'FAILED'");
COUNT(kUsers, "{app_id_to_user_id}");
COUNT(kPasswords, "{emailpassword_users}");
COUNT(kThirdParty, "{thirdparty_users}");
COUNT(kPasswordless, "{passwordless_users}");
COUNT(kMappings, "{userid_mapping}");
COUNT(kVerified, "{emailverification_verified_emails}");
COUNT(kMetadata, "{user_metadata}");
COUNT(kRoles, "{user_roles}");
COUNT(kDevices, "{totp_user_devices}");
COUNT(kSecrets, "{bulk_import_users} WHERE raw_data LIKE '%correct horse%'");
// A decoy's is all dots.
COUNT(kOwnPasswords, "{emailpassword_users} WHERE password_hash NOT LIKE '%.....%'");
// As if the time had passed that a request has.
constexpr db::Statement kMakeDue = {
    "test_bulk_due", "WITH due AS (UPDATE {bulk_import_users} SET updated_at = 1 RETURNING 1) SELECT count(*) FROM due"};
COUNT(kOlderDevices, "{totp_user_devices} WHERE device_name = 'older'");

class ImportWorld {
 public:
  explicit ImportWorld(bool dual_write = false) : env(dual_write) {
    context.deadline = testing::Soon();
    env.tenants().AddToDirectory("public", "public",
                                 R"({"bulk_migration_sleep_between_rounds_in_batch_ms":1})");
    AddRole();
  }

  void AddRole() {
    roles::v1::UpsertRoleRequest role;
    *role.mutable_scope() = testing::ScopeOf("public");
    role.set_role("r");
    EXPECT_TRUE(roles_service.UpsertRole(context, role).ok());
  }
  void MakeDue() { (void)env.Count(kMakeDue); }
  void RemoveWaiting() {
    v1::ListUsersRequest list;
    *list.mutable_scope() = testing::ScopeOf("public");
    list.set_page_size(10);
    v1::RemoveUsersRequest remove;
    *remove.mutable_scope() = testing::ScopeOf("public");
    const auto waiting = service.ListUsers(context, list);
    ASSERT_TRUE(waiting.ok()) << waiting.status();
    for (const auto& user : waiting->users()) remove.add_ids(user.id());
    EXPECT_TRUE(service.RemoveUsers(context, remove).ok());
  }

  ImportPeers Peers() {
    return {.users = user_import,
            .roles = roles,
            .totp = totp,
            .others = accounts::Peers{linking, mapping, registry, sessions, {roles_data, totp_data},
                                      {{"passwordless", passwordless}, {"thirdparty", third_party}}}};
  }
  v1::AddUsersResponse Add(const std::vector<std::string>& users) {
    v1::AddUsersRequest request;
    *request.mutable_scope() = testing::ScopeOf("public");
    for (const std::string& user : users) request.add_users_json(user);
    auto response = service.AddUsers(context, request);
    EXPECT_TRUE(response.ok()) << response.status();
    return response.ok() ? *std::move(response) : v1::AddUsersResponse();
  }
  absl::Status Run() {
    job.NoteAdded();
    return job.Run();
  }
  void ExpectWhole(int users) {
    EXPECT_EQ(env.Count(kWaiting), 0);
    EXPECT_EQ(env.Count(kUsers), 3 * users);
    for (const auto& statement : {kPasswords, kThirdParty, kPasswordless, kMappings, kVerified,
                                  kMetadata, kRoles, kDevices}) {
      EXPECT_EQ(env.Count(statement), users) << statement.name;
    }
    EXPECT_EQ(env.Violations(), "");
  }

  Saboteur saboteur;
  rpc::CallContext context;
  testing::FakeClock clock;
  users::LinkingTestEnv env;
  const tenancy::TenantDirectory& directory = env.tenants().directory();

  users::PgActivityStore activity_store{env.tenants()};
  testing::FakeActivityLog audit;
  activity::ActivityLog audit_log{audit, clock};
  users::ActivityRecorder activity{activity_store, audit_log, clock};
  users::LinkingServiceImpl linking_service{directory, env.users, env.store, activity};
  users::PgIdMappingStore mapping_store{env.tenants()};
  users::IdMappingServiceImpl mapping_service{directory, mapping_store};
  users::RegistryServiceImpl registry_service{directory, env.users, activity, clock};
  passwords::PooledPasswordHasher hasher{passwords::PooledPasswordHasher::Sizes{
      .bcrypt_threads = 1, .argon2_threads = 1, .firebase_threads = 1, .max_queued = 100}};
  users::PgUserImportStore import_store{env.tenants()};
  users::UserImportServiceImpl import_service{directory, env.users, import_store, hasher};
  users::v1::LinkingServiceHandler linking_handler{linking_service};
  users::v1::IdMappingServiceHandler mapping_handler{mapping_service};
  users::v1::RegistryServiceHandler registry_handler{registry_service};
  users::v1::UserImportServiceHandler import_handler{import_service};
  users::PgListingStore listing_store{env.tenants()};
  users::UserDirectoryServiceImpl directory_service{directory, env.users, listing_store, activity,
                                                    clock};
  users::v1::UserDirectoryServiceHandler directory_handler{directory_service};
  roles::PgRoleStore role_store{env.tenants()};
  roles::RolesServiceImpl roles_service{directory, role_store};
  roles::v1::RolesServiceHandler roles_handler{roles_service};
  common::v1::UserDataServiceHandler roles_data_handler{roles_service};

  std::vector<std::unique_ptr<rpc::Dispatcher>> all;
  std::unique_ptr<rpc::Channel> Local(
      std::vector<std::pair<rpc::ServiceHandler*, rpc::Policy>> services,
      std::string_view caller = "accounts") {
    std::vector<rpc::Dispatcher*> dispatchers;
    for (auto& [handler, policy] : services) {
      all.push_back(World::Dispatch(*handler, policy));
      dispatchers.push_back(all.back().get());
    }
    return rpc::MakeLocalChannel(dispatchers, std::string(caller));
  }

  ForwardingChannel users_channel{saboteur, Local({{&linking_handler, users::LinkingPolicy()},
                                                   {&mapping_handler, users::IdMappingPolicy()},
                                                   {&registry_handler, users::RegistryPolicy()},
                                                   {&import_handler, users::UserImportPolicy()}})};
  users::v1::LinkingServiceClient linking{users_channel};
  users::v1::IdMappingServiceClient mapping{users_channel};
  users::v1::RegistryServiceClient registry{users_channel};
  users::v1::UserImportServiceClient user_import{users_channel};
  std::unique_ptr<rpc::Channel> directory_channel = Local({{&directory_handler,
                                                            users::UserDirectoryPolicy()}},
                                                          "passwordless");
  users::v1::UserDirectoryServiceClient found_users{*directory_channel};

  ForwardingChannel roles_channel{saboteur, Local({{&roles_handler, roles::RolesPolicy()},
                                                   {&roles_data_handler, rpc::UserDataPolicy()}})};
  roles::v1::RolesServiceClient roles{roles_channel};
  common::v1::UserDataServiceClient roles_data{roles_channel};

  totp::PgTotpStore totp_store{env.tenants()};
  totp::TotpServiceImpl totp_service{directory, registry, totp_store, clock};
  totp::v1::TotpServiceHandler totp_handler{totp_service};
  common::v1::UserDataServiceHandler totp_data_handler{totp_service};
  ForwardingChannel totp_channel{saboteur, Local({{&totp_handler, totp::TotpPolicy()},
                                                  {&totp_data_handler, rpc::UserDataPolicy()}})};
  totp::v1::TotpServiceClient totp{totp_channel};
  common::v1::UserDataServiceClient totp_data{totp_channel};

  thirdparty::PgThirdPartyUserStore third_party_store{env.tenants()};
  thirdparty::ThirdPartyServiceImpl third_party_service{directory, registry, found_users,
                                                        third_party_store};
  common::v1::CredentialsServiceHandler third_party_handler{third_party_service};
  ForwardingChannel third_party_channel{
      saboteur, Local({{&third_party_handler, rpc::CredentialsPolicy()}})};
  common::v1::CredentialsServiceClient third_party{third_party_channel};

  passwordless::PgDeviceStore device_store{env.tenants()};
  passwordless::PgPasswordlessUserStore passwordless_store{env.tenants()};
  passwordless::PasswordlessServiceImpl passwordless_service{
      directory, registry, found_users, device_store, passwordless_store, clock};
  common::v1::CredentialsServiceHandler passwordless_handler{passwordless_service};
  ForwardingChannel passwordless_channel{
      saboteur, Local({{&passwordless_handler, rpc::CredentialsPolicy()}})};
  common::v1::CredentialsServiceClient passwordless{passwordless_channel};

  std::set<std::string> session_ids;
  DataChannel session_channel{saboteur, session_ids, "Session"};
  common::v1::UserDataServiceClient sessions{session_channel};

  PgBulkImportStore store{env.tenants()};
  std::shared_ptr<ImportCounts> counts = std::make_shared<ImportCounts>();
  BulkImportServiceImpl service{directory, store, Peers(), clock, [] {}};
  BulkImportJob job{env.tenants().directory(), env.tenants(), Peers(), clock, counts};
};

TEST(BulkImportWorkflowTest, AnInterruptedImportIsCompleted) {
  ImportWorld world;
  int users = 0;
  for (bool after : {false, true}) {
    int steps = 0;
    // One more than there are calls: the last round is not interrupted.
    for (int step = 0; step <= steps; ++step) {
      SCOPED_TRACE(::testing::Message() << "call " << step << (after ? " after" : " before"));
      world.Add({EverythingOf(users), EverythingOf(users + 1)});
      users += 2;
      world.saboteur.calls = 0;
      world.saboteur.fail_at = step;
      world.saboteur.after = after;
      const absl::Status status = world.Run();
      steps = std::max(steps, world.saboteur.calls);
      EXPECT_EQ(status.ok(), step >= world.saboteur.calls) << status;
      EXPECT_EQ(world.env.Count(kFailed), 0);
      EXPECT_EQ(world.env.Violations(), "");
      world.saboteur.fail_at = -1;
      const absl::Status again = world.Run();
      EXPECT_TRUE(again.ok()) << again;
      world.ExpectWhole(users);
    }
    EXPECT_GE(steps, 7);  // roles are read; devices' names, registry, two kinds of credentials, devices, roles
  }
}

// Imports a user whose role is removed once the job has read which roles there are, cut off at
// every step; `check` sees the tables after that.
void ImportWhileTheRoleGoes(ImportWorld& world, bool with_external_id,
                            const std::function<void()>& check) {
  int imported = 0;
  for (bool after : {false, true}) {
    int steps = 0;
    for (int step = 0; step <= steps; ++step) {
      SCOPED_TRACE(::testing::Message() << "call " << step << (after ? " after" : " before"));
      world.AddRole();
      world.Add({EverythingOf(1, with_external_id), PasswordOf(std::to_string(imported++) + "@x.io")});
      world.saboteur.meanwhile = [&](std::string_view call) {
        if (call != "ImportUsers") return;
        roles::v1::DeleteRoleRequest role;
        *role.mutable_scope() = testing::ScopeOf("public");
        role.set_role("r");
        EXPECT_TRUE(world.roles_service.DeleteRole(world.context, role).ok());
      };
      world.saboteur.calls = 0;
      world.saboteur.fail_at = step;
      world.saboteur.after = after;
      (void)world.Run();
      steps = std::max(steps, world.saboteur.calls);
      world.saboteur.fail_at = -1;
      EXPECT_TRUE(world.Run().ok());
      EXPECT_EQ(world.env.Count(kWaiting), 1);
      EXPECT_EQ(world.env.Count(kFailed), 1);
      EXPECT_EQ(world.env.Count(kUsers), imported);
      EXPECT_EQ(world.env.Count(kMappings), 0);
      EXPECT_EQ(world.env.Violations(), "");
      check();
      world.RemoveWaiting();
    }
    EXPECT_GE(steps, 8);
  }
}

TEST(BulkImportWorkflowTest, AUserWhoseRoleIsGoneIsTakenBack) {
  ImportWorld world;
  ImportWhileTheRoleGoes(world, /*with_external_id=*/false, [&world] {
    EXPECT_EQ(world.env.Count(kDevices), 0);
    EXPECT_EQ(world.env.Count(kMetadata), 0);
  });
}

TEST(BulkImportWorkflowTest, WhatAnExternalIdHadBeforeStaysWhenTheImportIsTakenBack) {
  ImportWorld world;
  totp::v1::ImportDevicesRequest older;
  *older.mutable_scope() = testing::ScopeOf("public");
  auto& device = *older.add_devices();
  device.set_user_id("ext-1");
  device.set_device_name("older");
  device.set_period_s(30);
  device.set_secret_key("JBSWY3DPEHPK3PXQ");
  ASSERT_TRUE(world.totp_service.ImportDevices(world.context, older).ok());
  ImportWhileTheRoleGoes(world, /*with_external_id=*/true,
                         [&world] { EXPECT_EQ(world.env.Count(kOlderDevices), 1); });
}

TEST(BulkImportWorkflowTest, SeveralJobsImportEachUserOnce) {
  ImportWorld world;
  std::vector<std::string> users;
  for (int i = 0; i < 400; ++i) users.push_back(PasswordOf(std::to_string(i) + "@x.io"));
  world.Add(users);
  {
    std::vector<std::jthread> jobs;
    for (int i = 0; i < 4; ++i) {
      jobs.emplace_back([&] {
        BulkImportJob job(world.env.tenants().directory(), world.env.tenants(), world.Peers(),
                          world.clock, world.counts);
        const absl::Status status = job.Run();
        EXPECT_TRUE(status.ok()) << status;
      });
    }
  }
  EXPECT_EQ(world.env.Count(kWaiting), 0);
  EXPECT_EQ(world.env.Count(kPasswords), 400);
  EXPECT_EQ(world.env.Violations(), "");
  EXPECT_EQ(world.counts->imported, 400);
  EXPECT_EQ(world.counts->failed, 0);
}

TEST(BulkImportWorkflowTest, OldTablesAreWrittenToo) {
  ImportWorld world(/*dual_write=*/true);
  world.Add({EverythingOf(1), PasswordOf("a@x.io")});
  EXPECT_TRUE(world.Run().ok());
  EXPECT_EQ(world.env.Count(kWaiting), 0);
  EXPECT_EQ(world.env.Violations(), "");
}

TEST(BulkImportWorkflowTest, AConflictIsOneUsersAndNotItsNeighbours) {
  ImportWorld world;
  ASSERT_NE(world.env.SignUp("taken@x.io"), "");
  world.Add({PasswordOf("a@x.io"), PasswordOf("taken@x.io"), PasswordOf("b@x.io"),
             PasswordOf("a@x.io"), EverythingOf(1)});
  EXPECT_TRUE(world.Run().ok());
  EXPECT_EQ(world.env.Count(kWaiting), 2);
  EXPECT_EQ(world.env.Count(kFailed), 2);
  EXPECT_EQ(world.env.Count(kPasswords), 4);
  EXPECT_EQ(world.env.Violations(), "");
}

TEST(BulkImportWorkflowTest, OneUserAtOnceLeavesNothingWhenItIsCutOff) {
  ImportWorld world;
  int users = 0;
  for (bool after : {false, true}) {
    for (int step = 0; step <= 7; ++step) {
      SCOPED_TRACE(::testing::Message() << "call " << step << (after ? " after" : " before"));
      v1::ImportUserRequest request;
      *request.mutable_scope() = testing::ScopeOf("public");
      request.set_user_json(EverythingOf(users));
      ++users;
      world.saboteur.calls = 0;
      world.saboteur.fail_at = step;
      world.saboteur.after = after;
      const auto cut = world.service.ImportUser(world.context, request);
      EXPECT_EQ(cut.ok(), step >= world.saboteur.calls) << cut.status();
      EXPECT_EQ(cut.ok(), step == 7) << cut.status();
      EXPECT_EQ(world.env.Violations(), "");
      world.saboteur.fail_at = -1;
      if (!cut.ok()) {
        const auto again = world.service.ImportUser(world.context, request);
        ASSERT_TRUE(again.ok()) << again.status();
        EXPECT_TRUE(again->has_user()) << again->refused().errors(0);
      }
      world.ExpectWhole(users);
    }
  }
}

TEST(BulkImportWorkflowTest, RolesAreListedForUsersThatHaveSome) {
  ImportWorld world;
  world.Add({PasswordOf("a@x.io"), PasswordOf("b@x.io")});
  EXPECT_TRUE(world.Run().ok());
  EXPECT_EQ(std::count(world.saboteur.log.begin(), world.saboteur.log.end(), "ListRoles"), 0);
  world.Add({EverythingOf(1), EverythingOf(2)});
  EXPECT_EQ(std::count(world.saboteur.log.begin(), world.saboteur.log.end(), "ListRoles"), 1);
}

// What one call may bring is less than what some hundred users may have.
TEST(BulkImportWorkflowTest, UsersWithManyDevicesAreImportedInParts) {
  ImportWorld world;
  std::vector<std::string> users;
  for (int i = 0; i < 110; ++i) {
    std::string user = R"({"totpDevices":[)";
    for (int device = 0; device < 100; ++device) {
      user += std::string(device > 0 ? "," : "") + R"({"secretKey":"JBSWY3DPEHPK3PXP"})";
    }
    users.push_back(user + "]," + PasswordOf(std::to_string(i) + "@x.io").substr(1));
  }
  world.Add(users);
  EXPECT_TRUE(world.Run().ok());
  EXPECT_EQ(world.counts->put_off, 0);
  EXPECT_EQ(world.env.Count(kWaiting), 0);
  EXPECT_EQ(world.env.Count(kDevices), 11'000);
}

// However much data the users have.
TEST(BulkImportWorkflowTest, APageHasSomeMegabytesAtMost) {
  ImportWorld world;
  for (int i = 0; i < 4; ++i) {
    world.Add({R"({"userMetadata":{"x":")" + std::string(3 << 20, 'x') + R"("},)" +
               PasswordOf(std::to_string(i) + "@x.io").substr(1)});
  }
  v1::ListUsersRequest list;
  *list.mutable_scope() = testing::ScopeOf("public");
  list.set_page_size(500);
  std::set<std::string> ids;
  for (int page = 0; page < 4; ++page) {
    const auto users = world.service.ListUsers(world.context, list);
    ASSERT_TRUE(users.ok()) << users.status();
    EXPECT_GE(users->users_size(), 1);
    EXPECT_LT(users->ByteSizeLong(), 8u << 20);
    for (const auto& user : users->users()) {
      EXPECT_GT(user.user_json().size(), 3u << 20);
      ids.insert(user.id());
    }
    list.set_page_token(users->next_page_token());
    if (users->next_page_token().empty()) break;
  }
  EXPECT_EQ(list.page_token(), "");
  EXPECT_EQ(ids.size(), 4u);
}

constexpr int kCalls = 7;  // roles, devices' names, registry, two kinds of credentials, devices, roles

// Requests that import one user at once, whose process is killed before or after each call; then
// `then`, and the job of another process.
void KillAtEveryStep(ImportWorld& world, const std::function<void()>& then,
                     const std::function<void(bool registered)>& check) {
  int number = 0;
  for (bool after : {false, true}) {
    for (int step = 0; step < kCalls; ++step) {
      SCOPED_TRACE(::testing::Message() << "call " << step << (after ? " after" : " before"));
      world.AddRole();
      const int64_t users = world.env.Count(kUsers);
      v1::ImportUserRequest request;
      *request.mutable_scope() = testing::ScopeOf("public");
      request.set_user_json(EverythingOf(number++));
      world.saboteur.Retire();
      world.saboteur.fail_at = step;
      world.saboteur.after = after;
      world.saboteur.dies = true;
      EXPECT_FALSE(world.service.ImportUser(world.context, request).ok());
      world.saboteur.Retire();
      const bool registered = world.env.Count(kUsers) > users;
      EXPECT_EQ(registered, step > 2 || (step == 2 && after));
      // The job leaves it alone while the request may go on.
      EXPECT_TRUE(world.Run().ok());
      EXPECT_EQ(world.env.Count(kWaiting), step > 0 ? 1 : 0);
      world.MakeDue();
      then();
      EXPECT_TRUE(world.Run().ok());
      EXPECT_EQ(world.env.Count(kWaiting), 0);
      EXPECT_EQ(world.env.Violations(), "");
      check(registered);
    }
  }
}

TEST(BulkImportWorkflowTest, AKilledImportOfOneUserIsFinishedOrForgotten) {
  ImportWorld world;
  int users = 0;
  KillAtEveryStep(world, [] {}, [&](bool registered) { world.ExpectWhole(users += registered); });
  EXPECT_EQ(users, 2 * kCalls - 5);
}

TEST(BulkImportWorkflowTest, AKilledImportOfOneUserIsTakenBackIfItCannotBeFinished) {
  ImportWorld world;
  const auto delete_role = [&world] {
    roles::v1::DeleteRoleRequest role;
    *role.mutable_scope() = testing::ScopeOf("public");
    role.set_role("r");
    EXPECT_TRUE(world.roles_service.DeleteRole(world.context, role).ok());
  };
  KillAtEveryStep(world, delete_role, [&world](bool) {
    EXPECT_EQ(world.env.Count(kUsers), 0);
    EXPECT_EQ(world.env.Count(kMappings), 0);
  });
}

// Where the job does not import users that wait, it still ends what requests have begun.
TEST(BulkImportWorkflowTest, AKilledImportOfOneUserNeedsNoImportOfOthers) {
  ImportWorld world;
  world.Add({PasswordOf("waits@x.io")});
  v1::ImportUserRequest request;
  *request.mutable_scope() = testing::ScopeOf("public");
  request.set_user_json(EverythingOf(0));
  world.saboteur.fail_at = 3;
  world.saboteur.dies = true;
  EXPECT_FALSE(world.service.ImportUser(world.context, request).ok());
  world.saboteur.Retire();
  world.MakeDue();
  BulkImportJob job(world.env.tenants().directory(), world.env.tenants(), world.Peers(),
                    world.clock, world.counts, Waiting::kBegun);
  EXPECT_TRUE(job.Run().ok());
  EXPECT_EQ(world.env.Count(kWaiting), 1);
  EXPECT_EQ(world.env.Count(kUsers), 3);
  EXPECT_EQ(world.env.Count(kDevices), 1);
}

// Its password is not stored with what may be left of it.
TEST(BulkImportWorkflowTest, AKilledImportOfOneUserLeavesNoPasswordBehind) {
  ImportWorld world;
  v1::ImportUserRequest request;
  *request.mutable_scope() = testing::ScopeOf("public");
  request.set_user_json(
      R"({"userRoles":[{"role":"r","tenantIds":["public"]}],"loginMethods":[{"recipeId":)"
      R"("emailpassword","email":"a@x.io","plainTextPassword":"correct horse"}]})");
  world.saboteur.fail_at = 2;  // roles are assigned
  world.saboteur.dies = true;
  EXPECT_FALSE(world.service.ImportUser(world.context, request).ok());
  world.saboteur.Retire();
  EXPECT_EQ(world.env.Count(kWaiting), 1);
  EXPECT_EQ(world.env.Count(kSecrets), 0);
  EXPECT_EQ(world.env.Count(kOwnPasswords), 1);
  world.MakeDue();
  EXPECT_TRUE(world.Run().ok());
  EXPECT_EQ(world.env.Count(kWaiting), 0);
  EXPECT_EQ(world.env.Count(kOwnPasswords), 1);
  EXPECT_EQ(world.env.Count(kRoles), 1);
}

}  // namespace
}  // namespace gatehouse::accounts

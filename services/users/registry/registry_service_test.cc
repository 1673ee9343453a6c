// Which service may vouch for which users, over real sockets.

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>

#include "libs/activity/activity_log.h"
#include "libs/base/status.h"
#include "libs/base/worker_pool.h"
#include "libs/rpc/dispatcher.h"
#include "libs/rpc/grpc_channel.h"
#include "libs/rpc/grpc_server.h"
#include "libs/testing/fake_activity_log.h"
#include "libs/testing/fake_clock.h"
#include "services/users/linking/linking_test_env.h"
#include "services/users/policy.h"
#include "services/users/registry/pg_activity_store.h"
#include "services/users/registry/registry_service.h"

namespace gatehouse::users {
namespace {

constexpr db::Statement kUsers = {"test_users", "SELECT count(*) FROM {app_id_to_user_id}"};

class RegistryServiceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    env.Scope();
    auto dispatcher = rpc::Dispatcher::Create(handler_, RegistryPolicy());
    ASSERT_TRUE(dispatcher.ok()) << dispatcher.status();
    dispatcher_ = *std::move(dispatcher);
    auto server = rpc::GrpcServer::Start({address_}, {}, {{dispatcher_.get(), &workers_}});
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  // As a service of that name.
  std::unique_ptr<rpc::Channel> ChannelOf(const std::string& caller) {
    auto channel = rpc::MakeGrpcChannel(address_, "users", caller, {});
    EXPECT_TRUE(channel.ok()) << channel.status();
    return *std::move(channel);
  }
  absl::StatusOr<v1::SignInOrUpResponse> SignIn(const std::string& caller,
                                                const std::string& recipe_id) {
    v1::SignInOrUpRequest request;
    *request.mutable_scope() = testing::ScopeOf("public");
    v1::Identity& identity = *request.mutable_identity();
    identity.set_recipe_id(recipe_id);
    identity.set_email("a@x.io");
    if (recipe_id == kThirdPartyRecipe) {
      identity.mutable_third_party()->set_id("google");
      identity.mutable_third_party()->set_user_id("g-1");
    }
    rpc::CallContext context{"", "", testing::Soon()};
    const auto channel = ChannelOf(caller);
    return v1::RegistryServiceClient(*channel).SignInOrUp(context, request);
  }
  absl::StatusOr<v1::ChangeIdentityResponse> Change(const std::string& caller,
                                                    const std::string& recipe_id,
                                                    const std::string& user_id) {
    v1::ChangeIdentityRequest request;
    *request.mutable_scope() = testing::ScopeOf("public");
    request.set_recipe_id(recipe_id);
    request.set_recipe_user_id(user_id);
    request.mutable_email()->set_value("b@x.io");
    rpc::CallContext context{"", "", testing::Soon()};
    const auto channel = ChannelOf(caller);
    return v1::RegistryServiceClient(*channel).ChangeIdentity(context, request);
  }

  LinkingTestEnv env;

 private:
  testing::FakeClock clock_;
  PgActivityStore activity_store_{env.tenants()};
  testing::FakeActivityLog audit_;
  activity::ActivityLog audit_log_{audit_, clock_};
  ActivityRecorder activity_{activity_store_, audit_log_, clock_};
  RegistryServiceImpl service_{env.tenants().directory(), env.users, activity_, clock_};
  v1::RegistryServiceHandler handler_{service_};
  const std::string address_ =
      "unix:" + (std::filesystem::temp_directory_path() /
                 ("gatehouse-registry-" + std::to_string(getpid()) + ".sock"))
                    .string();
  std::unique_ptr<rpc::Dispatcher> dispatcher_;
  WorkerPool workers_{"registry", 1, 64};
  std::unique_ptr<rpc::GrpcServer> server_;
};

TEST_F(RegistryServiceTest, AServiceVouchesForUsersOfItsRecipeOnly) {
  for (const auto& [caller, recipe_id] : {std::pair{"thirdparty", "passwordless"},
                                          {"thirdparty", "emailpassword"},
                                          {"thirdparty", ""},
                                          {"passwordless", "thirdparty"},
                                          {"passwordless", "unknown"}}) {
    EXPECT_EQ(ReasonOf(SignIn(caller, recipe_id).status()), ErrorReason::kCallerNotAllowed)
        << caller << " " << recipe_id;
  }
  EXPECT_EQ(env.Count(kUsers), 0);
  for (const char* recipe_id : {"thirdparty", "passwordless"}) {
    const auto signed_in = SignIn(recipe_id, recipe_id);
    ASSERT_TRUE(signed_in.ok()) << signed_in.status();
    EXPECT_TRUE(signed_in->signed_in().created());
  }
  EXPECT_EQ(env.Count(kUsers), 2);
}

TEST_F(RegistryServiceTest, AServiceChangesUsersOfItsRecipeOnly) {
  const std::string id = env.SignUpThirdParty("a@x.io", "g-1");
  const std::string own =
      SignIn("passwordless", "passwordless")->signed_in().method().supertokens_user_id();
  for (const char* recipe_id : {"thirdparty", "emailpassword", ""}) {
    EXPECT_EQ(ReasonOf(Change("passwordless", recipe_id, id).status()),
              ErrorReason::kCallerNotAllowed)
        << recipe_id;
  }
  // The id of another recipe's user, under its own recipe's name.
  EXPECT_TRUE(Change("passwordless", "passwordless", id)->unknown_user());
  EXPECT_EQ(FindLoginMethod(**env.users.FindById(env.Scope(), id), id)->email(), "a@x.io");
  EXPECT_EQ(Change("passwordless", "passwordless", own)->changed().method().email(), "b@x.io");
}

}  // namespace
}  // namespace gatehouse::users

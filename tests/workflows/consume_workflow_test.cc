// A passwordless sign-in over the real users service, interrupted before and after each of its
// steps: the code is valid until it has signed a user in.

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "libs/base/status.h"
#include "libs/testing/fake_activity_log.h"
#include "services/passwordless/passwordless_service.h"
#include "services/passwordless/pg_device_store.h"
#include "services/passwordless/pg_passwordless_user_store.h"
#include "services/users/listing/pg_listing_store.h"
#include "services/users/listing/user_directory_service.h"
#include "services/users/registry/registry_service.h"
#include "tests/workflows/world.h"

namespace gatehouse::passwordless {
namespace {

using accounts::Saboteur;

constexpr db::Statement kCredentials = {"test_consume_credentials",
                                        "SELECT count(*) FROM {passwordless_users}"};
constexpr db::Statement kUsers = {"test_consume_users", "SELECT count(*) FROM {app_id_to_user_id}"};

// A step that is interrupted before or after it has taken effect.
template <typename Result, typename Effect>
absl::StatusOr<Result> Step(Saboteur& saboteur, std::string_view name, Effect effect) {
  absl::StatusOr<Result> result = absl::InternalError("not reached");
  const absl::Status status = saboteur.Run(name, [&] {
    result = effect();
    return result.status();
  });
  if (!status.ok()) return status;
  return result;
}

class SabotagedDevices final : public DeviceStore {
 public:
  SabotagedDevices(Saboteur& saboteur, DeviceStore& store) : saboteur_(saboteur), store_(store) {}
  absl::StatusOr<bool> CreateDevice(const Where& where, const LoginDevice& device,
                                    const LoginCode& code) override {
    return store_.CreateDevice(where, device, code);
  }
  absl::StatusOr<AddCodeOutcome> AddCode(const Where& where, const LoginCode& code,
                                         int max_codes) override {
    return store_.AddCode(where, code, max_codes);
  }
  absl::StatusOr<std::optional<LoginDevice>> FindDevice(const Where& where,
                                                        std::string_view id_hash) override {
    return store_.FindDevice(where, id_hash);
  }
  absl::StatusOr<std::optional<LoginCode>> FindCode(const Where& where,
                                                    std::string_view link_code_hash) override {
    return store_.FindCode(where, link_code_hash);
  }
  absl::StatusOr<CodeTryOutcome> TryCode(const Where& where, const CodeTry& attempt) override {
    return Step<CodeTryOutcome>(saboteur_, "TryCode",
                                [&] { return store_.TryCode(where, attempt); });
  }
  absl::StatusOr<bool> UseUp(const Where& where, const LoginDevice& device,
                             std::string_view link_code_hash) override {
    return Step<bool>(saboteur_, "UseUp",
                      [&] { return store_.UseUp(where, device, link_code_hash); });
  }
  absl::Status RemoveCode(const Where& where, std::string_view code_id) override {
    return store_.RemoveCode(where, code_id);
  }
  absl::Status RemoveDevice(const Where& where, std::string_view id_hash) override {
    return store_.RemoveDevice(where, id_hash);
  }
  absl::Status RemoveDevicesOf(const Where& where, const std::vector<std::string>& tenant_ids,
                               const ContactInfo& contact) override {
    return saboteur_.Run("RemoveDevicesOf",
                         [&] { return store_.RemoveDevicesOf(where, tenant_ids, contact); });
  }
  absl::StatusOr<std::vector<DeviceWithCodes>> ListOf(const Where& where,
                                                      const ContactInfo& contact) override {
    return store_.ListOf(where, contact);
  }
  absl::StatusOr<std::vector<DeviceWithCodes>> ListById(const Where& where,
                                                        std::string_view id_hash) override {
    return store_.ListById(where, id_hash);
  }

 private:
  Saboteur& saboteur_;
  DeviceStore& store_;
};

class SabotagedUsers final : public PasswordlessUserStore {
 public:
  SabotagedUsers(Saboteur& saboteur, PasswordlessUserStore& store)
      : saboteur_(saboteur), store_(store) {}
  absl::StatusOr<SaveOutcome> SaveUser(const Where& where, const PasswordlessUser& user) override {
    return Step<SaveOutcome>(saboteur_, "SaveUser", [&] { return store_.SaveUser(where, user); });
  }
  absl::Status ImportUsers(const Where& where,
                           const std::vector<PasswordlessUser>& users) override {
    return store_.ImportUsers(where, users);
  }
  absl::Status RemoveUser(const Where& where, std::string_view user_id) override {
    return store_.RemoveUser(where, user_id);
  }

 private:
  Saboteur& saboteur_;
  PasswordlessUserStore& store_;
};

struct ConsumeWorld {
  ConsumeWorld() { context.deadline = testing::Soon(); }
  v1::CreateCodeResponse::Created CreateCode() {
    v1::CreateCodeRequest request;
    *request.mutable_scope() = testing::ScopeOf("public");
    request.mutable_contact()->set_phone_number("+14155550100");
    const auto response = service.CreateCode(context, request);
    EXPECT_TRUE(response.ok()) << response.status();
    return response->created();
  }
  absl::StatusOr<v1::ConsumeCodeResponse> Consume(const v1::CreateCodeResponse::Created& code) {
    v1::ConsumeCodeRequest request;
    *request.mutable_scope() = testing::ScopeOf("public");
    request.mutable_proof()->set_pre_auth_session_id(code.pre_auth_session_id());
    request.mutable_proof()->set_link_code(code.link_code());
    clock.AdvanceMs(1);
    return service.ConsumeCode(context, request);
  }

  Saboteur saboteur;
  rpc::CallContext context;
  testing::FakeClock clock;
  users::LinkingTestEnv env;
  users::PgActivityStore activity_store{env.tenants()};
  testing::FakeActivityLog audit;
  activity::ActivityLog audit_log{audit, clock};
  users::ActivityRecorder activity{activity_store, audit_log, clock};
  users::RegistryServiceImpl registry{env.tenants().directory(), env.users, activity, clock};
  users::PgListingStore listing{env.tenants()};
  users::UserDirectoryServiceImpl directory{env.tenants().directory(), env.users, listing, activity,
                                            clock};
  users::v1::RegistryServiceHandler registry_handler{registry};
  users::v1::UserDirectoryServiceHandler directory_handler{directory};
  std::unique_ptr<rpc::Dispatcher> registry_dispatcher =
      accounts::World::Dispatch(registry_handler, users::RegistryPolicy());
  std::unique_ptr<rpc::Dispatcher> directory_dispatcher =
      accounts::World::Dispatch(directory_handler, users::UserDirectoryPolicy());
  std::vector<rpc::Dispatcher*> dispatchers{registry_dispatcher.get(), directory_dispatcher.get()};
  accounts::ForwardingChannel channel{saboteur, rpc::MakeLocalChannel(dispatchers, "passwordless")};
  users::v1::RegistryServiceClient registry_client{channel};
  users::v1::UserDirectoryServiceClient directory_client{channel};
  PgDeviceStore device_store{env.tenants()};
  PgPasswordlessUserStore user_store{env.tenants()};
  SabotagedDevices devices{saboteur, device_store};
  SabotagedUsers users{saboteur, user_store};
  PasswordlessServiceImpl service{
      env.tenants().directory(), registry_client, directory_client, devices, users, clock};
};

TEST(ConsumeTest, ACodeIsGoodUntilItSignsSomebodyIn) {
  for (bool after : {false, true}) {
    int steps = 0;
    // One more than there are steps: the last round is not interrupted.
    for (int step = 0; step <= steps; ++step) {
      SCOPED_TRACE(::testing::Message() << "step " << step << (after ? " after" : " before"));
      ConsumeWorld world;
      const auto code = world.CreateCode();
      world.saboteur.fail_at = step;
      world.saboteur.after = after;
      const auto cut = world.Consume(code);
      steps = std::max(steps, world.saboteur.calls);
      EXPECT_EQ(cut.ok(), step == world.saboteur.calls) << cut.status();
      world.saboteur.fail_at = -1;
      const std::vector<std::string>& done = world.saboteur.log;
      const bool used_up = !done.empty() && done.back() == "UseUp";
      const auto again = world.Consume(code);
      ASSERT_TRUE(again.ok()) << again.status();
      if (used_up) {
        EXPECT_TRUE(again->restart_flow());
      } else {
        EXPECT_TRUE(again->signed_in().created());  // as in the first attempt's reply
      }
      EXPECT_EQ(world.env.Count(kUsers), 1);
      EXPECT_EQ(world.env.Count(kCredentials), 1);
      EXPECT_EQ(world.env.Violations(), "");
      const auto next = world.Consume(world.CreateCode());
      ASSERT_TRUE(next.ok()) << next.status();
      EXPECT_FALSE(next->signed_in().created());
    }
    EXPECT_EQ(steps, 4);  // the code, the registry, the credentials, the code's use
  }
}

}  // namespace
}  // namespace gatehouse::passwordless

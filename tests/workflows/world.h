#pragma once

// Workflows over the real users service, with fakes for the other services, and a saboteur that
// interrupts one of their calls.

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "libs/base/status.h"
#include "libs/rpc/dispatcher.h"
#include "libs/testing/fake_activity_log.h"
#include "libs/testing/fake_clock.h"
#include "services/accounts/accounts_service.h"
#include "services/users/idmapping/id_mapping_service.h"
#include "services/users/idmapping/pg_id_mapping_store.h"
#include "services/users/linking/linking_service.h"
#include "services/users/linking/linking_test_env.h"
#include "services/users/policy.h"
#include "services/users/registry/pg_activity_store.h"
#include "services/users/registry/registry_service.h"

namespace gatehouse::accounts {

using users::LinkResult;

// Interrupts one call of many: before it is made, or after it has taken effect.
struct Saboteur {
  int calls = 0;
  int fail_at = -1;
  bool after = false;
  bool dies = false;  // no later call takes effect either, as if the caller had been killed
  std::vector<std::string> log;  // "RemoveUsers", in order, of those that took effect
  std::function<void(std::string_view)> meanwhile;  // what others do after a call's effect
  std::mutex mutex;  // of calls and log: several jobs call at once

  // Nothing is interrupted from here on.
  void Retire() {
    const std::lock_guard lock(mutex);
    calls = 0;
    fail_at = -1;
    after = dies = false;
    log.clear();
    meanwhile = nullptr;
  }

  template <typename Effect>
  absl::Status Run(std::string_view name, Effect effect) {
    const absl::Status cut = MakeError(ErrorReason::kDependencyDown, "cut off");
    bool fails = false;
    {
      const std::lock_guard lock(mutex);
      const int call = calls++;
      const bool gone = dies && fail_at >= 0 && call > fail_at;
      fails = call == fail_at || gone;
      if (gone || (fails && !after)) return cut;
      log.emplace_back(name);
    }
    const absl::Status status = effect();
    if (meanwhile) meanwhile(name);
    return fails ? cut : status;
  }
};

class SabotagedChannel : public rpc::Channel {
 public:
  explicit SabotagedChannel(Saboteur& saboteur) : saboteur_(saboteur) {}
  absl::Status Call(const rpc::MethodInfo& method, const rpc::CallContext& context,
                    const google::protobuf::Message& request,
                    google::protobuf::Message* response) override {
    return saboteur_.Run(method.name, [&] { return Effect(method, context, request, response); });
  }
  std::unique_ptr<rpc::Subscription> Subscribe(const rpc::MethodInfo&, const rpc::CallContext&,
                                               const google::protobuf::Message&,
                                               rpc::OnMessage) override {
    return nullptr;
  }
  bool local() const override { return true; }

 protected:
  virtual absl::Status Effect(const rpc::MethodInfo& method, const rpc::CallContext& context,
                              const google::protobuf::Message& request,
                              google::protobuf::Message* response) = 0;

 private:
  Saboteur& saboteur_;
};

// Forwards to the real service.
class ForwardingChannel final : public SabotagedChannel {
 public:
  ForwardingChannel(Saboteur& saboteur, std::unique_ptr<rpc::Channel> target)
      : SabotagedChannel(saboteur), target_(std::move(target)) {}

 private:
  absl::Status Effect(const rpc::MethodInfo& method, const rpc::CallContext& context,
                      const google::protobuf::Message& request,
                      google::protobuf::Message* response) override {
    return target_->Call(method, context, request, response);
  }
  std::unique_ptr<rpc::Channel> target_;
};

// Sessions, roles and third-party credentials: the ids that have any.
struct Data {
  std::set<std::string> sessions, roles, third_party;
};

// One of the services that keep data: `ids`, known to clients as `name`.
class DataChannel final : public SabotagedChannel {
 public:
  DataChannel(Saboteur& saboteur, std::set<std::string>& ids, std::string name)
      : SabotagedChannel(saboteur), ids_(ids), name_(std::move(name)) {}

 private:
  absl::Status Effect(const rpc::MethodInfo&, const rpc::CallContext&,
                      const google::protobuf::Message& request,
                      google::protobuf::Message* response) override {
    if (auto* call = dynamic_cast<const common::v1::RemoveUsersRequest*>(&request)) {
      for (const std::string& id : call->user_ids()) ids_.erase(id);
    } else if (auto* call =
                   dynamic_cast<const common::v1::RemoveUserFromTenantRequest*>(&request)) {
      dynamic_cast<common::v1::RemoveUserFromTenantResponse&>(*response).set_existed(
          ids_.erase(call->user_id()) > 0);
    } else if (auto* call = dynamic_cast<const common::v1::IsUserIdInUseRequest*>(&request)) {
      dynamic_cast<common::v1::IsUserIdInUseResponse&>(*response).set_in_use_by(
          ids_.contains(call->user_id()) ? name_ : "");
    } else if (auto* call = dynamic_cast<const common::v1::RemoveCredentialsRequest*>(&request)) {
      ids_.erase(call->supertokens_user_id());
    } else {
      ADD_FAILURE() << "unexpected call: " << request.GetTypeName();
    }
    return absl::OkStatus();
  }
  std::set<std::string>& ids_;
  const std::string name_;
};

inline constexpr db::Statement kUserRow = {
    "test_accounts_user_row",
    "SELECT 1 FROM {app_id_to_user_id} WHERE app_id = $1 AND user_id = $2"};

// Everything: the real users service, and fakes.
struct World {
  World() {
    context.deadline = testing::Soon();
    saboteur.meanwhile = [this](std::string_view) { FollowRegistry(); };
    for (rpc::Dispatcher* dispatcher : {linking.get(), mapping.get(), registry.get()}) {
      dispatchers.push_back(dispatcher);
    }
    users_channel = std::make_unique<ForwardingChannel>(
        saboteur, rpc::MakeLocalChannel(dispatchers, "accounts"));
    linking_client = std::make_unique<users::v1::LinkingServiceClient>(*users_channel);
    mapping_client = std::make_unique<users::v1::IdMappingServiceClient>(*users_channel);
    registry_client = std::make_unique<users::v1::RegistryServiceClient>(*users_channel);
    service = std::make_unique<AccountsServiceImpl>(Peers{*linking_client,
                                                          *mapping_client,
                                                          *registry_client,
                                                          sessions,
                                                          {sessions, roles},
                                                          {{"thirdparty", third_party}}});
  }
  static std::unique_ptr<rpc::Dispatcher> Dispatch(rpc::ServiceHandler& handler,
                                                   const rpc::Policy& policy) {
    auto dispatcher = rpc::Dispatcher::Create(handler, policy);
    EXPECT_TRUE(dispatcher.ok()) << dispatcher.status();
    return *std::move(dispatcher);
  }
  // Third-party credentials depend on the registry's rows by a foreign key.
  void FollowRegistry() {
    std::erase_if(data.third_party, [&](const std::string& id) {
      const auto rows = env.tenants().Base().Execute(testing::Soon(), kUserRow, {"public", id});
      EXPECT_TRUE(rows.ok()) << rows.status();
      return rows.ok() && rows->empty();
    });
  }
  void GiveData(const std::string& id) {
    data.sessions.insert(id);
    data.roles.insert(id);
  }
  template <typename Request>
  Request In() {
    Request request;
    *request.mutable_scope() = testing::ScopeOf("public");
    return request;
  }

  Saboteur saboteur;
  Data data;
  rpc::CallContext context;
  testing::FakeClock clock;
  users::LinkingTestEnv env;
  users::PgActivityStore activity_store{env.tenants()};
  testing::FakeActivityLog audit;
  activity::ActivityLog audit_log{audit, clock};
  users::ActivityRecorder activity{activity_store, audit_log, clock};
  users::LinkingServiceImpl linking_service{env.tenants().directory(), env.users, env.store,
                                            activity};
  users::PgIdMappingStore mapping_store{env.tenants()};
  users::IdMappingServiceImpl mapping_service{env.tenants().directory(), mapping_store};
  users::RegistryServiceImpl registry_service{env.tenants().directory(), env.users, activity,
                                              clock};
  users::v1::LinkingServiceHandler linking_handler{linking_service};
  users::v1::IdMappingServiceHandler mapping_handler{mapping_service};
  users::v1::RegistryServiceHandler registry_handler{registry_service};
  std::unique_ptr<rpc::Dispatcher> linking = Dispatch(linking_handler, users::LinkingPolicy());
  std::unique_ptr<rpc::Dispatcher> mapping = Dispatch(mapping_handler, users::IdMappingPolicy());
  std::unique_ptr<rpc::Dispatcher> registry = Dispatch(registry_handler, users::RegistryPolicy());
  std::vector<rpc::Dispatcher*> dispatchers;
  std::unique_ptr<ForwardingChannel> users_channel;
  DataChannel session_channel{saboteur, data.sessions, "Session"};
  DataChannel roles_channel{saboteur, data.roles, "UserRoles"};
  DataChannel third_party_channel{saboteur, data.third_party, ""};
  std::unique_ptr<users::v1::LinkingServiceClient> linking_client;
  std::unique_ptr<users::v1::IdMappingServiceClient> mapping_client;
  std::unique_ptr<users::v1::RegistryServiceClient> registry_client;
  common::v1::UserDataServiceClient sessions{session_channel};
  common::v1::UserDataServiceClient roles{roles_channel};
  common::v1::CredentialsServiceClient third_party{third_party_channel};
  std::unique_ptr<AccountsServiceImpl> service;
};

// A group: a primary user with a password, linked to one of a third party, mapped to "ext".
struct Group {
  explicit Group(World& world)
      : primary(world.env.Primary("a@x.io")), linked(world.env.SignUpThirdParty("b@x.io", "1")) {
    EXPECT_EQ(world.env.Link(linked, primary), LinkResult::kDone);
    auto map = world.In<v1::CreateUserIdMappingRequest>();
    map.set_supertokens_user_id(linked);
    map.set_external_user_id("ext");
    EXPECT_TRUE(world.service->CreateUserIdMapping(world.context, map)->created());
    world.GiveData(primary);
    world.GiveData("ext");
    world.data.third_party.insert(linked);
    world.saboteur.calls = 0;
    world.saboteur.log.clear();
  }
  std::string primary, linked;
};

}  // namespace gatehouse::accounts

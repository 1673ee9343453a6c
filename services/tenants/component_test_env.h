#pragma once

// The whole tenants service on a real database, for its tests: one instance, or several on one
// database.

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/time/clock.h"
#include "gatehouse/tenants/v1/tenant_directory.rpc.h"
#include "gatehouse/tenants/v1/tenants_service.rpc.h"
#include "libs/base/status.h"
#include "libs/base/steady_time.h"
#include "libs/config/process_config.h"
#include "libs/host/job_scheduler.h"
#include "libs/rpc/dispatcher.h"
#include "libs/tenancy/change_assembler.h"
#include "libs/tenancy/pg_tenant_databases.h"
#include "libs/testing/fake_clock.h"
#include "libs/telemetry/metrics.h"
#include "libs/testing/pg_test_server.h"
#include "services/tenants/component.h"

namespace gatehouse::tenants {

using gatehouse::testing::Soon;
using gatehouse::testing::TestPostgres;
using tenancy::MakeScope;

// One process with the tenants service in it, called as the gateway and as session.
class Instance final : public host::Environment {
 public:
  explicit Instance(const db::DatabaseOptions& options) {
    config_.base.test_mode = true;
    config_.core = *config::CoreConfig::Resolve(config_.base);
    base_ = gatehouse::testing::OpenDatabase(options);
    databases_ = std::make_unique<tenancy::PgTenantDatabases>(base_, config_.core->db());
  }

  absl::Status Start() {
    ASSIGN_OR_RETURN(component_, MakeTenantsComponent(*this));
    std::vector<rpc::Dispatcher*> all;
    for (const host::ExposedService& service : component_->services()) {
      ASSIGN_OR_RETURN(auto dispatcher, rpc::Dispatcher::Create(*service.handler, service.policy));
      all.push_back(dispatcher.get());
      dispatchers_.push_back(std::move(dispatcher));
    }
    gateway_ = rpc::MakeLocalChannel(all, "gateway");
    session_ = rpc::MakeLocalChannel(all, "session");
    stream_ = v1::TenantDirectoryServiceClient(*gateway_).SubscribeWatchTenants(
        Context(), {}, [this](const v1::WatchTenantsResponse& message, const auto& answer) {
          const auto change = changes_.Add(message);
          if (!change.has_value()) return;
          directory_.Apply(change->full(), change->base_config_json(),
                           {change->upserted().begin(), change->upserted().end()},
                           {change->removed().begin(), change->removed().end()});
          v1::WatchTenantsRequest applied;
          applied.set_applied_version(change->version());
          answer(applied);
        });
    return component_->Start();
  }

  rpc::Channel& ChannelTo(std::string_view) override { return *gateway_; }
  tenancy::TenantDirectory& tenants() override { return directory_; }
  tenancy::TenantDatabases& databases() override { return *databases_; }
  const config::ProcessConfig& config() const override { return config_; }
  const Clock& clock() const override { return clock_; }
  host::JobScheduler& jobs() override { return jobs_; }
  telemetry::Metrics& metrics() override { return metrics_; }

  static rpc::CallContext Context() {
    rpc::CallContext context;
    context.deadline = Soon();
    return context;
  }
  db::Database& database() { return *base_; }
  gatehouse::testing::FakeClock& fake_clock() { return clock_; }

  absl::StatusOr<bool> Put(const common::v1::Scope& source, const common::v1::Scope& target,
                           std::string_view core_config = "{}") {
    v1::UpsertTenantRequest request;
    *request.mutable_scope() = source;
    *request.mutable_target() = target;
    request.set_style(v1::UPSERT_STYLE_FACTORS);
    request.set_core_config_json(std::string(core_config));
    auto context = Context();
    ASSIGN_OR_RETURN(auto response,
                     v1::TenantsServiceClient(*gateway_).UpsertTenant(context, request));
    return response.created_new();
  }
  absl::StatusOr<bool> PutApp(const std::string& app_id, std::string_view core_config = "{}") {
    return Put(MakeScope("", "", ""), MakeScope("", app_id, ""), core_config);
  }
  absl::StatusOr<bool> RemoveApp(const std::string& app_id) {
    v1::RemoveAppRequest request;
    *request.mutable_scope() = MakeScope("", "", "");
    request.set_app_id(app_id);
    auto context = Context();
    ASSIGN_OR_RETURN(auto response,
                     v1::TenantsServiceClient(*gateway_).RemoveApp(context, request));
    return response.did_exist();
  }
  absl::StatusOr<bool> RemoveTenant(const common::v1::Scope& app, const std::string& tenant_id) {
    v1::RemoveTenantRequest request;
    *request.mutable_scope() = app;
    request.set_tenant_id(tenant_id);
    auto context = Context();
    ASSIGN_OR_RETURN(auto response,
                     v1::TenantsServiceClient(*gateway_).RemoveTenant(context, request));
    return response.did_exist();
  }
  v1::GetTenantResponse Get(const common::v1::Scope& scope) {
    v1::GetTenantRequest request;
    *request.mutable_scope() = scope;
    auto context = Context();
    return v1::TenantsServiceClient(*gateway_).GetTenant(context, request).value();
  }
  bool Knows(const common::v1::Scope& scope) { return directory_.Find(scope).ok(); }

  rpc::Channel& gateway() { return *gateway_; }
  rpc::Channel& session() { return *session_; }

 private:
  config::ProcessConfig config_;
  gatehouse::testing::FakeClock clock_;
  std::shared_ptr<db::Database> base_;
  std::unique_ptr<tenancy::PgTenantDatabases> databases_;
  tenancy::ChangeAssembler changes_;
  tenancy::TenantDirectory directory_{/*test_mode=*/true};
  telemetry::Metrics metrics_;
  host::JobScheduler jobs_;
  std::unique_ptr<host::Component> component_;
  std::vector<std::unique_ptr<rpc::Dispatcher>> dispatchers_;
  std::unique_ptr<rpc::Channel> gateway_;
  std::unique_ptr<rpc::Channel> session_;
  std::unique_ptr<rpc::Subscription> stream_;
};

inline int64_t Count(db::Database& database, const char* name, const char* sql) {
  return database.Execute(Soon(), db::Statement{name, sql}).value().front().Int64(0);
}

// Of this thread, which calls the service: the listener's thread does other work.
inline int64_t Statements() { return db::ThreadStatements().statements; }

// Waits until another instance has been notified.
inline bool Eventually(absl::FunctionRef<bool()> condition) {
  const absl::Time give_up = Soon();
  while (SteadyNow() < give_up) {
    if (condition()) return true;
    absl::SleepFor(absl::Milliseconds(2));
  }
  return false;
}

class TenantsComponentTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(instance.Start().ok()); }
  db::DatabaseOptions options = TestPostgres::Shared().CreateDatabaseOptions();
  Instance instance{options};
};

}  // namespace gatehouse::tenants

#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/base/clock.h"
#include "libs/base/worker_pool.h"
#include "libs/config/process_config.h"
#include "libs/host/component.h"
#include "libs/host/job_scheduler.h"
#include "libs/host/readiness.h"
#include "libs/rpc/dispatcher.h"
#include "libs/rpc/grpc_outgoing_calls.h"
#include "libs/rpc/grpc_server.h"
#include "libs/telemetry/metrics.h"
#include "libs/tenancy/change_assembler.h"
#include "libs/tenancy/tenant_databases.h"
#include "libs/tenancy/tenant_directory.h"

namespace gatehouse::tenancy {
class PgTenantDatabases;
class TenantDatabases;
}  // namespace gatehouse::tenancy

namespace gatehouse::host {

struct ServiceDefinition {
  std::string_view name;  // "session"
  ComponentFactory factory;
};

// Everything that runs in one process besides the REST interface: components, the channels between
// them and to other processes, databases, jobs, metrics. All-in-one has every service here; a split
// process has one, or, for the gateway, none.
class Host {
 public:
  struct Options {
    const config::ProcessConfig* config;  // outlives the host
    const Clock* clock;                   // outlives the host
    // Lower services first: a component finds those that it calls when it is built.
    std::vector<ServiceDefinition> services;
    // How this process calls others when it runs no service of its own.
    std::string_view caller = "gateway";
    // Ends the waits of Start, which then returns CANCELLED.
    std::stop_token stop = {};
  };

  // Builds and starts everything except gRPC. Waits, for as long as it takes, for a database that
  // is down and for the tenant directory's first snapshot: in a split suite until the tenants
  // service can be reached.
  static absl::StatusOr<std::unique_ptr<Host>> Start(Options options);
  ~Host();

  // The channel from `caller` to a service, in this process or another. Lives as long as the host.
  rpc::Channel& ChannelBetween(std::string_view caller, std::string_view service);
  // The workers for a service, "users", or for a lane of it, "users/passwords", in this process. A
  // lane has as many workers as its service, and a shorter queue. For any other name: a separate
  // pool for work that waits for no service of this process.
  WorkerPool& WorkersOf(std::string_view service);
  tenancy::TenantDirectory& tenants() { return directory_; }
  telemetry::Metrics& metrics() { return metrics_; }
  const config::ProcessConfig& config() const { return *options_.config; }
  const Clock& clock() const { return *options_.clock; }
  // `name`: of a service, or of a lane of it.
  bool RunsService(std::string_view name) const;

  // Opens gRPC for the services that have an address.
  absl::Status Listen();
  // OK when requests can be served: the directory is available, the databases answer and accept
  // writes, and, for a process without services of its own, all the services are ready.
  absl::Status Ready(absl::Time deadline);
  // Hands new values of reloadable keys to the components. Not during Start or Drain.
  void Reload(const config::ProcessConfig& config);
  // Tells the callers in other processes that this one is about to stop, so that they turn to other
  // replicas; their calls are still taken.
  void SayLeaving();
  // Goes on taking calls over TCP until the configured while after SayLeaving is over, at most half
  // of the time. Then ends streams and refuses new calls; running calls of other processes have
  // until `finish_by`. Drops work that no caller waits for. Then components write what they have in
  // memory. What still runs shortly before `end_by` is cut off: its statements and calls fail.
  // Afterwards nothing runs here, no job, no worker, no call, and destruction does not wait for any
  // database. Idempotent.
  void Drain(absl::Time finish_by, absl::Time end_by);

 private:
  class ServiceEnvironment;
  struct Running;

  explicit Host(Options options);
  absl::Status StartServices();
  absl::Status StartService(const ServiceDefinition& definition);
  absl::StatusOr<std::unique_ptr<Component>> MakeComponent(const ServiceDefinition& definition,
                                                           Environment& environment);
  absl::Status FollowTenants();
  absl::Status CheckData();
  absl::Status OwnReady(absl::Time deadline);
  void AwaitCallersLeave(absl::Time finish_by) const;
  std::vector<WorkerPool*> AllWorkers();
  void DropQueued();
  void CutOff();
  // Closes pools that no tenant's settings lead to any more.
  void KeepTenantPools();
  void AddStatisticsJobs();
  // Updates the metrics of connection pools and queues at each scrape.
  void SamplePools();
  absl::StatusOr<tenancy::PgTenantDatabases*> DatabasesOf(std::string_view service);
  rpc::CallObserver ObserverOf(std::string service, const rpc::ServiceInfo& info);
  // Whether some service has an address: this process listens there, or dials it.
  bool TalksToOthers() const;
  absl::StatusOr<rpc::TransportSecurity> LoadSecurity() const;

  Options options_;
  rpc::TransportSecurity security_;
  tenancy::TenantDirectory directory_;
  telemetry::Metrics metrics_;
  JobScheduler jobs_;
  rpc::OutgoingCalls outgoing_calls_;
  std::mutex channels_mutex_;
  std::mutex databases_mutex_;
  std::map<std::string, std::unique_ptr<tenancy::PgTenantDatabases>> databases_;  // by role
  std::map<std::string, std::unique_ptr<WorkerPool>, std::less<>> workers_;
  std::vector<std::unique_ptr<Running>> running_;
  std::map<std::pair<std::string, std::string>, std::unique_ptr<rpc::Channel>> channels_;
  tenancy::ChangeAssembler tenant_changes_;  // the stream's
  std::unique_ptr<rpc::Subscription> tenant_stream_;
  // Readiness, which must not queue behind requests.
  ReadinessServiceImpl readiness_{[this](absl::Time deadline) { return OwnReady(deadline); }};
  common::v1::ReadinessServiceHandler readiness_handler_{readiness_};
  std::unique_ptr<rpc::Dispatcher> readiness_dispatcher_;
  WorkerPool readiness_workers_{"readiness", 1, 16};
  std::unique_ptr<rpc::GrpcServer> grpc_;
  absl::Time left_at_ = absl::InfinitePast();  // when SayLeaving was called
  std::atomic<bool> drained_ = false;
};

}  // namespace gatehouse::host

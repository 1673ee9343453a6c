#include "libs/host/host.h"

#include <algorithm>
#include <future>
#include <optional>
#include <thread>
#include <utility>

#include "gatehouse/tenants/v1/tenant_directory.rpc.h"
#include "libs/base/read_file.h"
#include "libs/base/status.h"
#include "libs/base/steady_time.h"
#include "libs/base/stop.h"
#include "libs/base/strings.h"
#include "libs/db/database.h"
#include "libs/db/migrations.h"
#include "libs/db/stop_statements.h"
#include "libs/host/admitted_channel.h"
#include "libs/host/call_at.h"
#include "libs/host/first_statistics.h"
#include "libs/host/waiting_log.h"
#include "libs/rpc/grpc_channel.h"
#include "libs/rpc/secret_authority.h"
#include "libs/telemetry/log.h"
#include "libs/tenancy/pg_tenant_databases.h"

namespace gatehouse::host {
namespace {

// Waiting requests of one service: enough for a burst of 1,000 clients; beyond it 429 is better
// than a growing queue.
constexpr size_t kMaxQueuedPerService = 2048;
// A lane is for slow work, such as passwords: a request waits there for at most a third of its
// time-out, whatever a password costs here. A longer queue could not be served in that time.
constexpr size_t kMaxQueuedPerLane = 512;
constexpr int kLaneShareOfTime = 3;
// Workers of a remote service only wait for it.
constexpr size_t kRemoteWorkers = 16;
// Pause between attempts to build a component whose database is down.
constexpr absl::Duration kStartPause = absl::Seconds(1);
// Processes of a suite start together: only a longer wait is worth a line in the log.
constexpr absl::Duration kDirectoryPatience = absl::Seconds(5);
// Jobs can be repeated: once all requests have ended they get no more than this.
constexpr absl::Duration kJobPatience = absl::Seconds(1);
// The time that a start may spend on checking all databases; the ones it does not reach are
// logged.
constexpr absl::Duration kCheckTimeout = absl::Seconds(30);
constexpr absl::Duration kFallbackTimeout = absl::Seconds(5);
// In this time a new database gets a thousand users or so, which bad plans can still bear.
constexpr absl::Duration kStatisticsInterval = absl::Seconds(1);
// The size of a message beyond the body of the request that it was made from.
constexpr size_t kMessageOverheadBytes = 1 << 20;
// A bundle of all public authorities has a quarter of it.
constexpr size_t kMaxPemBytes = 1 << 20;

// "users" of "users/passwords".
std::string_view ServiceOf(std::string_view lane) { return lane.substr(0, lane.find('/')); }

absl::StatusOr<std::string> ReadPem(const std::string& path) {
  std::optional<std::string> text = ReadFile(path, kMaxPemBytes);
  if (!text.has_value()) return BadInput(StrCat("cannot read ", path));
  return *std::move(text);
}

telemetry::PoolSample SampleOf(std::string pool, std::string databases, int pools,
                               const db::DatabaseStats& stats) {
  telemetry::PoolSample sample;
  sample.pool = std::move(pool);
  sample.databases = std::move(databases);
  sample.pools = pools;
  sample.in_use = stats.in_use;
  sample.idle = stats.idle;
  sample.waiting = stats.waiting;
  sample.statements_total = static_cast<double>(stats.statements);
  sample.connects_total = static_cast<double>(stats.connects);
  sample.connect_failures_total = static_cast<double>(stats.connect_failures);
  sample.wait_timeouts_total = static_cast<double>(stats.wait_timeouts);
  sample.statement_timeouts_total = static_cast<double>(stats.statement_timeouts);
  sample.refused_total = static_cast<double>(stats.refused);
  sample.retries_total = static_cast<double>(stats.retries);
  return sample;
}

}  // namespace

// One service that runs here: its component and the dispatchers of its RPC services.
struct Host::Running {
  std::string name;
  tenancy::PgTenantDatabases* databases = nullptr;
  std::unique_ptr<Environment> environment;
  std::unique_ptr<Component> component;
  std::vector<std::unique_ptr<rpc::Dispatcher>> dispatchers;
  std::vector<std::string> lanes;  // whose workers run each, by the dispatcher's position
};

class Host::ServiceEnvironment final : public Environment {
 public:
  ServiceEnvironment(Host& host, std::string_view name, tenancy::TenantDatabases& databases)
      : host_(host), name_(name), databases_(databases) {}

  rpc::Channel& ChannelTo(std::string_view service) override {
    return host_.ChannelBetween(name_, service);
  }
  tenancy::TenantDirectory& tenants() override { return host_.directory_; }
  tenancy::TenantDatabases& databases() override { return databases_; }
  const config::ProcessConfig& config() const override { return host_.config(); }
  const Clock& clock() const override { return *host_.options_.clock; }
  JobScheduler& jobs() override { return host_.jobs_; }
  telemetry::Metrics& metrics() override { return host_.metrics_; }

 private:
  Host& host_;
  const std::string name_;
  tenancy::TenantDatabases& databases_;
};

Host::Host(Options options)
    : options_(std::move(options)), directory_(options_.config->test_mode) {}

Host::~Host() {
  Drain(SteadyNow(), SteadyNow());
  // Components are destroyed in the reverse order of their creation: each may hold channels to
  // lower ones.
  while (!running_.empty()) running_.pop_back();
}

absl::StatusOr<std::unique_ptr<Host>> Host::Start(Options options) {
  auto host = std::unique_ptr<Host>(new Host(std::move(options)));
  ASSIGN_OR_RETURN(host->security_, host->LoadSecurity());
  RETURN_IF_ERROR(host->StartServices());
  RETURN_IF_ERROR(host->CheckData());
  host->AddStatisticsJobs();
  host->SamplePools();
  host->jobs_.Start();
  return host;
}

bool Host::TalksToOthers() const {
  return std::any_of(config().services.begin(), config().services.end(),
                     [](const auto& service) { return !service.second.address.empty(); });
}

absl::StatusOr<rpc::TransportSecurity> Host::LoadSecurity() const {
  rpc::TransportSecurity security;
  if (!config().tls_cert_file.empty()) {
    ASSIGN_OR_RETURN(security.certificate_pem, ReadPem(config().tls_cert_file));
    ASSIGN_OR_RETURN(security.private_key_pem, ReadPem(config().tls_key_file));
    ASSIGN_OR_RETURN(security.ca_pem, ReadPem(config().tls_ca_file));
  } else if (!config().internal_secret.empty() && TalksToOthers()) {
    std::vector<std::string> names;
    for (const ServiceDefinition& service : options_.services) names.emplace_back(service.name);
    if (names.empty()) names.emplace_back(options_.caller);
    ASSIGN_OR_RETURN(security, rpc::SecurityFromSecret(config().internal_secret, names));
  }
  security.max_request_bytes = static_cast<size_t>(config().max_body_bytes) + kMessageOverheadBytes;
  return security;
}

bool Host::RunsService(std::string_view name) const {
  name = ServiceOf(name);
  return std::any_of(running_.begin(), running_.end(),
                     [&](const auto& running) { return running->name == name; });
}

rpc::CallObserver Host::ObserverOf(std::string service, const rpc::ServiceInfo& info) {
  std::vector<telemetry::RpcMetric*> metrics;  // by method
  for (const rpc::MethodInfo& method : info.methods) {
    metrics.push_back(&metrics_.Rpc(service, method.name));
  }
  return [metrics = std::move(metrics)](const rpc::CallRecord& record) {
    const ErrorReason reason = ReasonOf(*record.status);
    metrics[record.method->index]->Observe(record.status->ok(), reason,
                                           absl::ToDoubleSeconds(record.duration));
  };
}

absl::StatusOr<tenancy::PgTenantDatabases*> Host::DatabasesOf(std::string_view service) {
  const config::ServiceSettings& settings = config().service(service);
  std::lock_guard lock(databases_mutex_);
  auto& slot = databases_[settings.database_user];
  if (!slot) {
    const config::DbSettings& base = config().core->db();
    ASSIGN_OR_RETURN(db::DatabaseOptions options,
                     tenancy::MakeDatabaseOptions(base, StrCat("gatehouse-", service)));
    if (!settings.database_user.empty()) {
      options.user = settings.database_user;
      options.password = settings.database_password;
    }
    if (settings.pool_size > 0) options.pool_size = settings.pool_size;
    ASSIGN_OR_RETURN(std::shared_ptr<db::Database> database, db::Database::Create(options));
    slot = std::make_unique<tenancy::PgTenantDatabases>(std::move(database), base);
  }
  return slot.get();
}

void Host::KeepTenantPools() {
  const std::set<std::string> storage_ids = directory_.StorageIds();
  std::lock_guard lock(databases_mutex_);
  for (auto& [role, databases] : databases_) databases->KeepOnly(storage_ids);
}

absl::Status Host::CheckData() {
  const absl::Time deadline = SteadyNow() + kCheckTimeout;
  for (const auto& running : running_) {
    RETURN_IF_ERROR(running->component->CheckData(deadline));
  }
  return absl::OkStatus();
}

void Host::Reload(const config::ProcessConfig& config) {
  for (const auto& running : running_) running->component->Reload(config);
}

void Host::AddStatisticsJobs() {
  // Services that have no database role of their own share pools.
  std::map<tenancy::PgTenantDatabases*, std::vector<std::string_view>> tables;
  for (const auto& running : running_) {
    std::vector<std::string_view>& all = tables[running->databases];
    for (const std::string_view table : db::TablesOf(running->name)) all.push_back(table);
  }
  for (auto& [databases, names] : tables) {
    jobs_.Add({.name = "gather_first_statistics",
               .interval = kStatisticsInterval,
               .first_after = kStatisticsInterval,
               .time_limit = absl::Seconds(30)},
              [job = std::make_shared<FirstStatistics>(
                   [databases = databases] { return databases->Pools(); }, std::move(names))](
                  absl::Time deadline) { return job->Run(deadline); });
  }
}

void Host::SamplePools() {
  metrics_.SetPoolSampler([this] {
    std::vector<telemetry::PoolSample> samples;
    std::lock_guard lock(databases_mutex_);
    for (const auto& [role, databases] : databases_) {
      const std::string pool = role.empty() ? "shared" : role;
      samples.push_back(SampleOf(pool, "base", 1, databases->Base().stats()));
      const tenancy::PgTenantDatabases::OwnStats own = databases->StatsOfTenants();
      samples.push_back(SampleOf(pool, "tenants", own.pools, own.sum));
    }
    return samples;
  });
  metrics_.SetTenantSampler([this] {
    return telemetry::TenantSample{directory_.size(), directory_.left_out()};
  });
  metrics_.SetQueueSampler([this] {
    std::vector<telemetry::QueueSample> samples;
    std::lock_guard lock(channels_mutex_);
    for (const auto& [name, workers] : workers_) {
      samples.push_back({name, static_cast<int>(workers->queued())});
    }
    return samples;
  });
}

// A component that needs its database while it is being built waits for it.
absl::StatusOr<std::unique_ptr<Component>> Host::MakeComponent(const ServiceDefinition& definition,
                                                               Environment& environment) {
  WaitingLog log("the database");
  for (;;) {
    absl::StatusOr<std::unique_ptr<Component>> component = definition.factory(environment);
    const ErrorReason reason = ReasonOf(component.status());
    if (reason != ErrorReason::kDependencyDown && reason != ErrorReason::kDeadlineExceeded) {
      return component;
    }
    log.Say(db::DatabaseCause(component.status()));
    if (WaitForStop(options_.stop, kStartPause)) return absl::CancelledError("asked to stop");
  }
}

absl::Status Host::StartService(const ServiceDefinition& definition) {
  auto running = std::make_unique<Running>();
  running->name = std::string(definition.name);
  ASSIGN_OR_RETURN(running->databases, DatabasesOf(definition.name));
  running->environment =
      std::make_unique<ServiceEnvironment>(*this, definition.name, *running->databases);
  ASSIGN_OR_RETURN(running->component, MakeComponent(definition, *running->environment));
  for (const ExposedService& service : running->component->services()) {
    ASSIGN_OR_RETURN(auto dispatcher,
                     rpc::Dispatcher::Create(*service.handler, service.policy,
                                             ObserverOf(running->name, service.handler->info())));
    running->dispatchers.push_back(std::move(dispatcher));
    running->lanes.push_back(service.lane.empty() ? running->name
                                                  : StrCat(running->name, "/", service.lane));
  }
  running_.push_back(std::move(running));
  return running_.back()->component->Start();
}

absl::Status Host::StartServices() {
  for (const ServiceDefinition& definition : options_.services) {
    RETURN_IF_ERROR(StartService(definition));
    if (definition.name == "tenants") RETURN_IF_ERROR(FollowTenants());
  }
  if (!tenant_stream_) RETURN_IF_ERROR(FollowTenants());
  return absl::OkStatus();
}

absl::Status Host::FollowTenants() {
  using tenants::v1::TenantDirectoryServiceClient;
  const std::string_view caller =
      running_.empty() ? options_.caller : std::string_view(running_.back()->name);
  rpc::Channel& channel = ChannelBetween(caller, "tenants");
  TenantDirectoryServiceClient client(channel);
  directory_.SetFallback(
      [&channel](const std::vector<common::v1::Scope>& names,
                 absl::Time deadline) -> absl::StatusOr<std::vector<tenants::v1::Tenant>> {
        rpc::CallContext context;
        context.deadline = std::min(deadline, SteadyNow() + kFallbackTimeout);
        tenants::v1::GetDirectoryEntriesRequest request;
        for (const common::v1::Scope& name : names) *request.add_scopes() = name;
        ASSIGN_OR_RETURN(auto response, TenantDirectoryServiceClient(channel).GetDirectoryEntries(
                                            context, request));
        return std::vector<tenants::v1::Tenant>(response.tenants().begin(),
                                                response.tenants().end());
      });
  tenant_stream_ = client.SubscribeWatchTenants(
      rpc::CallContext{}, {},
      [this](const tenants::v1::WatchTenantsResponse& message, const auto& answer) {
        const auto change = tenant_changes_.Add(message);
        if (!change.has_value()) return;
        const std::vector<std::string> left_out =
            directory_.Apply(change->full(), change->base_config_json(),
                             {change->upserted().begin(), change->upserted().end()},
                             {change->removed().begin(), change->removed().end()});
        // The author of the change waits for this.
        tenants::v1::WatchTenantsRequest applied;
        applied.set_applied_version(change->version());
        answer(applied);
        for (const std::string& text : left_out) {
          telemetry::Log(telemetry::LogLevel::kError, "tenant_left_out", {{"why", text}});
        }
        KeepTenantPools();
      });
  WaitingLog log("the tenants service");
  const absl::Time quiet_until = SteadyNow() + kDirectoryPatience;
  while (!directory_.ready()) {
    if (WaitForStop(options_.stop, absl::Milliseconds(10))) {
      return absl::CancelledError("asked to stop");
    }
    if (SteadyNow() > quiet_until) log.Say("it has sent no tenants yet");
  }
  return absl::OkStatus();
}

rpc::Channel& Host::ChannelBetween(std::string_view caller, std::string_view service) {
  std::lock_guard lock(channels_mutex_);
  auto& slot = channels_[{std::string(caller), std::string(service)}];
  if (slot) return *slot;
  for (const auto& running : running_) {
    if (running->name != service) continue;
    std::vector<rpc::Dispatcher*> dispatchers;
    for (const auto& dispatcher : running->dispatchers) dispatchers.push_back(dispatcher.get());
    slot = rpc::MakeLocalChannel(dispatchers, std::string(caller));
    if (caller == rpc::callers::kGateway) slot = MakeAdmittedChannel(std::move(slot));
    return *slot;
  }
  // Addresses and security are checked with the configuration, so this can only fail here for a
  // composition that leaves a service out: then every call reports that.
  auto channel =
      rpc::MakeGrpcChannel(config().service(service).address, std::string(service),
                           std::string(caller), security_, &outgoing_calls_);
  slot = channel.ok() ? *std::move(channel) : rpc::MakeLocalChannel({}, std::string(caller));
  if (caller == rpc::callers::kGateway) slot = MakeAdmittedChannel(std::move(slot));
  return *slot;
}

WorkerPool& Host::WorkersOf(std::string_view service) {
  std::lock_guard lock(channels_mutex_);
  auto found = workers_.find(service);
  if (found == workers_.end()) {
    int threads = static_cast<int>(kRemoteWorkers);
    if (RunsService(service)) {
      const int own = config().service(ServiceOf(service)).pool_size;
      threads = own > 0 ? own : config().core->db().connection_pool_size;
    }
    const bool lane = ServiceOf(service) != service;
    found = workers_
                .emplace(service, std::make_unique<WorkerPool>(
                                      std::string(service), std::max(threads, 1),
                                      lane ? kMaxQueuedPerLane : kMaxQueuedPerService,
                                      lane ? absl::Milliseconds(config().request_timeout_ms) /
                                                 kLaneShareOfTime
                                           : absl::InfiniteDuration()))
                .first;
    if (drained_) found->second->DropQueued();
  }
  return *found->second;
}

absl::Status Host::Listen() {
  std::vector<std::string> addresses;
  std::vector<rpc::GrpcServer::Served> served;
  std::map<std::string_view, int> offered;  // by how many services here
  for (const auto& running : running_) {
    for (const auto& dispatcher : running->dispatchers) ++offered[dispatcher->info().full_name];
  }
  for (const auto& running : running_) {
    const std::string& address = config().service(running->name).address;
    if (address.empty()) continue;
    if (std::find(addresses.begin(), addresses.end(), address) == addresses.end()) {
      addresses.push_back(address);
    }
    for (size_t i = 0; i < running->dispatchers.size(); ++i) {
      // A service that several components of one process offer is ambiguous here; its callers are
      // in the process.
      if (offered[running->dispatchers[i]->info().full_name] > 1) continue;
      served.push_back({running->dispatchers[i].get(), &WorkersOf(running->lanes[i])});
    }
  }
  if (addresses.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(readiness_dispatcher_,
                   rpc::Dispatcher::Create(readiness_handler_, ReadinessPolicy()));
  served.push_back({readiness_dispatcher_.get(), &readiness_workers_});
  ASSIGN_OR_RETURN(grpc_, rpc::GrpcServer::Start(addresses, security_, std::move(served)));
  grpc_->SetServing(true);
  return absl::OkStatus();
}

absl::Status Host::OwnReady(absl::Time deadline) {
  if (!directory_.ready()) return absl::UnavailableError("the tenant directory is not there yet");
  RETURN_IF_ERROR(directory_.Find(tenancy::MakeScope("", "", "")).status());
  for (const auto& [role, databases] : databases_) {
    RETURN_IF_ERROR(CheckWritable(databases->Base(), deadline));
  }
  return absl::OkStatus();
}

absl::Status Host::Ready(absl::Time deadline) {
  RETURN_IF_ERROR(OwnReady(deadline));
  if (!running_.empty()) return absl::OkStatus();
  std::map<std::string, rpc::Channel*> services;
  for (const std::string_view service : config::ServiceNames()) {
    if (service == options_.caller) continue;
    services.emplace(service, &ChannelBetween(options_.caller, service));
  }
  return CheckServices(services, deadline);
}

std::vector<WorkerPool*> Host::AllWorkers() {
  std::vector<WorkerPool*> all;
  std::lock_guard lock(channels_mutex_);
  for (auto& [name, workers] : workers_) all.push_back(workers.get());
  return all;
}

void Host::DropQueued() {
  for (WorkerPool* workers : AllWorkers()) workers->DropQueued();
}

void Host::CutOff() {
  DropQueued();
  for (const auto& running : running_) running->component->CutOff();
  db::StopStatements();
  outgoing_calls_.CancelAll();
}

void Host::SayLeaving() {
  if (!grpc_ || left_at_ != absl::InfinitePast()) return;
  left_at_ = SteadyNow();
  grpc_->SayLeaving();
}

void Host::AwaitCallersLeave(absl::Time finish_by) const {
  // Behind a Unix socket there is no other replica.
  if (!grpc_ || grpc_->port() == 0) return;
  const absl::Time now = SteadyNow();
  const absl::Time until = std::min(left_at_ + absl::Milliseconds(config().shutdown_delay_ms),
                                    now + (finish_by - now) / 2);
  std::this_thread::sleep_until(ToSteadyClock(until));
}

void Host::Drain(absl::Time finish_by, absl::Time end_by) {
  AwaitCallersLeave(finish_by);
  if (drained_.exchange(true)) return;
  // Early enough for cut-off work to end by itself.
  const absl::Time cut_at = end_by - (end_by - finish_by) / 4;
  {
    const CallAt cutter(cut_at, [this] { CutOff(); });
    jobs_.RequestStop();
    std::future<void> calls_ended = std::async(std::launch::async, [this, finish_by] {
      if (grpc_) grpc_->Drain(finish_by);
    });
    (void)calls_ended.wait_until(ToSteadyClock(finish_by));
    // Every waiting caller has been answered, or has no time left.
    DropQueued();
    for (const auto& running : running_) running->component->Drain(cut_at);
    calls_ended.wait();
    directory_.StopLookUps();
    for (WorkerPool* workers : AllWorkers()) workers->Stop();
    readiness_workers_.Stop();
  }
  {
    const CallAt cutter(std::min(cut_at, SteadyNow() + kJobPatience), [this] { CutOff(); });
    jobs_.Stop();
  }
  CutOff();
  tenant_stream_.reset();
  grpc_.reset();
}

}  // namespace gatehouse::host

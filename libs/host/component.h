#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/base/clock.h"
#include "libs/rpc/policy.h"
#include "libs/rpc/service.h"

namespace gatehouse {
namespace config {
struct ProcessConfig;
}
namespace telemetry {
class Metrics;
}
namespace tenancy {
class TenantDatabases;
class TenantDirectory;
}
}  // namespace gatehouse

namespace gatehouse::host {

class JobScheduler;

// What a service is built from, in whichever process it runs. Everything here outlives it.
class Environment {
 public:
  virtual ~Environment() = default;
  // The channel to another service, with this one as caller; only to services below it in the call
  // graph.
  virtual rpc::Channel& ChannelTo(std::string_view service) = 0;
  virtual tenancy::TenantDirectory& tenants() = 0;
  // This service's own pools, with its own database role if one is configured.
  virtual tenancy::TenantDatabases& databases() = 0;
  virtual const config::ProcessConfig& config() const = 0;
  virtual const Clock& clock() const = 0;
  // Periodic work; each job runs on one instance at a time.
  virtual JobScheduler& jobs() = 0;
  // Outlives the component: what a gauge reads is shared with it.
  virtual telemetry::Metrics& metrics() = 0;
};

// One RPC service that a component offers.
struct ExposedService {
  rpc::ServiceHandler* handler;
  rpc::Policy policy;
  // The name of separate workers for an RPC service whose calls take so long that the component's
  // others must not queue behind them. Empty: the component's workers.
  std::string_view lane = {};
};

// A service: its parts, wired. Owns them; destroyed before its environment, when nothing can call it
// any more: the calls of other processes and of the REST interface have ended, and so have its jobs.
class Component {
 public:
  virtual ~Component() = default;
  virtual std::vector<ExposedService> services() = 0;
  // Called once after every component of the process is built; may call other services.
  virtual absl::Status Start() { return absl::OkStatus(); }
  // Called before requests and jobs, once the tenant directory is available: an error keeps the
  // process from serving, for data that this build can't read.
  virtual absl::Status CheckData(absl::Time /*deadline*/) { return absl::OkStatus(); }
  // The configuration was read again: `config` has new values for the keys of
  // config::IsReloadable. It is valid during the call. Requests run meanwhile.
  virtual void Reload(const config::ProcessConfig& /*config*/) {}
  // Called when no more requests come: writes out its pending batches.
  virtual void Drain(absl::Time /*deadline*/) {}
  // Called when the drain time is over: threads that wait inside for anything other than databases
  // and other services, which are cut off too, return at once. Does not wait; may be called while
  // Drain runs.
  virtual void CutOff() {}
};

// Builds a component; every service has one, in services/<name>/component.h.
using ComponentFactory = absl::StatusOr<std::unique_ptr<Component>> (*)(Environment&);

}  // namespace gatehouse::host

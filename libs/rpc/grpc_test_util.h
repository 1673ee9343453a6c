#pragma once

// A service to call over real sockets, and what its tests need to offer and to reach it.

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "gatehouse/tenants/v1/tenant_directory.rpc.h"
#include "libs/base/problem.h"
#include "libs/base/status.h"
#include "libs/base/steady_time.h"
#include "libs/rpc/dispatcher.h"
#include "libs/rpc/grpc_channel.h"
#include "libs/rpc/grpc_server.h"
#include "libs/rpc/secret_authority.h"

namespace gatehouse::rpc {

using tenants::v1::GetDirectoryEntriesRequest;
using tenants::v1::GetDirectoryEntriesResponse;
using tenants::v1::TenantDirectoryService;
using tenants::v1::TenantDirectoryServiceClient;
using tenants::v1::TenantDirectoryServiceHandler;
using tenants::v1::WatchTenantsRequest;
using tenants::v1::WatchTenantsResponse;

// Its answer depends on the app id in the request.
class FakeDirectory final : public TenantDirectoryService {
 public:
  absl::StatusOr<GetDirectoryEntriesResponse> GetDirectoryEntries(
      CallContext& context, const GetDirectoryEntriesRequest& request) override {
    ++calls_;
    const std::string& app = request.scopes(0).app_id();
    if (app == "bad") return BadInput("no such thing");
    if (app == "long") {
      return BadInput(Problem::kTooLong, "too long", {{"field", "appId"}, {"max_bytes", "64"}});
    }
    if (app == "bug") return absl::InternalError("driver text that nobody may see");
    if (app == "throws") throw std::runtime_error("driver text that nobody may see");
    if (app == "blocks") {
      std::unique_lock lock(mutex_);
      ++blocked_;
      changed_.notify_all();
      changed_.wait(lock, [this] { return released_; });
    }
    GetDirectoryEntriesResponse response;
    response.add_tenants()->mutable_scope()->set_app_id(context.caller + " " + context.request_id);
    return response;
  }

  absl::Status WatchTenants(CallContext&, const WatchTenantsRequest&,
                            Stream<WatchTenantsRequest, WatchTenantsResponse> stream) override {
    stream.OnRequest([this](const WatchTenantsRequest& request) {
      std::lock_guard lock(mutex_);
      applied_.push_back(request.applied_version());
      changed_.notify_all();
    });
    WatchTenantsResponse first;
    first.set_full(true);
    stream.Send(first);
    std::lock_guard lock(mutex_);
    streams_.push_back(std::move(stream));
    changed_.notify_all();
    return absl::OkStatus();
  }

  int calls() const { return calls_; }
  size_t streams() {
    std::lock_guard lock(mutex_);
    return streams_.size();
  }
  bool WaitForStreams(size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(10),
                             [&] { return streams_.size() == count; });
  }
  void DropStreams() {
    std::lock_guard lock(mutex_);
    streams_.clear();
  }
  std::vector<int64_t> WaitForApplied(size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(10), [&] { return applied_.size() >= count; });
    return applied_;
  }

  void WaitForBlocked(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return blocked_ >= count; });
  }
  void Release() {
    std::lock_guard lock(mutex_);
    released_ = true;
    changed_.notify_all();
  }
  void Publish(const std::string& config) {
    std::lock_guard lock(mutex_);
    WatchTenantsResponse change;
    change.set_base_config_json(config);
    for (auto& stream : streams_) stream.Send(change);
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::atomic<int> calls_ = 0;
  std::vector<int64_t> applied_;
  int blocked_ = 0;
  bool released_ = false;
  std::vector<Stream<WatchTenantsRequest, WatchTenantsResponse>> streams_;
};

inline constexpr char kSecret[] = "between ourselves, and nobody else";

// The security of a process of that name.
inline TransportSecurity Holder(const std::string& name, const std::string& secret = kSecret) {
  auto security = SecurityFromSecret(secret, {name});
  EXPECT_TRUE(security.ok()) << security.status();
  return *std::move(security);
}

// Calls the fake, whose answer depends on the app id.
inline absl::StatusOr<GetDirectoryEntriesResponse> Ask(Channel& channel, const std::string& app,
                                                       absl::Duration time = absl::Seconds(10)) {
  CallContext context{"", "id-1", SteadyNow() + time};
  GetDirectoryEntriesRequest request;
  request.add_scopes()->set_app_id(app);
  return TenantDirectoryServiceClient(channel).GetDirectoryEntries(context, request);
}

inline std::unique_ptr<Channel> Dial(const std::string& address, const std::string& caller,
                                     const TransportSecurity& security) {
  auto channel = MakeGrpcChannel(address, "tenants", caller, security);
  EXPECT_TRUE(channel.ok()) << channel.status();
  return *std::move(channel);
}

// Waits for the stream's first message.
class Watch {
 public:
  explicit Watch(Channel& channel)
      : subscription_(TenantDirectoryServiceClient(channel).SubscribeWatchTenants(
            CallContext{}, {}, [this](const WatchTenantsResponse&, const auto&) {
              std::lock_guard lock(mutex_);
              begun_ = true;
              changed_.notify_all();
            })) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return begun_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool begun_ = false;
  std::unique_ptr<Subscription> subscription_;
};

}  // namespace gatehouse::rpc

#include "services/tenants/catalogue.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <utility>

#include "libs/tenancy/tenant_directory.h"

namespace gatehouse::tenants {
namespace {

constexpr absl::Time kNow = absl::InfinitePast();  // no waiting at all

// A watcher's end of its stream.
class Sink final : public rpc::StreamSink {
 public:
  using Message = google::protobuf::Message;
  void OnRequest(std::function<void(const Message&)> on_request) override {
    on_request_ = std::move(on_request);
  }
  bool Send(const Message& message) override {
    last_version_ = static_cast<const v1::WatchTenantsResponse&>(message).version();
    return true;
  }
  void Confirm(int64_t version) {
    v1::WatchTenantsRequest request;
    request.set_applied_version(version);
    on_request_(request);
  }
  int64_t last_version() const { return last_version_; }

 private:
  std::function<void(const Message&)> on_request_;
  int64_t last_version_ = 0;
};

class CatalogueTest : public testing::Test {
 protected:
  CatalogueTest() : catalogue_(*Catalogue::Create({})) {}

  std::weak_ptr<Sink> Watch(bool remote) {
    auto sink = std::make_shared<Sink>();
    catalogue_->Watch(Catalogue::Watcher(sink), remote);
    return sink;
  }
  void Change(const std::string& app) {
    v1::TenantWithProviders tenant;
    *tenant.mutable_tenant()->mutable_scope() = tenancy::MakeScope("", app, "");
    tenant.mutable_tenant()->set_core_config_json("{}");
    catalogue_->Apply({tenant}, {});
  }

  std::unique_ptr<Catalogue> catalogue_;
};

TEST_F(CatalogueTest, AConfirmationCountsForItsOwnStreamOnly) {
  const auto honest = Watch(true).lock();
  const auto other = Watch(true).lock();
  Change("a");
  for (const int64_t version : {int64_t{-1}, int64_t{1000}, other->last_version()}) {
    other->Confirm(version);
  }
  EXPECT_FALSE(catalogue_->progress().Await(kNow)) << "one has not applied it";
  honest->Confirm(honest->last_version());
  Change("b");
  other->Confirm(other->last_version());
  honest->Confirm(honest->last_version() - 1);
  EXPECT_FALSE(catalogue_->progress().Await(kNow));
  honest->Confirm(honest->last_version());
  EXPECT_TRUE(catalogue_->progress().Await(kNow));
}

TEST_F(CatalogueTest, RemoteWatchersAreSentAwayAndTheProcessesOwnStays) {
  const auto remote = Watch(true);
  const auto own = Watch(false);
  catalogue_->SendRemoteWatchersAway();
  EXPECT_TRUE(remote.expired());
  ASSERT_FALSE(own.expired());
  Change("a");
  const int64_t version = own.lock()->last_version();
  EXPECT_GT(version, 1);
  own.lock()->Confirm(version);
  EXPECT_TRUE(catalogue_->progress().Await(kNow)) << "whoever has gone is not waited for";
}

}  // namespace
}  // namespace gatehouse::tenants

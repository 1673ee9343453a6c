// The gateway's calls carry what its checks saw.

#include "libs/host/admitted_channel.h"

#include <gtest/gtest.h>

#include "gatehouse/tenants/v1/app_settings_service.rpc.h"
#include "libs/base/status.h"
#include "libs/tenancy/tenant.h"

namespace gatehouse::host {
namespace {

class AnsweringChannel final : public rpc::Channel {
 public:
  absl::Status Call(const rpc::MethodInfo&, const rpc::CallContext&,
                    const google::protobuf::Message&, google::protobuf::Message*) override {
    return absl::OkStatus();
  }
  std::unique_ptr<rpc::Subscription> Subscribe(const rpc::MethodInfo&, const rpc::CallContext&,
                                               const google::protobuf::Message&,
                                               rpc::OnMessage) override {
    return nullptr;
  }
  bool local() const override { return true; }
};

TEST(AdmittedChannelTest, AScopeWithoutAStampIsRefused) {
  const auto channel = MakeAdmittedChannel(std::make_unique<AnsweringChannel>());
  tenants::v1::AppSettingsServiceClient client(*channel);
  rpc::CallContext context;
  tenants::v1::GetSettingRequest request;
  EXPECT_EQ(ReasonOf(client.GetSetting(context, request).status()), ErrorReason::kInternal);
  *request.mutable_scope() = tenancy::MakeScope("", "a", "");
  EXPECT_EQ(ReasonOf(client.GetSetting(context, request).status()), ErrorReason::kInternal);
  *request.mutable_scope() = tenancy::Admit(request.scope(), nullptr, nullptr);
  EXPECT_TRUE(client.GetSetting(context, request).ok());
}

}  // namespace
}  // namespace gatehouse::host

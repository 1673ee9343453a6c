#include "libs/host/admitted_channel.h"

#include <google/protobuf/message.h>

#include <unordered_map>
#include <utility>

#include "gatehouse/common/v1/scope.pb.h"
#include "libs/base/status.h"
#include "libs/telemetry/fault.h"

namespace gatehouse::host {
namespace {

// The field of a request for its scope; null: it has none.
const google::protobuf::FieldDescriptor* ScopeField(const google::protobuf::Descriptor* request) {
  // Looked up by name once a thread.
  thread_local std::unordered_map<const google::protobuf::Descriptor*,
                                  const google::protobuf::FieldDescriptor*>
      fields;
  const auto [found, is_new] = fields.try_emplace(request);
  if (is_new) {
    const auto* field = request->FindFieldByName("scope");
    if (field != nullptr && field->message_type() == common::v1::Scope::descriptor()) {
      found->second = field;
    }
  }
  return found->second;
}

bool IsAdmitted(const google::protobuf::Message& request) {
  const auto* field = ScopeField(request.GetDescriptor());
  if (field == nullptr) return true;
  const auto& scope = request.GetReflection()->GetMessage(request, field);
  return static_cast<const common::v1::Scope&>(scope).has_admission();
}

class AdmittedChannel final : public rpc::Channel {
 public:
  explicit AdmittedChannel(std::unique_ptr<rpc::Channel> channel) : channel_(std::move(channel)) {}

  absl::Status Call(const rpc::MethodInfo& method, const rpc::CallContext& context,
                    const google::protobuf::Message& request,
                    google::protobuf::Message* response) override {
    if (!IsAdmitted(request)) {
      const CallScope scope(context);
      absl::Status status = MakeError(ErrorReason::kInternal, "the scope was not admitted");
      telemetry::LogFaultOnce(status, "scope_not_admitted", method.full_path);
      return status;
    }
    return channel_->Call(method, context, request, response);
  }

  std::unique_ptr<rpc::Subscription> Subscribe(const rpc::MethodInfo& method,
                                               const rpc::CallContext& context,
                                               const google::protobuf::Message& request,
                                               rpc::OnMessage on_message) override {
    return channel_->Subscribe(method, context, request, std::move(on_message));
  }

  bool local() const override { return channel_->local(); }

 private:
  const std::unique_ptr<rpc::Channel> channel_;
};

}  // namespace

std::unique_ptr<rpc::Channel> MakeAdmittedChannel(std::unique_ptr<rpc::Channel> channel) {
  return std::make_unique<AdmittedChannel>(std::move(channel));
}

}  // namespace gatehouse::host

#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

#include "google/protobuf/message.h"
#include "libs/rpc/service.h"

namespace gatehouse::testing {

// A channel to a service that doesn't exist: records the last request and returns a preset answer.
// For tests of callers, such as the gateway's routes. For one thread.
class FakeChannel final : public rpc::Channel {
 public:
  // The answer to every call from now on; at first a default message.
  void Answer(const google::protobuf::Message& response) {
    answer_ = response.SerializeAsString();
    status_ = absl::OkStatus();
  }
  void Fail(absl::Status status) { status_ = std::move(status); }

  int calls() const { return calls_; }
  const std::string& last_method() const { return last_method_; }
  template <typename Request>
  Request last_request() const {
    Request request;
    EXPECT_TRUE(request.ParseFromString(last_request_));
    return request;
  }

  absl::Status Call(const rpc::MethodInfo& method, const rpc::CallContext&,
                    const google::protobuf::Message& request,
                    google::protobuf::Message* response) override {
    ++calls_;
    last_method_ = method.name;
    last_request_ = request.SerializeAsString();
    if (status_.ok()) {
      EXPECT_TRUE(response->ParseFromString(answer_)) << last_method_;
    }
    return status_;
  }
  std::unique_ptr<rpc::Subscription> Subscribe(const rpc::MethodInfo&, const rpc::CallContext&,
                                               const google::protobuf::Message&,
                                               rpc::OnMessage) override {
    return nullptr;
  }
  bool local() const override { return true; }

 private:
  int calls_ = 0;
  std::string last_method_, last_request_, answer_;
  absl::Status status_;
};

}  // namespace gatehouse::testing

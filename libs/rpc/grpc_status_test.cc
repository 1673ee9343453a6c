// What a failed call looks like to gRPC's libraries in other languages.

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "gatehouse/common/v1/error.pb.h"
#include "libs/base/problem.h"
#include "libs/base/status.h"
#include "libs/rpc/grpc_status.h"

namespace gatehouse::rpc {
namespace {

using google::protobuf::internal::WireFormatLite;

// Varints and length-delimited fields by number: an independent reading of google.rpc.Status.
struct Fields {
  explicit Fields(const std::string& bytes) {
    google::protobuf::io::CodedInputStream in(reinterpret_cast<const uint8_t*>(bytes.data()),
                                              static_cast<int>(bytes.size()));
    while (const uint32_t tag = in.ReadTag()) {
      const int number = WireFormatLite::GetTagFieldNumber(tag);
      if (WireFormatLite::GetTagWireType(tag) == WireFormatLite::WIRETYPE_VARINT) {
        valid = valid && in.ReadVarint64(&numbers[number]);
      } else {
        uint32_t size = 0;
        valid = valid && in.ReadVarint32(&size) &&
                in.ReadString(&texts[number], static_cast<int>(size));
      }
      if (!valid) return;
    }
  }
  std::map<int, uint64_t> numbers;
  std::map<int, std::string> texts;
  bool valid = true;
};

TEST(GrpcStatusTest, DetailsAreAStatusWithTheCallsCodeAndTheReason) {
  for (int value = 1; value < common::v1::ErrorReason_ARRAYSIZE; ++value) {
    const auto reason = static_cast<ErrorReason>(value);
    const absl::Status made =
        WithProblem(MakeError(reason, "a text"), Problem::kTooLong, {{"field", "x"}});
    const grpc::Status sent = ToGrpcStatus(made);
    const Fields status(sent.error_details());
    ASSERT_TRUE(status.valid);
    EXPECT_EQ(status.numbers.at(1), static_cast<uint64_t>(sent.error_code()));
    EXPECT_EQ(status.texts.at(2), sent.error_message());
    const Fields any(status.texts.at(3));
    ASSERT_TRUE(any.valid);
    EXPECT_EQ(any.texts.at(1), "type.googleapis.com/gatehouse.common.v1.ErrorDetail");
    common::v1::ErrorDetail detail;
    ASSERT_TRUE(detail.ParseFromString(any.texts.at(2)));
    EXPECT_EQ(detail.reason(), value);
    EXPECT_EQ(detail.problem(), common::v1::ERROR_PROBLEM_TOO_LONG);
    EXPECT_EQ(ReasonOf(FromGrpcStatus(sent)), reason);
  }
}

TEST(GrpcStatusTest, DetailsOfOthersAreNoReason) {
  for (const std::string details : {"", "\x08\x05", "\xff", "text"}) {
    const grpc::Status strange(grpc::StatusCode::FAILED_PRECONDITION, "m", details);
    EXPECT_EQ(ReasonOf(FromGrpcStatus(strange)), ErrorReason::kInternal) << details;
  }
}

}  // namespace
}  // namespace gatehouse::rpc

// The errors that a client can get, as errors.golden lists them: numbers and names travel, so a
// line of it is never changed or removed.

#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "gatehouse/common/v1/error.pb.h"
#include "gateway/api/http_errors.h"
#include "libs/base/problem.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"

namespace gatehouse::gateway {
namespace {

using google::protobuf::EnumDescriptor;

// "BAD_INPUT" of ERROR_REASON_BAD_INPUT.
std::string NameOf(const EnumDescriptor& type, int index, std::string_view prefix) {
  return type.value(index)->name().substr(prefix.size());
}

TEST(ErrorReasonsTest, AreThoseOfTheGoldenFile) {
  std::string text;
  const EnumDescriptor& reasons = *common::v1::ErrorReason_descriptor();
  for (int i = 0; i < reasons.value_count(); ++i) {
    const int number = reasons.value(i)->number();
    const auto reason = static_cast<ErrorReason>(number);
    EXPECT_EQ(ErrorReasonName(reason), NameOf(reasons, i, "ERROR_REASON_"));
    const absl::Status status = MakeError(reason, "");
    text += StrCat("reason ", std::to_string(number), " ", ErrorReasonName(reason), " grpc ",
                   std::to_string(static_cast<int>(status.code())), " http ",
                   std::to_string(ErrorReply(status).status), "\n");
  }
  const EnumDescriptor& problems = *common::v1::ErrorProblem_descriptor();
  for (int i = 0; i < problems.value_count(); ++i) {
    const int number = problems.value(i)->number();
    EXPECT_EQ(ProblemName(static_cast<Problem>(number)), NameOf(problems, i, "ERROR_PROBLEM_"));
    text += StrCat("problem ", std::to_string(number), " ",
                   ProblemName(static_cast<Problem>(number)), "\n");
  }
  std::ifstream file(GATEHOUSE_SOURCE_DIR "/protos/gatehouse/common/v1/errors.golden");
  std::stringstream golden;
  golden << file.rdbuf();
  EXPECT_EQ(text, golden.str());
}

TEST(ErrorReasonsTest, WhatMayBeRepeatedSaysWhen) {
  using Headers = decltype(Reply::headers);
  const Headers in_a_second = {{"Retry-After", "1"}};
  for (const ErrorReason reason : {ErrorReason::kOverloaded, ErrorReason::kDependencyDown,
                                   ErrorReason::kDeadlineExceeded}) {
    EXPECT_EQ(ErrorReply(MakeError(reason, "")).headers, in_a_second) << ErrorReasonName(reason);
  }
  EXPECT_EQ(ErrorReply(WithProblem(MakeError(ErrorReason::kOverloaded, ""), Problem::kTooOften,
                                   {{"retry_after_s", "7"}}))
                .headers,
            (Headers{{"Retry-After", "7"}}));
  EXPECT_EQ(ErrorReply(MakeError(ErrorReason::kInternal, "")).headers, Headers{});
}

TEST(ProblemTest, TravelsWithItsMetadata) {
  const absl::Status status = BadInput(Problem::kTooLong, "email is too long",
                                       {{"field", "email"}, {"max_characters", "256"}});
  EXPECT_EQ(ReasonOf(status), ErrorReason::kBadInput);
  EXPECT_EQ(ProblemOf(status), Problem::kTooLong);
  EXPECT_EQ(MetadataOf(status), (ProblemMetadata{{"field", "email"}, {"max_characters", "256"}}));
  EXPECT_EQ(ProblemOf(BadInput("no more than that")), Problem::kUnspecified);
  EXPECT_EQ(ProblemOf(WithProblem(BadInput(""), static_cast<Problem>(4711))),
            Problem::kUnspecified);
}

}  // namespace
}  // namespace gatehouse::gateway

#pragma once

#include <grpc/support/time.h>

#include <algorithm>

#include "absl/time/time.h"
#include "libs/base/steady_time.h"

namespace gatehouse::rpc {

// Converts deadlines of SteadyNow() to and from gRPC's monotonic clock: a step of the wall clock
// neither ends nor prolongs a call. Thread-safe.
inline gpr_timespec ToGrpcDeadline(absl::Time deadline) {
  if (deadline == absl::InfiniteFuture()) return gpr_inf_future(GPR_CLOCK_MONOTONIC);
  const int64_t left_ns =
      std::max<int64_t>(0, absl::ToInt64Nanoseconds(deadline - SteadyNow()));
  return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_nanos(left_ns, GPR_TIMESPAN));
}

inline absl::Time FromGrpcDeadline(gpr_timespec deadline) {
  if (gpr_time_cmp(deadline, gpr_inf_future(deadline.clock_type)) == 0) {
    return absl::InfiniteFuture();
  }
  const gpr_timespec left = gpr_time_sub(deadline, gpr_now(deadline.clock_type));
  return SteadyNow() + absl::Seconds(left.tv_sec) + absl::Nanoseconds(left.tv_nsec);
}

}  // namespace gatehouse::rpc

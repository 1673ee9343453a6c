#include "libs/http/descriptor_limit.h"

#include <sys/resource.h>

#include <algorithm>
#include <climits>

namespace gatehouse::http {
namespace {

// Not available to connections: a quarter, within these bounds. Pools of tenants' own databases
// take most of it.
constexpr rlim_t kLeastReserve = 128;
constexpr rlim_t kMostReserve = 1024;

}  // namespace

DescriptorLimit RaiseDescriptorLimit(int connections) {
  const auto wanted = static_cast<rlim_t>(std::max(connections, 1));
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return {INT_MAX, connections};
  // Not higher than useful: programs that close every possible descriptor become slow.
  const rlim_t target = std::min<rlim_t>(wanted + kMostReserve, limit.rlim_max);
  if (limit.rlim_cur < target) {
    const rlim_t before = limit.rlim_cur;
    limit.rlim_cur = target;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) limit.rlim_cur = before;
  }
  const rlim_t descriptors = std::min<rlim_t>(limit.rlim_cur, INT_MAX);
  const rlim_t reserve = std::clamp<rlim_t>(descriptors / 4, kLeastReserve, kMostReserve);
  const rlim_t room = descriptors > reserve ? descriptors - reserve : 1;
  return {static_cast<int>(descriptors), static_cast<int>(std::min(wanted, room))};
}

}  // namespace gatehouse::http

#pragma once

namespace gatehouse::http {

struct DescriptorLimit {
  int descriptors;  // that this process may have open
  int connections;  // that fit, with some reserved for databases, other processes and files
};

// Raises this process's limit on open files (RLIMIT_NOFILE) as far as `connections` need and the
// system allows. `connections` of the result is at most what was asked for, and at least 1.
DescriptorLimit RaiseDescriptorLimit(int connections);

}  // namespace gatehouse::http

#pragma once

// Private to libs/db: a borrowed connection.

#include <memory>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/db/pool.h"

namespace gatehouse::db {

// Borrows in Take, returns the connection when destroyed. Marks its thread as a holder, so that a
// second lease on the same thread is refused instead of waiting for the first, perhaps for ever.
class Lease {
 public:
  static absl::StatusOr<std::unique_ptr<Lease>> Take(Pool& pool, absl::Time deadline);
  ~Lease();
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;

  Connection& connection() { return *connection_; }
  Pool& pool() { return pool_; }

 private:
  Lease(Pool& pool, Owner owner, std::unique_ptr<Connection> connection);

  Pool& pool_;
  const Owner owner_;
  std::unique_ptr<Connection> connection_;
};

}  // namespace gatehouse::db

#include "libs/db/lease.h"

#include <utility>

#include "libs/base/status.h"
#include "libs/db/error_map.h"

namespace gatehouse::db {
namespace {

thread_local bool t_holds_connection = false;

}  // namespace

absl::StatusOr<std::unique_ptr<Lease>> Lease::Take(Pool& pool, absl::Time deadline) {
  if (t_holds_connection) return Bug("a thread that holds a connection asked for another");
  const Owner owner = OwnerScope::Current();
  ASSIGN_OR_RETURN(std::unique_ptr<Connection> connection, pool.Acquire(deadline, owner));
  return std::unique_ptr<Lease>(new Lease(pool, owner, std::move(connection)));
}

Lease::Lease(Pool& pool, Owner owner, std::unique_ptr<Connection> connection)
    : pool_(pool), owner_(owner), connection_(std::move(connection)) {
  t_holds_connection = true;
}

Lease::~Lease() {
  t_holds_connection = false;
  pool_.Release(std::move(connection_), owner_);
}

}  // namespace gatehouse::db

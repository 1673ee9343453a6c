#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/db/database.h"

namespace gatehouse::db {

// Databases by storage id, made when first asked for: tenants may have databases of their own.
// Thread-safe. A Database lives as long as anyone holds it, so that a storage can be dropped or
// reconfigured under running requests.
class DatabaseSet {
 public:
  // Gives the options of a storage id; an error is passed on to who asked, and not remembered.
  // Called without locks held, and perhaps by several threads for one id.
  using Resolver = std::function<absl::StatusOr<DatabaseOptions>(const std::string& storage_id)>;

  explicit DatabaseSet(Resolver resolver);

  absl::StatusOr<std::shared_ptr<Database>> Get(const std::string& storage_id);
  // Uses `database` for an id from now on.
  void Put(const std::string& storage_id, std::shared_ptr<Database> database);
  // Forgets an id: the next Get resolves it afresh.
  void Forget(const std::string& storage_id);
  std::vector<std::string> StorageIds() const;

 private:
  const Resolver resolver_;
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Database>> databases_;
};

}  // namespace gatehouse::db

#include "libs/db/database_set.h"

#include <utility>

#include "libs/base/status.h"

namespace gatehouse::db {

DatabaseSet::DatabaseSet(Resolver resolver) : resolver_(std::move(resolver)) {}

absl::StatusOr<std::shared_ptr<Database>> DatabaseSet::Get(const std::string& storage_id) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto it = databases_.find(storage_id); it != databases_.end()) return it->second;
  }
  ASSIGN_OR_RETURN(DatabaseOptions options, resolver_(storage_id));
  ASSIGN_OR_RETURN(std::unique_ptr<Database> created, Database::Create(std::move(options)));
  const std::lock_guard lock(mutex_);
  // Another thread may have been quicker; its Database wins. Ours has not connected yet.
  return databases_.try_emplace(storage_id, std::move(created)).first->second;
}

void DatabaseSet::Put(const std::string& storage_id, std::shared_ptr<Database> database) {
  std::shared_ptr<Database> old;  // destroyed outside the lock: it may be the last owner's
  const std::lock_guard lock(mutex_);
  old = std::exchange(databases_[storage_id], std::move(database));
}

void DatabaseSet::Forget(const std::string& storage_id) {
  std::shared_ptr<Database> old;
  const std::lock_guard lock(mutex_);
  const auto it = databases_.find(storage_id);
  if (it == databases_.end()) return;
  old = std::move(it->second);
  databases_.erase(it);
}

std::vector<std::string> DatabaseSet::StorageIds() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> ids;
  for (const auto& [id, database] : databases_) ids.push_back(id);
  return ids;
}

}  // namespace gatehouse::db

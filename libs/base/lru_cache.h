#pragma once

#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

namespace gatehouse {

// At most `capacity` values by string key; the least recently used one is dropped first. Values are
// shared: a dropped one lives on while someone holds it. Thread-safe; every operation is O(1) under
// one mutex.
template <typename Value>
class LruCache {
 public:
  explicit LruCache(size_t capacity) : capacity_(capacity) {}

  // Null if the key is missing.
  std::shared_ptr<Value> Find(const std::string& key) {
    const std::lock_guard lock(mutex_);
    return Touch(key);
  }

  // The value of `key`, created by `make` (which must be quick) if it is missing.
  std::shared_ptr<Value> FindOrMake(const std::string& key,
                                    const std::function<std::shared_ptr<Value>()>& make) {
    const std::lock_guard lock(mutex_);
    if (auto found = Touch(key)) return found;
    order_.emplace_front(key, make());
    index_[key] = order_.begin();
    if (order_.size() > capacity_) {
      index_.erase(order_.back().first);
      order_.pop_back();
    }
    return order_.front().second;
  }

  size_t size() const {
    const std::lock_guard lock(mutex_);
    return order_.size();
  }

 private:
  std::shared_ptr<Value> Touch(const std::string& key) {
    const auto it = index_.find(key);
    if (it == index_.end()) return nullptr;
    order_.splice(order_.begin(), order_, it->second);
    return it->second->second;
  }

  using Order = std::list<std::pair<std::string, std::shared_ptr<Value>>>;
  const size_t capacity_;
  mutable std::mutex mutex_;
  Order order_;  // most recently used first
  std::unordered_map<std::string, typename Order::iterator> index_;
};

}  // namespace gatehouse

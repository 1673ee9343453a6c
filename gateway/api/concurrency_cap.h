#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "absl/time/time.h"

namespace gatehouse::gateway {

// Counts the requests that are being answered, of each connection URI domain and in all, and says
// when one domain has more than its share (max_concurrent_requests_per_cud). Thread-safe.
class ConcurrencyCap {
  struct Domain;

 public:
  struct Limits {
    int64_t cap = 0;  // requests of one domain at once; 0: not limited
    // The original's threads, and the part of them that the cap leaves to other domains: as long as
    // fewer requests run than the rest, a domain may have more than its cap. 100 per cent makes
    // every request beyond the cap one too many.
    int64_t pool_size = 10;
    int64_t reserved_percent = 25;
  };

  // A request that is being answered, until it is destroyed or released.
  class Slot {
   public:
    Slot() = default;
    Slot(Slot&& other) noexcept;
    Slot& operator=(Slot&& other) noexcept;
    ~Slot() { Release(); }
    void Release();

   private:
    friend class ConcurrencyCap;
    Slot(ConcurrencyCap& owner, Domain& domain) : owner_(&owner), domain_(&domain) {}

    ConcurrencyCap* owner_ = nullptr;  // null: holds nothing
    Domain* domain_ = nullptr;
  };

  // nullopt: one too many. `domain` exists: nothing else bounds the memory that this takes.
  // `logs` is set when nobody has been told of this domain's cap for a minute.
  std::optional<Slot> Enter(const std::string& domain, const Limits& limits, absl::Time now,
                            bool& logs);
  // Requests of the domain that are being answered.
  int64_t InFlight(const std::string& domain) const;

 private:
  struct Domain {
    int64_t in_flight = 0;
    absl::Time logged = absl::InfinitePast();
  };
  // Domains that are removed leave an idle entry behind until the map is full.
  static constexpr size_t kMaxDomains = 20000;

  void DropIdle();  // under the lock

  mutable std::mutex mutex_;
  std::unordered_map<std::string, Domain> domains_;  // its elements do not move
  int64_t in_flight_ = 0;
};

}  // namespace gatehouse::gateway

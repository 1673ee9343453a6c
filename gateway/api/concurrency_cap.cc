#include "gateway/api/concurrency_cap.h"

#include <algorithm>
#include <utility>

namespace gatehouse::gateway {
namespace {

constexpr absl::Duration kLogInterval = absl::Minutes(1);

// As long as no more requests run than this, nobody is refused.
int64_t Threshold(const ConcurrencyCap::Limits& limits) {
  const int64_t reserved = limits.pool_size * limits.reserved_percent / 100;
  return std::min(limits.pool_size - 1, limits.pool_size - reserved);
}

}  // namespace

ConcurrencyCap::Slot::Slot(Slot&& other) noexcept
    : owner_(std::exchange(other.owner_, nullptr)), domain_(other.domain_) {}

ConcurrencyCap::Slot& ConcurrencyCap::Slot::operator=(Slot&& other) noexcept {
  if (this != &other) {
    Release();
    owner_ = std::exchange(other.owner_, nullptr);
    domain_ = other.domain_;
  }
  return *this;
}

void ConcurrencyCap::Slot::Release() {
  if (owner_ == nullptr) return;
  ConcurrencyCap& owner = *std::exchange(owner_, nullptr);
  std::lock_guard lock(owner.mutex_);
  --domain_->in_flight;
  --owner.in_flight_;
}

void ConcurrencyCap::DropIdle() {
  std::erase_if(domains_, [](const auto& entry) { return entry.second.in_flight == 0; });
}

std::optional<ConcurrencyCap::Slot> ConcurrencyCap::Enter(const std::string& name,
                                                          const Limits& limits, absl::Time now,
                                                          bool& logs) {
  logs = false;
  std::lock_guard lock(mutex_);
  if (domains_.size() >= kMaxDomains && !domains_.contains(name)) DropIdle();
  Domain& domain = domains_[name];
  if (limits.cap > 0 && domain.in_flight + 1 > limits.cap &&
      in_flight_ + 1 > Threshold(limits)) {
    logs = now - domain.logged >= kLogInterval;
    if (logs) domain.logged = now;
    return std::nullopt;
  }
  ++domain.in_flight;
  ++in_flight_;
  return Slot(*this, domain);
}

int64_t ConcurrencyCap::InFlight(const std::string& domain) const {
  std::lock_guard lock(mutex_);
  const auto found = domains_.find(domain);
  return found == domains_.end() ? 0 : found->second.in_flight;
}

}  // namespace gatehouse::gateway

#include "libs/http/body_budget.h"

namespace gatehouse::http {

bool BodyBudget::Fits(const Holders& holders, const std::string& name, int64_t more, int64_t free) {
  if (name.empty() || more == 0) return true;
  const auto held = holders.find(name);
  return (held == holders.end() ? 0 : held->second) + more <= free;
}

void BodyBudget::Change(Holders& holders, const std::string& name, int64_t by) {
  if (name.empty() || by == 0) return;
  const auto held = holders.try_emplace(name, 0).first;
  held->second += by;
  if (held->second == 0) holders.erase(held);
}

bool BodyBudget::Take(Charge& charge, int64_t bytes) {
  const int64_t large = Charge::Large(charge.bytes_ + bytes) - Charge::Large(charge.bytes_);
  std::lock_guard lock(mutex_);
  const int64_t free = total_ - used_ - bytes;
  if (free < 0 || !Fits(peers_, charge.peer_, bytes, free) ||
      !Fits(apps_, charge.app_, bytes, free * kSharesOfAllBodies) ||
      !Fits(apps_large_, charge.app_, large, free)) {
    return false;
  }
  used_ += bytes;
  Change(peers_, charge.peer_, bytes);
  Change(apps_, charge.app_, bytes);
  Change(apps_large_, charge.app_, large);
  charge.bytes_ += bytes;
  return true;
}

void BodyBudget::GiveBack(const Charge& charge) {
  std::lock_guard lock(mutex_);
  used_ -= charge.bytes_;
  Change(peers_, charge.peer_, -charge.bytes_);
  Change(apps_, charge.app_, -charge.bytes_);
  Change(apps_large_, charge.app_, -Charge::Large(charge.bytes_));
}

}  // namespace gatehouse::http

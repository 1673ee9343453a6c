#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>

#include "libs/crypto/rsa_key.h"

namespace gatehouse::crypto {
namespace {
// Requests come first: the pool refills in the time that they leave.
constexpr int kNice = 10;
}  // namespace

KeyPairPool::KeyPairPool(const Options& options)
    : most_ready_pairs_(std::max(options.ready_pairs, options.most_ready_pairs)),
      low_priority_(options.low_priority),
      target_(options.ready_pairs) {
  if (target_ == 0) return;
  thread_ = std::jthread([this](std::stop_token stop) { Fill(std::move(stop)); });
}

KeyPairPool::~KeyPairPool() = default;

std::shared_ptr<const RsaKeyPair> KeyPairPool::Take() {
  {
    const std::lock_guard lock(mutex_);
    if (!ready_.empty()) {
      auto pair = std::move(ready_.front());
      ready_.pop_front();
      if (ready_.empty()) target_ = std::min(2 * target_, most_ready_pairs_);
      wake_.notify_one();
      return pair;
    }
  }
  return RsaKeyPair::Generate();
}

size_t KeyPairPool::ready() const {
  const std::lock_guard lock(mutex_);
  return ready_.size();
}

size_t KeyPairPool::target() const {
  const std::lock_guard lock(mutex_);
  return target_;
}

void KeyPairPool::Fill(std::stop_token stop) {
  if (low_priority_) {
    // On Linux a thread id names one thread here, not the process. Best effort.
    static_cast<void>(setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kNice));
  }
  while (!stop.stop_requested()) {
    {
      std::unique_lock lock(mutex_);
      if (!wake_.wait(lock, stop, [this] { return ready_.size() < target_; })) return;
    }
    auto pair = RsaKeyPair::GenerateUnless(stop);
    if (pair == nullptr) return;
    const std::lock_guard lock(mutex_);
    ready_.push_back(std::move(pair));
  }
}

}  // namespace gatehouse::crypto

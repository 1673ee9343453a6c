#include <sys/resource.h>
#include <unistd.h>

#include "libs/crypto/rsa_key.h"

namespace gatehouse::crypto {
namespace {
// Requests come first: the pool refills in what they leave over.
constexpr int kNice = 10;
}  // namespace

KeyPairPool::KeyPairPool(size_t ready_pairs) : target_(ready_pairs) {
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

void KeyPairPool::Fill(std::stop_token stop) {
  // On Linux a thread id names one thread here, not the process. Best effort.
  static_cast<void>(setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kNice));
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

#include "libs/passwords/password_hasher.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_set>
#include <utility>

#include "libs/base/owner.h"
#include "libs/base/status.h"
#include "libs/base/steady_time.h"
#include "libs/crypto/bytes.h"

namespace gatehouse::passwords {
namespace {

// In test mode thousands of users sign up within a suite; the least cost keeps that quick.
constexpr int kTestModeBcryptCost = 4;

int BcryptCost(const config::CoreConfig& config) {
  return config.test_mode() ? kTestModeBcryptCost : config.bcrypt_log_rounds();
}

bool UsesArgon2(const config::CoreConfig& config) {
  return config.password_hashing_alg() == config::PasswordHashingAlg::kArgon2;
}

crypto::Argon2Params Argon2ParamsOf(const config::CoreConfig& config) {
  return {.iterations = static_cast<uint32_t>(config.argon2_iterations()),
          .memory_kb = static_cast<uint32_t>(config.argon2_memory_kb()),
          .parallelism = static_cast<uint32_t>(config.argon2_parallelism())};
}

size_t BcryptThreads() {
  return std::clamp<size_t>(std::thread::hardware_concurrency(), 1, 32);
}

// Hashing uses a whole processor for as long as it runs. Other threads of this process go first, so
// that a storm of sign-ins doesn't slow everything else down.
void YieldToOthers() {
  constexpr int kNiceness = 5;
  thread_local const bool done =
      setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kNiceness) == 0;
  (void)done;
}

// A hash takes its time and no more, so that one owner may have all threads.
std::unique_ptr<WorkerPool> MakePool(std::string name, size_t threads, size_t max_queued) {
  return std::make_unique<WorkerPool>(std::move(name), threads, max_queued,
                                      absl::InfiniteDuration(), SteadyNow,
                                      WorkerPool::Threads::kAll);
}

absl::Status Overloaded() {
  return MakeError(ErrorReason::kOverloaded, "Too many passwords are being hashed");
}

absl::Status Stopping() { return MakeError(ErrorReason::kDependencyDown, "The server is stopping"); }

class AnyTicket {
 public:
  virtual ~AnyTicket() = default;
  // A waiting caller learns that the server is stopping.
  virtual void CutOff() = 0;
};

// The result of work that runs on a pool while its caller waits. Shared, because a caller that runs
// out of time returns before the work ends.
template <typename T>
class Ticket final : public AnyTicket {
 public:
  // Only the first result counts.
  void Fill(absl::StatusOr<T> result) {
    std::lock_guard lock(mutex_);
    if (!result_.has_value()) result_ = std::move(result);
    done_.notify_one();
  }
  void CutOff() override { Fill(Stopping()); }
  absl::StatusOr<T> Await(absl::Time deadline) {
    std::unique_lock lock(mutex_);
    done_.wait_until(lock, ToSteadyClock(deadline), [this] { return result_.has_value(); });
    if (!result_.has_value()) {
      result_ = MakeError(ErrorReason::kDeadlineExceeded, "The request took too long");
    }
    return *std::move(result_);
  }
  // Whether no caller waits any more.
  bool over() const {
    std::lock_guard lock(mutex_);
    return result_.has_value();
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable done_;
  std::optional<absl::StatusOr<T>> result_;
};

// The duty to fill a ticket. If a stopping pool drops it, it reports that.
template <typename T>
class Promise {
 public:
  explicit Promise(std::shared_ptr<Ticket<T>> ticket) : ticket_(std::move(ticket)) {}
  Promise(Promise&&) noexcept = default;
  ~Promise() {
    if (ticket_ != nullptr) ticket_->CutOff();
  }
  Ticket<T>& ticket() { return *ticket_; }

 private:
  std::shared_ptr<Ticket<T>> ticket_;
};

// A password's copy that is wiped when the work on it ends.
class SecretCopy {
 public:
  explicit SecretCopy(std::string_view text) : text_(text) {}
  SecretCopy(SecretCopy&& other) noexcept : text_(std::move(other.text_)) {
    crypto::SecureWipe(other.text_);
  }
  ~SecretCopy() { crypto::SecureWipe(text_); }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace

// The tickets of all waiting callers.
class PooledPasswordHasher::Waiting {
 public:
  // A waiting caller, for as long as this lives.
  class Entry {
   public:
    Entry(Waiting& waiting, AnyTicket& ticket) : waiting_(waiting), ticket_(ticket) {
      std::lock_guard lock(waiting_.mutex_);
      waiting_.tickets_.insert(&ticket_);
      if (waiting_.cut_off_) ticket_.CutOff();
    }
    ~Entry() {
      std::lock_guard lock(waiting_.mutex_);
      waiting_.tickets_.erase(&ticket_);
    }
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;

   private:
    Waiting& waiting_;
    AnyTicket& ticket_;
  };

  void CutOff() {
    std::lock_guard lock(mutex_);
    cut_off_ = true;
    for (AnyTicket* ticket : tickets_) ticket->CutOff();
  }

 private:
  std::mutex mutex_;
  std::unordered_set<AnyTicket*> tickets_;
  bool cut_off_ = false;
};

PooledPasswordHasher::PooledPasswordHasher(const config::CoreConfig& base, size_t max_queued)
    : PooledPasswordHasher(
          Sizes{.bcrypt_threads = BcryptThreads(),
                .argon2_threads = static_cast<size_t>(base.argon2_hashing_pool_size()),
                .firebase_threads = static_cast<size_t>(base.firebase_password_hashing_pool_size()),
                .max_queued = max_queued}) {}

PooledPasswordHasher::PooledPasswordHasher(const Sizes& sizes)
    : waiting_(std::make_unique<Waiting>()),
      bcrypt_pool_(MakePool("bcrypt", sizes.bcrypt_threads, sizes.max_queued)),
      argon2_pool_(MakePool("argon2", sizes.argon2_threads, sizes.max_queued)),
      firebase_pool_(MakePool("scrypt", sizes.firebase_threads, sizes.max_queued)) {}

PooledPasswordHasher::~PooledPasswordHasher() {
  for (auto* pool : {&bcrypt_pool_, &argon2_pool_, &firebase_pool_}) {
    WorkerPool::StopWithoutWaiting(std::move(*pool));
  }
}

void PooledPasswordHasher::CutOff() { waiting_->CutOff(); }

WorkerPool& PooledPasswordHasher::PoolFor(std::string_view stored) {
  if (crypto::IsArgon2Format(stored)) return *argon2_pool_;
  if (crypto::IsFirebaseScryptFormat(stored)) return *firebase_pool_;
  return *bcrypt_pool_;
}

// Runs `work` on `pool` and waits at most until `deadline`. Work that no caller waits for any more
// is not started.
template <typename T, typename Work>
absl::StatusOr<T> PooledPasswordHasher::RunOn(WorkerPool& pool, absl::Time deadline, Work work) {
  auto ticket = std::make_shared<Ticket<T>>();
  const Waiting::Entry entry(*waiting_, *ticket);
  const bool queued = pool.TrySubmit(
      [promise = Promise<T>(ticket), work = std::move(work)]() mutable {
        YieldToOthers();
        if (!promise.ticket().over()) promise.ticket().Fill(work());
      },
      nullptr, [ticket] { ticket->Fill(Overloaded()); }, OwnerScope::Current());
  if (!queued) return Overloaded();
  return ticket->Await(deadline);
}

absl::StatusOr<std::string> PooledPasswordHasher::Hash(const config::CoreConfig& config,
                                                       std::string_view password,
                                                       absl::Time deadline) {
  if (UsesArgon2(config)) {
    return RunOn<std::string>(*argon2_pool_, deadline,
                              [secret = SecretCopy(password), params = Argon2ParamsOf(config)] {
                                return crypto::HashArgon2id(secret.text(), params);
                              });
  }
  return RunOn<std::string>(*bcrypt_pool_, deadline,
                            [secret = SecretCopy(password), cost = BcryptCost(config)] {
                              return crypto::HashBcrypt(secret.text(), cost);
                            });
}

absl::StatusOr<crypto::PasswordMatch> PooledPasswordHasher::Match(const config::CoreConfig& config,
                                                                  std::string_view password,
                                                                  std::string_view stored,
                                                                  absl::Time deadline) {
  const std::string* key = config.firebase_password_hashing_signer_key();
  return RunOn<crypto::PasswordMatch>(PoolFor(stored), deadline,
                                      [secret = SecretCopy(password), hash = std::string(stored),
                                       signer_key = key == nullptr ? std::string() : *key] {
                                        return crypto::MatchPassword(secret.text(), hash,
                                                                     signer_key);
                                      });
}

absl::StatusOr<bool> PooledPasswordHasher::Verify(const config::CoreConfig& config,
                                                  std::string_view password,
                                                  std::string_view stored, absl::Time deadline) {
  ASSIGN_OR_RETURN(const crypto::PasswordMatch match, Match(config, password, stored, deadline));
  if (match == crypto::PasswordMatch::kMalformed) {
    RETURN_IF_ERROR(VerifyNothing(config, password, deadline));
  }
  return match == crypto::PasswordMatch::kYes;
}

absl::Status PooledPasswordHasher::VerifyNothing(const config::CoreConfig& config,
                                                 std::string_view password, absl::Time deadline) {
  const std::string decoy = UsesArgon2(config) ? crypto::DecoyArgon2id(Argon2ParamsOf(config))
                                               : crypto::DecoyBcrypt(BcryptCost(config));
  return Match(config, password, decoy, deadline).status();
}

}  // namespace gatehouse::passwords

#include "services/users/emailpassword/password_hasher.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "libs/base/status.h"
#include "libs/base/steady_time.h"
#include "libs/crypto/bytes.h"

namespace gatehouse::users {
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

// Hashing takes all of a processor for as long as it is let. Other threads of this process go
// first, so that a storm of sign-ins doesn't slow everybody else.
void YieldToOthers() {
  constexpr int kNiceness = 5;
  thread_local const bool done =
      setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kNiceness) == 0;
  (void)done;
}

// The result of work that runs on a pool while its caller waits. Shared, because a caller that
// runs out of time leaves before the work does.
template <typename T>
struct Ticket {
  std::mutex mutex;
  std::condition_variable done;
  std::optional<absl::StatusOr<T>> result;
  bool abandoned = false;
};

// The duty to fill a ticket. Dropped by a pool that stops, it says so.
template <typename T>
class Promise {
 public:
  explicit Promise(std::shared_ptr<Ticket<T>> ticket) : ticket_(std::move(ticket)) {}
  Promise(Promise&&) noexcept = default;
  ~Promise() {
    if (ticket_ != nullptr) {
      Fill(MakeError(ErrorReason::kDependencyDown, "The server is stopping"));
    }
  }
  bool abandoned() const {
    std::lock_guard lock(ticket_->mutex);
    return ticket_->abandoned;
  }
  void Fill(absl::StatusOr<T> result) {
    std::lock_guard lock(ticket_->mutex);
    if (!ticket_->result.has_value()) ticket_->result = std::move(result);
    ticket_->done.notify_one();
  }

 private:
  std::shared_ptr<Ticket<T>> ticket_;
};

// Runs `work` on `pool` and waits at most until `deadline`. Work that nobody waits for any more is
// not begun.
template <typename T, typename Work>
absl::StatusOr<T> RunOn(WorkerPool& pool, absl::Time deadline, Work work) {
  auto ticket = std::make_shared<Ticket<T>>();
  const bool queued =
      pool.TrySubmit([promise = Promise<T>(ticket), work = std::move(work)]() mutable {
        YieldToOthers();
        if (!promise.abandoned()) promise.Fill(work());
      });
  if (!queued) return MakeError(ErrorReason::kOverloaded, "Too many passwords are being hashed");
  std::unique_lock lock(ticket->mutex);
  auto finished = [&] { return ticket->result.has_value(); };
  ticket->done.wait_until(lock, ToSteadyClock(deadline), finished);
  if (!ticket->result.has_value()) {
    ticket->abandoned = true;
    return MakeError(ErrorReason::kDeadlineExceeded, "The request took too long");
  }
  return *std::move(ticket->result);
}

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

PooledPasswordHasher::PooledPasswordHasher(const config::CoreConfig& base, size_t max_queued)
    : bcrypt_pool_("bcrypt", BcryptThreads(), max_queued),
      argon2_pool_("argon2", static_cast<size_t>(base.argon2_hashing_pool_size()), max_queued),
      firebase_pool_("scrypt", static_cast<size_t>(base.firebase_password_hashing_pool_size()),
                     max_queued) {}

void PooledPasswordHasher::CutOff() {
  for (WorkerPool* pool : {&bcrypt_pool_, &argon2_pool_, &firebase_pool_}) pool->DropQueued();
}

WorkerPool& PooledPasswordHasher::PoolFor(std::string_view stored) {
  if (crypto::IsArgon2Format(stored)) return argon2_pool_;
  if (crypto::IsFirebaseScryptFormat(stored)) return firebase_pool_;
  return bcrypt_pool_;
}

absl::StatusOr<std::string> PooledPasswordHasher::Hash(const config::CoreConfig& config,
                                                       std::string_view password,
                                                       absl::Time deadline) {
  if (UsesArgon2(config)) {
    return RunOn<std::string>(argon2_pool_, deadline,
                              [secret = SecretCopy(password), params = Argon2ParamsOf(config)] {
                                return crypto::HashArgon2id(secret.text(), params);
                              });
  }
  return RunOn<std::string>(bcrypt_pool_, deadline,
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

}  // namespace gatehouse::users

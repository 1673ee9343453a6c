#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/base/worker_pool.h"
#include "libs/config/core_config.h"
#include "libs/crypto/password.h"

namespace gatehouse::passwords {

// Hashes and checks passwords according to a tenant's configuration. Thread-safe; calls block.
class PasswordHasher {
 public:
  virtual ~PasswordHasher() = default;
  // kOverloaded when too many calls are waiting, kDeadlineExceeded when the time ran out.
  virtual absl::StatusOr<std::string> Hash(const config::CoreConfig& config,
                                           std::string_view password, absl::Time deadline) = 0;
  // False for a stored text that is not a hash, after the time of VerifyNothing. Bad input for a
  // Firebase hash without a signer key, and for a hash whose cost is not allowed.
  virtual absl::StatusOr<bool> Verify(const config::CoreConfig& config, std::string_view password,
                                      std::string_view stored, absl::Time deadline) = 0;
  // Takes as long as Verify of a hash from Hash, and fails likewise when overloaded or late, so
  // that neither the answer nor its time distinguishes an unknown email from a wrong password.
  virtual absl::Status VerifyNothing(const config::CoreConfig& config, std::string_view password,
                                     absl::Time deadline) = 0;
};

// Hashes on its own bounded pools, so that a storm of sign-ins neither occupies the threads of
// other requests nor takes more memory than the configuration allows: argon2 and Firebase hashes
// have a pool each (argon2_hashing_pool_size, firebase_password_hashing_pool_size), bcrypt has one
// of about the machine's processors.
class PooledPasswordHasher final : public PasswordHasher {
 public:
  struct Sizes {
    size_t bcrypt_threads;
    size_t argon2_threads;
    size_t firebase_threads;
    size_t max_queued;  // how many calls may wait for one pool
  };
  // At 0.1 s per hash and two threads this is some 15 s of work, more than a client waits.
  static constexpr size_t kMaxQueued = 300;

  // Pool sizes are the process's own: `base` is its configuration.
  explicit PooledPasswordHasher(const config::CoreConfig& base, size_t max_queued = kMaxQueued);
  explicit PooledPasswordHasher(const Sizes& sizes);

  absl::StatusOr<std::string> Hash(const config::CoreConfig& config, std::string_view password,
                                   absl::Time deadline) override;
  absl::StatusOr<bool> Verify(const config::CoreConfig& config, std::string_view password,
                              std::string_view stored, absl::Time deadline) override;
  absl::Status VerifyNothing(const config::CoreConfig& config, std::string_view password,
                             absl::Time deadline) override;
  // Hashes under way continue until the process ends, since they can't be interrupted.
  ~PooledPasswordHasher() override;
  // For the end of the process: waiting callers get kDependencyDown, now and from now on.
  void CutOff();

 private:
  class Waiting;

  WorkerPool& PoolFor(std::string_view stored);
  template <typename T, typename Work>
  absl::StatusOr<T> RunOn(WorkerPool& pool, absl::Time deadline, Work work);
  absl::StatusOr<crypto::PasswordMatch> Match(const config::CoreConfig& config,
                                              std::string_view password, std::string_view stored,
                                              absl::Time deadline);

  const std::unique_ptr<Waiting> waiting_;
  std::unique_ptr<WorkerPool> bcrypt_pool_;
  std::unique_ptr<WorkerPool> argon2_pool_;
  std::unique_ptr<WorkerPool> firebase_pool_;
};

}  // namespace gatehouse::passwords

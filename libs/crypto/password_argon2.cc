#include <argon2.h>

#include <algorithm>

#include "libs/base/status.h"
#include "libs/crypto/bytes.h"
#include "libs/crypto/openssl_util.h"
#include "libs/crypto/password.h"
#include "libs/crypto/password_forms.h"

namespace gatehouse::crypto {
namespace {

constexpr size_t kSaltBytes = 16;
constexpr size_t kHashBytes = 32;
// Far above the column's size (256 characters), so that nothing long is decoded.
constexpr size_t kMaxStoredChars = 1024;
// The number of threads does not change the result. The library restarts them four times per pass,
// so many passes get one thread.
constexpr uint32_t kMaxThreads = 4;
constexpr uint32_t kMaxPassesWithThreads = 64;

struct Argon2Hash {
  argon2_type type = Argon2_id;
  uint32_t version = ARGON2_VERSION_10;  // what a hash without `v=` means
  Argon2Params params;
  std::string salt;
  std::string hash;
};

bool TooMuch(const Argon2Params& params) {
  return params.memory_kb > kMaxArgon2MemoryKb || params.parallelism > kMaxArgon2Parallelism ||
         static_cast<uint64_t>(params.memory_kb) * params.iterations > kMaxArgon2WorkKb;
}

std::string WithoutPadding(std::string text) {
  text.resize(text.find_last_not_of('=') + 1);
  return text;
}

// `$argon2id[$v=19]$m=..,t=..,p=..$<salt>$<hash>` of any type; the order is fixed.
std::optional<Argon2Hash> Parse(std::string_view stored) {
  if (stored.size() > kMaxStoredChars) return std::nullopt;
  std::vector<std::string_view> fields = internal::Split(stored, '$');
  Argon2Hash result;
  if (fields.size() == 6) {
    const auto version = internal::ParseNumber<uint32_t>(fields[2], "v=");
    if (version != ARGON2_VERSION_10 && version != ARGON2_VERSION_13) return std::nullopt;
    result.version = *version;
    fields.erase(fields.begin() + 2);
  }
  if (fields.size() != 5 || !fields[0].empty()) return std::nullopt;
  if (fields[1] == "argon2id") {
    result.type = Argon2_id;
  } else if (fields[1] == "argon2i") {
    result.type = Argon2_i;
  } else if (fields[1] == "argon2d") {
    result.type = Argon2_d;
  } else {
    return std::nullopt;
  }
  const std::vector<std::string_view> numbers = internal::Split(fields[2], ',');
  if (numbers.size() != 3) return std::nullopt;
  const auto memory_kb = internal::ParseNumber<uint32_t>(numbers[0], "m=");
  const auto iterations = internal::ParseNumber<uint32_t>(numbers[1], "t=");
  const auto parallelism = internal::ParseNumber<uint32_t>(numbers[2], "p=");
  auto salt = Base64Decode(fields[3]);
  auto hash = Base64Decode(fields[4]);
  if (!memory_kb || !iterations || !parallelism || !salt.ok() || !hash.ok()) return std::nullopt;
  result.params = {*iterations, *memory_kb, *parallelism};
  result.salt = *std::move(salt);
  result.hash = *std::move(hash);
  return result;
}

std::string StoredForm(const Argon2Params& params, const std::string& salt,
                       const std::string& hash) {
  return "$argon2id$v=19$m=" + std::to_string(params.memory_kb) +
         ",t=" + std::to_string(params.iterations) + ",p=" + std::to_string(params.parallelism) +
         '$' + WithoutPadding(Base64Encode(salt)) + '$' + WithoutPadding(Base64Encode(hash));
}

// Returns the libargon2 code; on ARGON2_OK fills `out`, whose size is the hash's.
int Compute(std::string_view password, const Argon2Hash& with, std::string& out) {
  std::string salt = with.salt;
  std::string secret(password);  // the library's interface is not const
  const ScopedWipe wipe(secret);
  argon2_context context{};
  context.out = Bytes(out.data());
  context.outlen = static_cast<uint32_t>(out.size());
  context.pwd = Bytes(secret.data());
  context.pwdlen = static_cast<uint32_t>(secret.size());
  context.salt = Bytes(salt.data());
  context.saltlen = static_cast<uint32_t>(salt.size());
  context.t_cost = with.params.iterations;
  context.m_cost = with.params.memory_kb;
  context.lanes = with.params.parallelism;
  context.threads = with.params.iterations > kMaxPassesWithThreads
                        ? 1
                        : std::min(with.params.parallelism, kMaxThreads);
  context.version = with.version;
  context.flags = ARGON2_DEFAULT_FLAGS;
  return argon2_ctx(&context, with.type);
}

// Failures that are the machine's fault and not the hash's.
absl::Status MachineFault(int code) {
  if (code == ARGON2_MEMORY_ALLOCATION_ERROR || code == ARGON2_THREAD_FAIL) {
    return MakeError(ErrorReason::kOverloaded, "Not enough memory to hash a password now");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> HashArgon2id(std::string_view password, const Argon2Params& params) {
  if (TooMuch(params)) return absl::InvalidArgumentError("argon2 parameters out of bounds");
  Argon2Hash fresh;
  fresh.version = ARGON2_VERSION_13;
  fresh.params = params;
  fresh.salt = RandomBytes(kSaltBytes);
  fresh.hash.resize(kHashBytes);
  const int code = Compute(password, fresh, fresh.hash);
  RETURN_IF_ERROR(MachineFault(code));
  if (code != ARGON2_OK) return absl::InvalidArgumentError("argon2 parameters out of bounds");
  return StoredForm(params, fresh.salt, fresh.hash);
}

std::string DecoyArgon2id(const Argon2Params& params) {
  return StoredForm(params, std::string(kSaltBytes, '\0'), std::string(kHashBytes, '\0'));
}

absl::Status internal::CheckArgon2Cost(std::string_view hash) {
  const std::optional<Argon2Hash> parsed = Parse(hash);
  return parsed.has_value() && TooMuch(parsed->params) ? TooCostly() : absl::OkStatus();
}

absl::StatusOr<PasswordMatch> internal::MatchArgon2(std::string_view password,
                                                    std::string_view stored) {
  const std::optional<Argon2Hash> parsed = Parse(stored);
  if (!parsed.has_value()) return PasswordMatch::kMalformed;
  if (TooMuch(parsed->params)) return TooCostly();
  std::string hash(parsed->hash.size(), '\0');
  const int code = Compute(password, *parsed, hash);
  RETURN_IF_ERROR(MachineFault(code));
  // The library refuses impossible parameters before it does any work.
  if (code != ARGON2_OK) return PasswordMatch::kMalformed;
  return ToMatch(ConstantTimeEqual(hash, parsed->hash));
}

}  // namespace gatehouse::crypto

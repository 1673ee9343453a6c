#pragma once

// Password hashes in every form that a row of emailpassword_users or dashboard_users may contain.
//
// All functions are thread-safe, block while hashing, and belong on a bounded pool: HashArgon2id
// and the imported forms also take the memory that their parameters require. Passwords are UTF-8.

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace gatehouse::crypto {

// Bounds on the cost of a hash. Hashes also come from outside (imports, other databases), and one
// of them must not occupy the server for minutes or take gigabytes.
inline constexpr int kMinBcryptCost = 4;
inline constexpr int kMaxBcryptCost = 17;                         // about 8 s
inline constexpr uint32_t kMaxArgon2MemoryKb = 1024 * 1024;       // 1 GiB
inline constexpr uint64_t kMaxArgon2WorkKb = 4ull * 1024 * 1024;  // memory times passes: some 4 s
inline constexpr uint32_t kMaxArgon2Parallelism = 64;
inline constexpr uint64_t kMaxScryptMemoryBytes = 256ull * 1024 * 1024;  // about 1 s

// The defaults are those of the original's argon2_* settings.
struct Argon2Params {
  uint32_t iterations = 1;
  uint32_t memory_kb = 87795;
  uint32_t parallelism = 2;
};

// `$2a$<cost>$...`, 60 characters, the same as jBCrypt 0.4's: only the first 72 bytes count.
// BadInput for a NUL among those bytes (the hash would silently end there), InvalidArgument for a
// cost outside kMinBcryptCost..kMaxBcryptCost.
absl::StatusOr<std::string> HashBcrypt(std::string_view password, int cost);

// `$argon2id$v=19$m=..,t=..,p=..$<salt>$<hash>` with 16 and 32 bytes. InvalidArgument for
// parameters outside the bounds above, or with less than 8 KiB per lane; kOverloaded when the
// memory can't be allocated.
absl::StatusOr<std::string> HashArgon2id(std::string_view password, const Argon2Params& params);

enum class PasswordMatch {
  kNo,
  kYes,
  kMalformed,  // text that no password can match, an empty one for example: no work was done
};

// Whether `password` is the one behind `stored`. The stored prefix determines the form: argon2id,
// argon2i, argon2d, bcrypt ($2a, $2b, $2x and $2y, all treated as $2a), Firebase scrypt. No
// password with a NUL matches a bcrypt hash. Some hashes of passwords with characters beyond
// US-ASCII have two readings, and either matches: Firebase's (UTF-8 bytes, or US-ASCII with a `?`
// for any other character, as the original reads them), and $2x (the plain algorithm, and the sign
// extension that the prefix stands for). How long it takes depends on `stored` and on whether
// `password` is US-ASCII, not on whether it matches. `firebase_signer_key` is base64 and may be
// empty when not configured: then a Firebase hash gives MissingFirebaseSignerKey. A hash beyond the
// bounds gives CheckHashCost's error; kOverloaded as above.
absl::StatusOr<PasswordMatch> MatchPassword(std::string_view password, std::string_view stored,
                                            std::string_view firebase_signer_key);

// Whether MatchPassword gives kYes.
absl::StatusOr<bool> VerifyPassword(std::string_view password, std::string_view stored,
                                    std::string_view firebase_signer_key);

// A hash with these parameters that no known password matches: verifying a password against it
// takes as long as against one of HashBcrypt or HashArgon2id. For sign-ins of unknown users.
std::string DecoyBcrypt(int cost);
std::string DecoyArgon2id(const Argon2Params& params);

// Format checks for an import. As loose as the original's, which only looks at the prefix of bcrypt
// and argon2 hashes; a hash that passes may still match no password.
bool IsBcryptFormat(std::string_view hash);
bool IsArgon2Format(std::string_view hash);
bool IsFirebaseScryptFormat(std::string_view hash);

// BadInput when verifying `hash` would go beyond the bounds above; OK for anything else, including
// text that is not a hash. Call it on import, so that the hash is refused there and not at sign-in.
absl::Status CheckHashCost(std::string_view hash);

// BadInput, with the original's wording: a Firebase hash exists but no key is configured.
absl::Status MissingFirebaseSignerKey();
bool IsMissingFirebaseSignerKey(const absl::Status& status);

}  // namespace gatehouse::crypto

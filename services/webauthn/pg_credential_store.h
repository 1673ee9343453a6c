#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/tenancy/tenant_databases.h"
#include "libs/tenancy/where.h"

namespace gatehouse::webauthn {

using tenancy::Where;

struct Credential {
  std::string id;  // base64url, as the client wrote it
  std::string rp_id;
  std::string user_id;     // internal
  std::string attested;    // attested credential data: raw bytes
  std::string transports;  // JSON
  int64_t counter = 0;
  int64_t created_at_ms = 0;
  int64_t updated_at_ms = 0;
};

// A login method's own row.
struct PasskeyUser {
  std::string user_id;  // internal
  std::string email;
  std::string rp_id;
  int64_t time_joined_ms = 0;
};

enum class SaveOutcome {
  kSaved,
  kUserTaken,        // the login method has a row
  kCredentialTaken,  // the relying party has a passkey of this id
  kTooMany,          // the login method has kMaxCredentials
  kUnknownUser,      // deleted, or never registered
  kOptionsGone,      // used up, or removed
};

enum class CountOutcome { kCounted, kCredentialChanged, kOptionsGone };

// Passkeys of a login method, so that user objects stay bounded.
inline constexpr int kMaxCredentials = 200;

// Tables webauthn_users and webauthn_credentials. What succeeds can use up options in the same
// transaction: of several attempts one does. Locks in the order of docs/adr, decision 13: the
// user's row, the credential, the options. Thread-safe. Errors as in libs/db/errors.h.
class PgCredentialStore {
 public:
  // `databases` outlives the store.
  explicit PgCredentialStore(tenancy::TenantDatabases& databases) : databases_(databases) {}

  // A login method's row and its first passkey. `use_up`: id of the tenant's options; empty: none.
  absl::StatusOr<SaveOutcome> AddUser(const Where& where, const PasskeyUser& user,
                                      const Credential& credential, std::string_view use_up);
  // A further passkey of a login method.
  absl::StatusOr<SaveOutcome> AddCredential(const Where& where, const Credential& credential,
                                            std::string_view use_up);
  // Records a sign-in with `credential` as it was read, whose counter is `counter` now. Of several
  // with one counter above 0, one is counted.
  absl::StatusOr<CountOutcome> CountSignIn(const Where& where, const Credential& credential,
                                           int64_t counter, int64_t now_ms,
                                           std::string_view use_up);

  absl::StatusOr<std::optional<Credential>> Find(const Where& where, std::string_view rp_id,
                                                 std::string_view id);
  // Oldest first. With `id`: only those with it.
  absl::StatusOr<std::vector<Credential>> ListOfUser(const Where& where, std::string_view user_id,
                                                     std::optional<std::string_view> id);
  // Whether there was one.
  absl::StatusOr<bool> Remove(const Where& where, std::string_view user_id, std::string_view id);

  // False: the login method has no row here.
  absl::StatusOr<bool> SetEmail(const Where& where, std::string_view user_id,
                                std::string_view email);
  // With its passkeys.
  absl::Status RemoveUser(const Where& where, std::string_view user_id);

 private:
  tenancy::TenantDatabases& databases_;
};

}  // namespace gatehouse::webauthn

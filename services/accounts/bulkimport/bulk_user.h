#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "libs/base/json.h"

namespace gatehouse::accounts {

// A user of a bulk import, as it is checked, stored and imported.
struct BulkUser {
  struct Role {
    std::string role;
    std::vector<std::string> tenant_ids;
  };
  struct TotpDevice {
    std::string secret_key;
    int32_t period_s = 30;
    int32_t skew = 1;
    std::optional<std::string> name;
  };
  struct LoginMethod {
    std::string supertokens_user_id;
    std::string recipe_id;
    std::vector<std::string> tenant_ids;
    bool verified = false;
    bool primary = false;
    int64_t time_joined_ms = 0;
    std::optional<std::string> email, phone_number;  // normalised
    std::optional<std::string> password_hash, hashing_algorithm, plain_text_password;
    std::optional<std::string> third_party_id, third_party_user_id;
  };

  std::optional<std::string> external_user_id;
  std::optional<json::Value> metadata;
  std::optional<std::vector<Role>> roles;
  std::optional<std::vector<TotpDevice>> totp_devices;
  std::vector<LoginMethod> login_methods;  // never empty

  // The login method that leads the user: the one marked so, else the oldest.
  size_t leader() const;
  // To be hashed: where there is no hash.
  ptrdiff_t PlainTextPasswords() const;
  size_t RolesInTenants() const;
  const std::string& id() const { return login_methods[leader()].supertokens_user_id; }
};

// The form in which the table holds it, which the original reads and writes too.
json::Value StoredJson(const BulkUser& user);

// The same of a user that a request imports at once, for the case that it is interrupted. Without a
// password in plain text: from the first step on, the user's hash is where it belongs.
json::Value JsonOfBegun(const BulkUser& user);
// Whether it is such a user's. The first member, so that the SQL text kBegunPattern finds it too.
bool IsOfBegun(const json::Value& stored);
inline constexpr char kBegunPattern[] = "{\"begunAtOnce\":%";

}  // namespace gatehouse::accounts

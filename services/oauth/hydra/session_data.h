#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "gatehouse/oauth/v1/flow.pb.h"

namespace gatehouse::oauth::hydra {

// Keys of a Hydra: what its setting secrets.system lists. The first one encrypts, all decrypt.
class SystemSecrets {
 public:
  SystemSecrets() = default;
  // One secret a line, or separated by commas as in Hydra's environment. Blanks around a secret are
  // no part of it.
  static SystemSecrets Read(std::string_view text);

  bool empty() const { return keys_.empty(); }
  // What one of the keys encrypted: AES-256-GCM, in base64. nullopt: none of them did.
  std::optional<std::string> Decrypt(std::string_view stored) const;

 private:
  std::vector<std::string> keys_;  // SHA-256 of each secret
};

// What a row of Hydra says about a refresh token besides its columns.
struct Session {
  // Subject, claims and times; scopes and audience are columns.
  v1::Grant grant;
  int64_t expires_at_s = 0;  // 0: not said
};

// Reads `session_data`, a JSON object that may be encrypted. Errors say why it can't be read, with
// nothing of what is in it: FailedPrecondition when it is encrypted and no key is there,
// PermissionDenied when no key fits, InvalidArgument for anything else.
absl::StatusOr<Session> ReadSession(std::string_view session_data, const SystemSecrets& secrets);

}  // namespace gatehouse::oauth::hydra

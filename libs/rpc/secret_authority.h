#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/rpc/security.h"

namespace gatehouse::rpc {

// A certificate authority derived from the shared secret, so that processes with one secret can use
// mutual TLS: each proves that it knows the secret without sending it, and presents a certificate
// with its name. The authority's P-256 key is scrypt(secret), RFC 7914, so two processes have the
// same one without communicating.
//
// Returns certificate, key and authority for a process whose names are `names`: the first is the
// common name, all are DNS names. A new key each time; about 50 ms and 16 MiB. Thread-safe.
absl::StatusOr<TransportSecurity> SecurityFromSecret(std::string_view secret,
                                                     const std::vector<std::string>& names);

}  // namespace gatehouse::rpc

#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "libs/config/networks.h"
#include "libs/http/message.h"

namespace gatehouse::gateway {

// The address of the client whose request came from `peer`. Without `trusted` networks, or if the
// peer is in none of them, that is the peer: its headers are ignored. A trusted peer is a proxy,
// and so is each further trusted address that it names: the client is the first untrusted one from
// the right in X-Forwarded-For, or Forwarded (RFC 7239), or else the leftmost.
//
// "" when a trusted proxy does not tell where the request came from (`unknown`). BAD_INPUT when
// Forwarded can't be read, or when both headers are present and name different clients: a proxy
// that writes one of them passes the other on as the client wrote it.
absl::StatusOr<std::string> ClientAddress(const http::Headers& headers, std::string_view peer,
                                          const config::Networks& trusted);

}  // namespace gatehouse::gateway

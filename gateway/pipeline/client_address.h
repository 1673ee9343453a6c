#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "libs/config/networks.h"
#include "libs/http/message.h"

namespace gatehouse::gateway {

// Who sent a request that came from `peer`. Without `trusted` networks, and where the peer is in
// none of them, that is the peer: what it says of others counts for nothing. A trusted peer is a
// proxy, and so is each further one that it names and that is trusted too: the client is the first
// from the right in X-Forwarded-For, or Forwarded (RFC 7239), that is not, or else the first of
// all.
//
// "" when a trusted proxy does not say from whom it has the request (`unknown`). BAD_INPUT when
// Forwarded can't be read, or when both headers are there and name different clients: a proxy that
// writes one of them passes the other on as the client wrote it.
absl::StatusOr<std::string> ClientAddress(const http::Headers& headers, std::string_view peer,
                                          const config::Networks& trusted);

}  // namespace gatehouse::gateway

#pragma once

#include <cstddef>
#include <string>

namespace gatehouse::rpc {

// How processes identify each other. With certificates (configured, or made from a shared secret by
// SecurityFromSecret) both sides verify: the caller's name is its certificate's common name, and
// the answering service must be named in its certificate. Without, only Unix sockets are opened or
// dialled, file permissions decide who may connect, and a caller states its name.
struct TransportSecurity {
  std::string certificate_pem;
  std::string private_key_pem;
  std::string ca_pem;
  // The largest request that a server accepts: the gateway's limit, plus the rest of a message.
  size_t max_request_bytes = 12 << 20;

  bool uses_tls() const { return !certificate_pem.empty(); }
};

// The metadata key of the caller's name. The rest of a call's context: libs/rpc/grpc_metadata.h.
inline constexpr char kCallerKey[] = "gatehouse-caller";

}  // namespace gatehouse::rpc

#pragma once

#include <string>

namespace gatehouse::rpc {

// How processes know each other. With certificates, both sides verify and the caller's name is its
// certificate's common name. With a shared secret, its holder states its own name. With neither,
// only Unix sockets are opened or dialled, and the file system decides who may connect.
struct TransportSecurity {
  std::string shared_secret;
  std::string certificate_pem;
  std::string private_key_pem;
  std::string ca_pem;

  bool uses_tls() const { return !certificate_pem.empty(); }
};

// Metadata keys of a call between processes.
inline constexpr char kCallerKey[] = "gatehouse-caller";
inline constexpr char kSecretKey[] = "gatehouse-secret";
inline constexpr char kRequestIdKey[] = "gatehouse-request-id";

}  // namespace gatehouse::rpc

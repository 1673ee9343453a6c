#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/http/url.h"

namespace gatehouse::http {

struct ClientReply {
  int status = 0;
  std::string body;
  std::string date;  // the header, as sent; may be empty
};

// A client of one server, for commands: one request at a time, over a connection that is kept. A
// server with https must prove its name by a certificate that the system trusts (SSL_CERT_FILE
// names others). For one thread.
class Client {
 public:
  // Headers of every request, such as an API key. `url`'s path is not used.
  using Headers = std::vector<std::pair<std::string, std::string>>;
  Client(const Url& url, Headers headers);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Sends the request once; a kept connection that the server has closed in the meantime is
  // replaced first. Unavailable when there is no whole reply within `timeout`: then the server may
  // have acted or not. Replies are limited to 64 MiB. `body`: JSON; empty: none.
  absl::StatusOr<ClientReply> Send(std::string_view method, std::string_view target,
                                   std::string_view body, absl::Duration timeout);

 private:
  class Connection;
  const Url url_;
  const Headers headers_;
  std::unique_ptr<Connection> connection_;
};

}  // namespace gatehouse::http

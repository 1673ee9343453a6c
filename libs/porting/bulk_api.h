#pragma once

// The REST interface that `import` uses. Replies other than the expected ones are errors whose text
// has no values of users.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/base/json.h"
#include "libs/http/client.h"

namespace gatehouse::porting {

class BulkApi {
 public:
  // `app`: empty for public. `domain`: the connection URI domain, which servers know by the name
  // that they are called by; empty for the URL's host. `api_key`: empty for none.
  BulkApi(const http::Url& url, std::string_view app, const std::string& domain,
          const std::string& api_key);

  // What the server says is wrong, by the position of the user: nothing is stored then.
  using Faults = std::map<size_t, std::vector<std::string>>;
  // Adds users to the queue, all or none, and returns what is wrong with them. Unavailable: the
  // server may have added them, or be about to. ResourceExhausted: it may have added them. `users`:
  // JSON documents.
  absl::StatusOr<Faults> Add(const std::vector<std::string>& users);
  // Only checks. NotFound when the server has no such operation.
  absl::StatusOr<Faults> Check(const std::vector<std::string>& users);

  // How many of the queue have the status: NEW, PROCESSING or FAILED.
  absl::StatusOr<int64_t> Count(std::string_view status);

  struct Page {
    std::vector<json::Value> users;  // the newest first
    std::string next;                // token of the next page; empty: none
  };
  // Users of the queue. `status` empty: of any.
  absl::StatusOr<Page> List(std::string_view status, std::string_view token);
  // When the newest of the queue was added, by the server's clock; 0: it is empty.
  absl::StatusOr<int64_t> Newest();
  // Removes users of the queue by their ids, 500 at most.
  absl::Status Remove(const std::vector<std::string>& ids);

  // Users of the tenant with an email, a phone number or a third-party identity.
  struct Lookup {
    std::string tenant, email, phone, third_party, third_party_user;
  };
  absl::StatusOr<std::vector<json::Value>> Find(const Lookup& lookup);
  // Whether the id is a user's external one.
  absl::StatusOr<bool> IsMapped(std::string_view external_id);

 private:
  absl::StatusOr<http::ClientReply> Send(std::string_view method, std::string_view path,
                                         std::string_view body);
  absl::StatusOr<json::Value> Json(std::string_view method, std::string_view path,
                                   std::string_view body = "");
  absl::StatusOr<Faults> Post(std::string_view path, const std::vector<std::string>& users);

  http::Client client_;
  const std::string prefix_;  // of paths: "/appid-x"
};

// When a user of the queue was added.
int64_t CreatedAt(const json::Value& row);

}  // namespace gatehouse::porting

#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gatehouse/oauth/v1/client.pb.h"
#include "libs/db/database.h"

namespace gatehouse::oauth::hydra {

// A row for a refresh token.
struct FoundToken {
  std::string client_id;
  std::string subject;
  std::vector<std::string> scopes;
  std::vector<std::string> audience;
  std::string session_data;
  std::string request_id;  // the same for all tokens that rotation made of one
  int64_t requested_at_ms = 0;
  bool active = false;
};

// The PostgreSQL database of an Ory Hydra 2.x, which is only read: every transaction is read-only.
// For one thread. Besides the stated errors a call fails as described in libs/db/errors.h.
class PgHydra {
 public:
  // Connects and looks whether everything that is read is there. `dsn` is Hydra's: parameters of
  // its own driver are ignored, except `search_path`, which may name one schema. BAD_INPUT when it
  // can't be read; FailedPrecondition when the database is not a Hydra's of a known version.
  static absl::StatusOr<std::unique_ptr<PgHydra>> Open(const std::string& dsn, absl::Time deadline);

  // Those that are there, by id, without their secrets, of which Hydra has only hashes. A client
  // that can't be read is an InvalidArgument that says why.
  absl::StatusOr<std::map<std::string, absl::StatusOr<v1::Client>>> FindClients(
      absl::Time deadline, const std::vector<std::string>& ids);
  // Ids and owners of all clients after `after`, in their order, at most `limit`. A core's are
  // owned by DOMAIN_APP.
  absl::StatusOr<std::vector<std::pair<std::string, std::string>>> ListOwners(
      absl::Time deadline, std::string_view after, int64_t limit);
  // By signature: what follows the dot of a token.
  absl::StatusOr<std::map<std::string, FoundToken>> FindTokens(
      absl::Time deadline, const std::vector<std::string>& signatures);
  // Signatures of tokens that are no longer active, by request.
  absl::StatusOr<std::multimap<std::string, std::string>> FindReplaced(
      absl::Time deadline, const std::vector<std::string>& request_ids);

 private:
  explicit PgHydra(std::unique_ptr<db::Database> database) : database_(std::move(database)) {}

  absl::StatusOr<db::Result> Read(absl::Time deadline, const db::Statement& statement,
                                  const db::Params& params);

  std::unique_ptr<db::Database> database_;
};

}  // namespace gatehouse::oauth::hydra

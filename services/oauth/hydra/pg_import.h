#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/config/core_config.h"
#include "libs/db/database.h"
#include "services/oauth/hydra/pg_hydra.h"
#include "services/oauth/hydra/session_data.h"

namespace gatehouse::oauth::hydra {

// Brings over what only the Hydra behind an original knows: the metadata of the clients in
// oauth_clients, and what the refresh tokens in oauth_sessions stand for. A client or grant that
// has its row is left alone, so that a run may be interrupted and repeated, and rows may be written
// meanwhile. Rows that can't be taken are named with the reason, never with a token or a secret.
//
// Not taken: requests that wait for a login or a consent and codes, which live for minutes, and
// logins that Hydra remembers, since their cookies are encrypted with its keys.
//
// For one thread.
class Import {
 public:
  using Progress = std::function<void(std::string_view)>;

  // `secrets`: what SystemSecrets reads. A dry run changes nothing and names what it would take.
  static absl::StatusOr<std::unique_ptr<Import>> Open(
      const std::string& dsn, std::string_view secrets,
      std::shared_ptr<const config::CoreConfig> config, bool dry_run, absl::Time deadline);

  // For one database of ours. In a dry run its tables may be an older core's. Returns how many
  // clients and grants were not taken and are named.
  absl::StatusOr<int64_t> Take(db::Database& database, absl::Time deadline,
                               const Progress& progress);
  // Once all databases are done: names Hydra's clients that none of them has, and says how much was
  // taken. Returns their number.
  absl::StatusOr<int64_t> Finish(absl::Time deadline, const Progress& progress);

 private:
  struct Tables {
    bool clients = false;  // oauth_clients and oauth_sessions are there
    bool ours = false;     // those that this import writes
  };
  struct OwnClient;
  struct OwnSession;
  struct OwnGrant;
  // Why tokens are not taken, by client, and how many.
  using LeftTokens = std::map<std::pair<std::string, std::string>, int64_t>;

  Import(std::unique_ptr<PgHydra> hydra, SystemSecrets secrets,
         std::shared_ptr<const config::CoreConfig> config, bool dry_run)
      : hydra_(std::move(hydra)),
        secrets_(std::move(secrets)),
        config_(std::move(config)),
        dry_run_(dry_run) {}

  absl::StatusOr<int64_t> TakeClients(db::Database& database, const Tables& tables,
                                      absl::Time deadline, const Progress& progress);
  // Empty: taken. Else why not, or what is wrong with it although it is taken.
  absl::StatusOr<std::string> TakeClient(db::Database& database, absl::Time deadline,
                                         const OwnClient& own,
                                         const absl::StatusOr<v1::Client>& found);
  std::string CheckSecret(const OwnClient& own, const v1::Client& client) const;
  absl::StatusOr<int64_t> TakeTokens(db::Database& database, const Tables& tables,
                                     absl::Time deadline, const Progress& progress);
  // What a token stands for. `token`: Hydra's row for it, or null. NotFound: it has ended in Hydra,
  // which is no loss. InvalidArgument: the row is damaged. Otherwise as ReadSession.
  absl::StatusOr<OwnGrant> ReadToken(const OwnSession& own, const FoundToken* token,
                                     int64_t now_s) const;
  absl::Status TakePage(db::Database& database, absl::Time deadline,
                        const std::vector<OwnSession>& sessions, LeftTokens& left,
                        const Progress& progress);

  const std::unique_ptr<PgHydra> hydra_;
  const SystemSecrets secrets_;
  const std::shared_ptr<const config::CoreConfig> config_;
  const bool dry_run_;
  std::set<std::string> known_ids_;  // of clients in our databases
  int64_t clients_ = 0;
  int64_t tokens_ = 0;
};

}  // namespace gatehouse::oauth::hydra

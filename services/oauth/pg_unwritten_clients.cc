#include "services/oauth/pg_unwritten_clients.h"

#include <string>

#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/db/database.h"

namespace gatehouse::oauth {
namespace {

constexpr int64_t kPage = 1000;

// By oauth_clients_pkey, in its order, and gatehouse_oauth_clients_pkey.
constexpr db::Statement kList = {
    "oauth_list_unwritten_clients",
    "SELECT c.app_id, c.client_id FROM {oauth_clients} c WHERE (c.app_id, c.client_id) > ($1, $2)"
    " AND NOT EXISTS (SELECT 1 FROM {gatehouse_oauth_clients} m"
    " WHERE m.app_id = c.app_id AND m.client_id = c.client_id)"
    " ORDER BY c.app_id, c.client_id LIMIT $3"};

}  // namespace

absl::StatusOr<int64_t> NameUnwrittenClients(
    db::Database& database, absl::Time deadline,
    const std::function<void(std::string_view)>& progress) {
  int64_t number = 0;
  std::string app_id;
  std::string client_id;
  while (true) {
    ASSIGN_OR_RETURN(const db::Result rows,
                     database.Execute(deadline, kList, {app_id, client_id, kPage}));
    int64_t found = 0;
    for (const db::Row row : rows) {
      app_id = row.Text(0);
      client_id = row.Text(1);
      ++found;
      progress(StrCat("OAuth client ", client_id, " of app ", app_id,
                      " has no redirect URI: PUT it again, its fields are in the older core's "
                      "Hydra"));
    }
    number += found;
    if (found < kPage) return number;
  }
}

}  // namespace gatehouse::oauth

#pragma once

// Users on the way to a file: `gatehouse export`. Each service adds what its tables have of them;
// nothing gives password hashes out over gRPC or HTTP (ADR 16).

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "absl/status/status.h"
#include "libs/base/json.h"

namespace gatehouse::db {
class Transaction;
}

namespace gatehouse::porting {

struct ExportedUser {
  std::string id;                 // as clients know it: that of roles, metadata and TOTP devices
  std::set<std::string> tenants;  // of all login methods
  json::Value json;               // in the format of bulk import
};

// What a file in this format can't hold.
struct LeftOut {
  int64_t passkeys = 0;
  int64_t users_without_sign_in = 0;  // whose only way in is a passkey, or is in no tenant
  int64_t methods_without_tenant = 0;
  int64_t unverified_devices = 0;  // an import would make them second factors
  int64_t roles_elsewhere = 0;     // given in a tenant that the user is not in
  int64_t unknown_hashes = 0;      // exported, but no importer knows their form
};

struct ExportPage {
  std::vector<ExportedUser> users;
  int64_t login_methods = 0;
  std::string last;  // where the next page begins; empty: this is the last one
  LeftOut left_out;
};

// The users of a page by the id that clients know, while services add to them.
struct UsersById {
  explicit UsersById(ExportPage& page) {
    for (ExportedUser& user : page.users) {
      ids.push_back(user.id);
      users.emplace(user.id, &user);
    }
  }
  std::vector<std::string> ids;
  std::unordered_map<std::string, ExportedUser*> users;
};

// How an app's users are read, in one transaction that sees one moment. No table is written.
struct UserExport {
  // Appends the users after the internal id `after` (empty: from the first), `limit` at most, to
  // the page.
  std::function<absl::Status(db::Transaction&, std::string_view app_id, std::string_view after,
                             int limit, ExportPage& page)>
      list;
  // Each adds to the users of the page what one service has.
  std::vector<
      std::function<absl::Status(db::Transaction&, std::string_view app_id, ExportPage& page)>>
      add;
};

}  // namespace gatehouse::porting

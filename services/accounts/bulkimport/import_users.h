#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "gatehouse/roles/v1/roles_service.rpc.h"
#include "gatehouse/totp/v1/totp_service.rpc.h"
#include "gatehouse/users/v1/user_import_service.rpc.h"
#include "libs/tenancy/tenant.h"
#include "services/accounts/bulkimport/bulk_user.h"
#include "services/accounts/peers.h"

namespace gatehouse::accounts {

// The services that an import works with. All outlive the holder of this.
struct ImportPeers {
  users::v1::UserImportService& users;
  roles::v1::RolesService& roles;
  totp::v1::TotpService& totp;
  Peers others;
};

struct ImportOutcome {
  enum class Kind {
    kDone,
    kFailed,    // `error` says why, and trying again would not help
    kNotTried,  // not to the end, at least
    // Of a user that a request had begun to import: nothing of it is left, or ever was.
    kForgotten,
  };
  Kind kind = Kind::kNotTried;
  std::string error;
  std::optional<users::v1::User> user;  // if asked for
};

struct ImportOptions {
  bool include_users = false;
  // Whether the rest should be left for later; asked between two parts.
  std::function<bool()> stopped = [] { return false; };
};

struct ImportResult {
  std::vector<ImportOutcome> outcomes;  // in the order of the users
  // The last error that kept some of them from being tried to the end: they are kNotTried, and may
  // be imported in part. The others are not concerned.
  absl::Status fault;
};

// Imports users of one app: first their login methods, in the registry, then what other services
// keep. Every step is idempotent, so an interrupted import is completed by another attempt. A user
// whose later steps are refused is removed again. `context` gives the deadline of a part, some
// hundred users.
ImportResult ImportUsers(ImportPeers& peers, const std::function<rpc::CallContext()>& context,
                         const common::v1::Scope& app, const std::vector<const BulkUser*>& users,
                         const ImportOptions& options);

// Removes a user, by the internal id of the leading login method, whose import was interrupted or
// refused; one who is not there is no error. What is kept under the external id stays: it may be
// older than the import.
absl::Status TakeBackImport(Peers& peers, rpc::CallContext& context,
                            const common::v1::Scope& app, const std::string& user_id);

}  // namespace gatehouse::accounts

#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/base/json.h"
#include "libs/tenancy/tenant.h"
#include "services/accounts/bulkimport/bulk_user.h"

namespace gatehouse::accounts {

// Reads users of one app, and finds everything that is wrong with each: the original's texts, in
// its order. For one thread.
class UserReader {
 public:
  // A tenant of the app; null: there is none of that name.
  using FindTenant =
      std::function<absl::StatusOr<tenancy::TenantPtr>(const std::string& tenant_id)>;
  // Whether the app has a role of that name.
  using HasRole = std::function<absl::StatusOr<bool>(const std::string& role)>;
  struct App {
    tenancy::TenantPtr tenant;  // the public one
    HasRole has_role;
    FindTenant find_tenant;
    int64_t now_ms = 0;
  };

  enum class Source {
    kRequest,  // login methods get new ids
    kTable,    // they have ids, and times were checked by the clock of the instance that added them
  };
  UserReader(App app, Source source) : app_(std::move(app)), source_(source) {}

  // Fills in `user`, or returns what is wrong. A status: tenants or roles can't be looked up.
  absl::StatusOr<std::vector<std::string>> Read(const json::Value& value, BulkUser& user);

 private:
  using Errors = std::vector<std::string>;

  void ReadRoles(const json::Value& value, BulkUser& user, Errors& errors);
  void ReadDevices(const json::Value& value, BulkUser& user, Errors& errors);
  void ReadMethods(const json::Value& value, BulkUser& user, Errors& errors);
  void ReadMethod(const json::Value& value, BulkUser& user, Errors& errors);
  void ReadPassword(const json::Value& value, BulkUser::LoginMethod& method, Errors& errors);
  void ReadThirdParty(const json::Value& value, BulkUser::LoginMethod& method, Errors& errors);
  void ReadContact(const json::Value& value, BulkUser::LoginMethod& method, Errors& errors);
  int64_t ReadTimeJoined(std::optional<int64_t> given, Errors& errors) const;
  void CheckExternalId(BulkUser& user, Errors& errors);
  void CheckTenants(const BulkUser& user, Errors& errors);
  std::vector<std::string> ReadTenants(const json::Value* array, std::string_view suffix,
                                       Errors& errors);
  bool RoleExists(const std::string& name);
  // Null for an unknown one, or after a failure, which Read returns.
  const tenancy::Tenant* TenantOf(const std::string& id);

  const App app_;
  const Source source_;
  std::set<std::string> external_ids_;
  std::map<std::string, tenancy::TenantPtr> tenants_;
  absl::Status failure_;
};

}  // namespace gatehouse::accounts

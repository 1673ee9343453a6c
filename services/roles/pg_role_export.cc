#include "services/roles/pg_role_export.h"

#include <string>

#include "libs/base/json.h"
#include "libs/base/status.h"
#include "libs/db/database.h"

namespace gatehouse::roles {
namespace {

// By user_roles_app_id_user_id_index.
constexpr db::Statement kRoles = {"roles_export",
                                  "SELECT user_id, role, tenant_id FROM {user_roles}"
                                  " WHERE app_id = $1 AND user_id = ANY($2)"
                                  " ORDER BY user_id, role, tenant_id"};

}  // namespace

absl::Status AddRolesForExport(db::Transaction& transaction, std::string_view app_id,
                               porting::ExportPage& page) {
  const porting::UsersById by_id(page);
  if (by_id.ids.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const db::Result rows,
                   transaction.Execute(kRoles, {app_id, db::TextArray{by_id.ids}}));
  porting::ExportedUser* user = nullptr;
  json::Value roles;
  json::Value tenants;
  std::string role;
  const auto end_role = [&] {
    if (tenants.size() > 0) {
      roles.Append(json::Value::Object({{"role", role}, {"tenantIds", std::move(tenants)}}));
    }
    tenants = json::Value();
  };
  const auto end_user = [&] {
    end_role();
    if (roles.size() > 0) user->json.Set("userRoles", std::move(roles));
    roles = json::Value();
  };
  for (const db::Row row : rows) {
    porting::ExportedUser* const next = by_id.users.at(std::string(row.Text(0)));
    if (user != next) {
      end_user();
      user = next;
    } else if (role != row.Text(1)) {
      end_role();
    }
    role = std::string(row.Text(1));
    const std::string tenant(row.Text(2));
    if (user->tenants.contains(tenant)) {
      tenants.Append(tenant);
    } else {
      ++page.left_out.roles_elsewhere;
    }
  }
  end_user();
  return absl::OkStatus();
}

}  // namespace gatehouse::roles

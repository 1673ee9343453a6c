#include "libs/db/service_roles.h"

#include "absl/strings/str_cat.h"
#include "libs/base/status.h"
#include "libs/db/migrations.h"

namespace gatehouse::db {
namespace {

constexpr Statement kLock = {"roles_lock",
                             "SELECT pg_advisory_xact_lock(hashtext('gatehouse_migrations'))"};
// DDL takes no parameters; a transaction-local setting carries the password.
constexpr Statement kSetPassword = {"roles_password",
                                    "SELECT set_config('gatehouse.new_password', $1, true)"};

// Roles belong to the whole server, so another database's set-up may be creating them right now.
constexpr std::string_view kCreateRole = R"(
DO $do$ BEGIN
  IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = '%role%') THEN
    CREATE ROLE %role% LOGIN;
  END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $do$)";
constexpr std::string_view kChangePassword = R"(
DO $do$ BEGIN
  EXECUTE format('ALTER ROLE %role% PASSWORD %L', current_setting('gatehouse.new_password'));
EXCEPTION WHEN insufficient_privilege THEN NULL;  -- whoever made the role has given it one
END $do$)";

std::string WithRole(std::string_view sql, const std::string& role) {
  constexpr std::string_view kMark = "%role%";
  std::string text(sql);
  for (size_t at = text.find(kMark); at != std::string::npos; at = text.find(kMark)) {
    text.replace(at, kMark.size(), role);
  }
  return text;
}

}  // namespace

std::string ServiceRole(std::string_view service) { return "gatehouse_" + std::string(service); }

absl::Status CreateServiceRoles(Database& admin, absl::Time deadline,
                                const std::map<std::string, std::string>& passwords) {
  return admin.Transact(deadline, [&](Transaction& transaction) -> absl::Status {
    RETURN_IF_ERROR(transaction.Execute(kLock).status());
    for (const std::string_view service : MigrationOrder()) {
      if (!passwords.empty() && !passwords.contains(std::string(service))) continue;
      const std::string role = ServiceRole(service);
      RETURN_IF_ERROR(transaction.ExecuteScript(WithRole(kCreateRole, role)));
      if (const auto it = passwords.find(std::string(service)); it != passwords.end()) {
        RETURN_IF_ERROR(transaction.Execute(kSetPassword, {it->second}).status());
        RETURN_IF_ERROR(transaction.ExecuteScript(WithRole(kChangePassword, role)));
      }
      std::string grants =
          absl::StrCat("GRANT USAGE ON SCHEMA {schema} TO ", role,
                       ";\nGRANT SELECT ON {gatehouse_schema_migrations} TO ", role, ";\n");
      for (const std::string_view table : TablesOf(service)) {
        absl::StrAppend(&grants, "GRANT SELECT, INSERT, UPDATE, DELETE ON {", std::string(table),
                        "} TO ", role, ";\n");
      }
      RETURN_IF_ERROR(transaction.ExecuteScript(grants));
    }
    return absl::OkStatus();
  });
}

}  // namespace gatehouse::db

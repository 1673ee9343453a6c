// gatehouse: every service and the REST interface in one process.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "gateway/rest_front_end.h"
#include "libs/base/status.h"
#include "libs/process/program.h"
#include "services/accounts/component.h"
#include "services/dashboard/component.h"
#include "services/jwks/component.h"
#include "services/oauth/component.h"
#include "services/oauth/hydra/pg_import.h"
#include "services/oauth/pg_unwritten_clients.h"
#include "services/passwordless/component.h"
#include "services/roles/component.h"
#include "services/roles/pg_role_export.h"
#include "services/saml/component.h"
#include "services/session/component.h"
#include "services/tenants/component.h"
#include "services/thirdparty/component.h"
#include "services/totp/component.h"
#include "services/totp/pg_totp_export.h"
#include "services/users/component.h"
#include "services/users/registry/pg_user_export.h"
#include "services/webauthn/component.h"

namespace {

// Conflicts are those between users: a client without redirect URIs is only named.
absl::StatusOr<int64_t> MigrateRows(gatehouse::db::Database& database, absl::Time deadline,
                                    const std::function<void(std::string_view)>& progress) {
  ASSIGN_OR_RETURN(const int64_t conflicts,
                   gatehouse::users::MigrateUsers(database, deadline, progress));
  RETURN_IF_ERROR(gatehouse::oauth::NameUnwrittenClients(database, deadline, progress).status());
  return conflicts;
}

absl::StatusOr<gatehouse::process::HydraImport> OpenHydra(
    const std::string& dsn, const std::string& secrets,
    const gatehouse::config::ProcessConfig& config, bool dry_run, absl::Time deadline) {
  ASSIGN_OR_RETURN(
      const std::shared_ptr<gatehouse::oauth::hydra::Import> import,
      gatehouse::oauth::hydra::Import::Open(dsn, secrets, config.core, dry_run, deadline));
  using Progress = gatehouse::process::HydraImport::Progress;
  return gatehouse::process::HydraImport{
      .take = [import](
                  gatehouse::db::Database& database, absl::Time until,
                  const Progress& progress) { return import->Take(database, until, progress); },
      .finish = [import](absl::Time until,
                         const Progress& progress) { return import->Finish(until, progress); }};
}

}  // namespace

int main(int argc, char* argv[]) {
  gatehouse::process::Program program;
  program.name = "gatehouse";
  // Lower services first, so that each finds those that it calls.
  program.services = {
      {"tenants", gatehouse::tenants::MakeTenantsComponent},
      {"jwks", gatehouse::jwks::MakeJwksComponent},
      {"users", gatehouse::users::MakeUsersComponent},
      {"thirdparty", gatehouse::thirdparty::MakeThirdPartyComponent},
      {"passwordless", gatehouse::passwordless::MakePasswordlessComponent},
      {"webauthn", gatehouse::webauthn::MakeWebauthnComponent},
      {"session", gatehouse::session::MakeSessionComponent},
      {"roles", gatehouse::roles::MakeRolesComponent},
      {"totp", gatehouse::totp::MakeTotpComponent},
      {"dashboard", gatehouse::dashboard::MakeDashboardComponent},
      {"oauth", gatehouse::oauth::MakeOAuthComponent},
      {"saml", gatehouse::saml::MakeSamlComponent},
      {"accounts", gatehouse::accounts::MakeAccountsComponent},
  };
  program.front_end = gatehouse::gateway::StartRestFrontEnd;
  program.embeds_postgres = true;
  program.check_rows = gatehouse::users::CheckUsers;
  program.migrate_rows = MigrateRows;
  program.open_hydra = OpenHydra;
  program.tenants_elsewhere = gatehouse::tenants::TenantsElsewhere;
  program.check_tenants = gatehouse::tenants::CheckTenants;
  program.apps_everywhere = gatehouse::tenants::AppsEverywhere;
  program.export_users.list = gatehouse::users::ListForExport;
  program.export_users.add = {gatehouse::roles::AddRolesForExport,
                              gatehouse::totp::AddDevicesForExport};
  return gatehouse::process::RunProgram(program, argc, argv);
}

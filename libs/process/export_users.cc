#include "libs/process/export_users.h"

#include <sys/stat.h>

#include <cerrno>
#include <iostream>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_join.h"
#include "libs/base/json.h"
#include "libs/base/status.h"
#include "libs/base/steady_time.h"
#include "libs/base/strings.h"
#include "libs/db/migrator.h"
#include "libs/db/older_core/upgrade.h"
#include "libs/porting/private_file.h"
#include "libs/porting/progress.h"
#include "libs/tenancy/pg_tenant_databases.h"

namespace gatehouse::process {
namespace {

constexpr absl::Duration kTablesTimeout = absl::Minutes(1);
constexpr absl::Duration kRowsTimeout = absl::Hours(24);
// Some megabytes in memory.
constexpr int kPageUsers = 1000;

struct Totals {
  int64_t users = 0;
  int64_t login_methods = 0;
  porting::LeftOut left_out;
};

void Add(const porting::ExportPage& page, Totals& totals) {
  totals.users += static_cast<int64_t>(page.users.size());
  totals.login_methods += page.login_methods;
  totals.left_out.passkeys += page.left_out.passkeys;
  totals.left_out.users_without_sign_in += page.left_out.users_without_sign_in;
  totals.left_out.methods_without_tenant += page.left_out.methods_without_tenant;
  totals.left_out.unverified_devices += page.left_out.unverified_devices;
  totals.left_out.roles_elsewhere += page.left_out.roles_elsewhere;
  totals.left_out.unknown_hashes += page.left_out.unknown_hashes;
}

absl::Status CheckTablesAreCurrent(db::Database& database) {
  const absl::Time deadline = SteadyNow() + kTablesTimeout;
  RETURN_IF_ERROR(db::CheckTablesAreRecent(database, deadline));
  ASSIGN_OR_RETURN(const bool current, db::SchemaIsCurrent(database, deadline));
  if (current) return absl::OkStatus();
  return absl::FailedPreconditionError(
      "the database's tables are missing or older than this build: run `gatehouse migrate` first");
}

// Users in the databases of tenants that can't be used would be missing.
absl::Status CheckAllTenants(const Program& program, const config::ProcessConfig& config,
                             db::Database& base) {
  ASSIGN_OR_RETURN(const std::vector<std::string> problems,
                   program.check_tenants(base, config, SteadyNow() + kTablesTimeout));
  if (problems.empty()) return absl::OkStatus();
  return absl::FailedPreconditionError(
      StrCat("tenants whose users can't be found: ", absl::StrJoin(problems, "; ")));
}

// One database, in one transaction that sees one moment: no user is in two groups.
absl::Status ExportOne(const porting::UserExport& source, std::string_view app_id,
                       db::Database& database, porting::PrivateFile& file,
                       porting::Progress& progress, Totals& totals) {
  RETURN_IF_ERROR(CheckTablesAreCurrent(database));
  const absl::Time deadline = SteadyNow() + kRowsTimeout;
  return database.Transact(
      deadline, db::Isolation::kRepeatableRead, [&](db::Transaction& transaction) -> absl::Status {
        if (transaction.attempt() > 1) return absl::AbortedError("the database ended the reading");
        std::string after;
        do {
          porting::ExportPage page;
          RETURN_IF_ERROR(source.list(transaction, app_id, after, kPageUsers, page));
          for (const auto& add : source.add) RETURN_IF_ERROR(add(transaction, app_id, page));
          std::string text;
          for (const porting::ExportedUser& user : page.users) {
            json::SerializeTo(user.json, text);
            text += '\n';
          }
          RETURN_IF_ERROR(file.Append(text));
          Add(page, totals);
          progress.Show(0, StrCat(std::to_string(totals.users), " users"));
          after = page.last;
        } while (!after.empty());
        return absl::OkStatus();
      });
}

// "3 passkeys", "1 passkey".
std::string Count(int64_t count, std::string_view one, std::string_view many) {
  return StrCat(std::to_string(count), " ", count == 1 ? one : many);
}

void Report(const std::string& path, const Totals& totals) {
  std::cerr << "Exported " << Count(totals.users, "user", "users") << " with "
            << Count(totals.login_methods, "login method", "login methods")
            << (path == "-" ? "" : StrCat(" to ", path)) << "." << std::endl;
  const porting::LeftOut& left_out = totals.left_out;
  const auto note = [](int64_t count, std::string_view one, std::string_view many) {
    if (count > 0) std::cerr << "Left out: " << Count(count, one, many) << "." << std::endl;
  };
  note(left_out.passkeys, "passkey, which the format can't hold",
       "passkeys, which the format can't hold");
  note(left_out.users_without_sign_in, "user without any other way to sign in",
       "users without any other way to sign in");
  note(left_out.methods_without_tenant, "login method that is in no tenant",
       "login methods that are in no tenant");
  note(left_out.unverified_devices, "TOTP device that its user has not verified",
       "TOTP devices that their users have not verified");
  note(left_out.roles_elsewhere, "role in a tenant that its user is not in",
       "roles in tenants that their users are not in");
  if (left_out.unknown_hashes > 0) {
    std::cerr << Count(left_out.unknown_hashes, "password hash has", "password hashes have")
              << " an unknown form: an import will refuse them." << std::endl;
  }
}

using Tenants = std::vector<tenancy::TenantPtr>;  // one for each database of an app

// What `export` works with, besides the app.
struct Source {
  const Program& program;
  const config::ProcessConfig& config;
  db::Database& base;
  const db::DatabaseOptions& options;
};

absl::Status ExportApp(const Source& source, const Tenants& tenants, const std::string& path) {
  const std::string& app_id = tenants.front()->app_id;
  const porting::UserExport& users = source.program.export_users;
  ASSIGN_OR_RETURN(porting::PrivateFile file, porting::PrivateFile::Create(path));
  Totals totals;
  {
    porting::Progress progress("exporting", 0);
    for (const tenancy::TenantPtr& tenant : tenants) {
      if (tenant->database_id.empty()) {
        RETURN_IF_ERROR(ExportOne(users, app_id, source.base, file, progress, totals));
        continue;
      }
      ASSIGN_OR_RETURN(db::DatabaseOptions own,
                       tenancy::OverlayDatabaseOptions(source.options, source.config.core->db(),
                                                       tenant->config->db()));
      own.pool_size = 1;
      ASSIGN_OR_RETURN(auto database, db::Database::Create(std::move(own)));
      RETURN_IF_ERROR(ExportOne(users, app_id, *database, file, progress, totals));
    }
  }
  RETURN_IF_ERROR(file.Finish());
  Report(path, totals);
  return absl::OkStatus();
}

// A new one, for its user only.
absl::Status MakeDirectory(const std::string& path) {
  if (mkdir(path.c_str(), 0700) == 0) return absl::OkStatus();
  return absl::InvalidArgumentError(
      StrCat("cannot create ", path, ": ", std::generic_category().message(errno)));
}

// Names are checked when apps are made, by us; another program may have made these.
absl::Status CheckFileName(const std::string& name) {
  if (!name.empty() && name.front() != '.' && name.find('/') == std::string::npos &&
      name.find('\0') == std::string::npos) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(
      StrCat("the app or domain \"", name, "\" can't name a file: export it with --app, --domain"));
}

absl::Status ExportAll(const Source& source, const std::vector<Tenants>& apps,
                       const std::string& directory) {
  for (const Tenants& app : apps) {
    RETURN_IF_ERROR(CheckFileName(app.front()->app_id));
    const std::string& domain = app.front()->connection_uri_domain;
    if (!domain.empty()) RETURN_IF_ERROR(CheckFileName(domain));
  }
  RETURN_IF_ERROR(MakeDirectory(directory));
  std::string domain;
  for (const Tenants& app : apps) {
    std::string path = directory;
    if (const std::string& own = app.front()->connection_uri_domain; !own.empty()) {
      path = StrCat(path, "/", own);
      if (own != domain) RETURN_IF_ERROR(MakeDirectory(path));
      domain = own;
    }
    RETURN_IF_ERROR(ExportApp(source, app, StrCat(path, "/", app.front()->app_id, ".jsonl")));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<int> RunExport(const Program& program, const CommandLine& line,
                              const config::ProcessConfig& config, db::Database& base,
                              const db::DatabaseOptions& options) {
  if (!program.export_users.list) {
    return absl::InvalidArgumentError("`export` is a command of the program gatehouse");
  }
  if (line.argument.empty()) {
    return absl::InvalidArgumentError("export needs the file to write, or - for standard output");
  }
  if (line.all_apps && (!line.app.empty() || !line.domain.empty() || line.argument == "-")) {
    return absl::InvalidArgumentError("--all writes a directory, and needs no --app or --domain");
  }
  RETURN_IF_ERROR(CheckTablesAreCurrent(base));
  RETURN_IF_ERROR(CheckAllTenants(program, config, base));
  ASSIGN_OR_RETURN(const Tenants tenants,
                   program.apps_everywhere(base, config, SteadyNow() + kTablesTimeout));
  const std::string app_id = line.app.empty() ? "public" : line.app;
  std::vector<Tenants> apps;  // of one domain and name each
  for (const tenancy::TenantPtr& tenant : tenants) {
    const bool wanted = line.all_apps || (tenant->connection_uri_domain == line.domain &&
                                          tenant->app_id == app_id);
    if (!wanted) continue;
    const bool same = !apps.empty() && apps.back().front()->app_id == tenant->app_id &&
                      apps.back().front()->connection_uri_domain == tenant->connection_uri_domain;
    if (!same) apps.emplace_back();
    apps.back().push_back(tenant);
  }
  if (apps.empty()) {
    return absl::NotFoundError(
        StrCat("there is no app ", app_id,
               line.domain.empty() ? std::string() : StrCat(" of the domain ", line.domain)));
  }
  const Source source{program, config, base, options};
  RETURN_IF_ERROR(line.all_apps ? ExportAll(source, apps, line.argument)
                                : ExportApp(source, apps.front(), line.argument));
  return 0;
}

}  // namespace gatehouse::process

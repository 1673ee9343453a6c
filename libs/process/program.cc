#include "libs/process/program.h"

#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <iostream>
#include <utility>

#include "libs/base/status.h"
#include "libs/base/steady_time.h"
#include "libs/base/strings.h"
#include "libs/config/process_config.h"
#include "libs/db/database.h"
#include "libs/db/embedded_postgres.h"
#include "libs/process/admin_server.h"
#include "libs/process/command_line.h"
#include "libs/process/data_dir.h"
#include "libs/process/issue_certificate.h"
#include "libs/process/migrate.h"
#include "libs/process/version.h"
#include "libs/telemetry/log.h"
#include "libs/tenancy/pg_tenant_databases.h"

namespace gatehouse::process {
namespace {

using telemetry::Log;
using telemetry::LogLevel;

// Signals are taken by sigwait on the main thread: block them before any thread exists.
sigset_t BlockSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  return signals;
}

int Fail(const Program& program, std::string_view text) {
  std::cerr << program.name << ": " << text << "\n";
  return 1;
}

absl::Status Unsupported(config::MigrationMode mode) {
  if (mode == config::MigrationMode::kMigrated ||
      mode == config::MigrationMode::kDualWriteReadNew) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(
      StrCat("migration_mode is ", config::MigrationModeName(mode),
             ": this server reads the new tables only. Stop every other core, run `gatehouse "
             "migrate`, then start with migration_mode MIGRATED or DUAL_WRITE_READ_NEW"));
}

// The run of one program, in the order in which things open. Members close in reverse.
class Run {
 public:
  Run(const Program& program, CommandLine line) : program_(program), line_(std::move(line)) {}

  absl::Status Configure() {
    config::ConfigSources sources;
    sources.yaml_path = line_.config_path;
    sources.environment = config::CurrentEnvironment();
    sources.overrides = line_.overrides;
    auto loaded = config::LoadProcessConfig(sources);
    if (!loaded.ok()) return loaded.status();
    config_ = *std::move(loaded);
    telemetry::LogOptions log;
    log.level = static_cast<LogLevel>(config_.log_level);
    log.json = config_.log_format == config::LogFormat::kJson;
    log.process = program_.name;
    telemetry::ConfigureLog(log);
    db::SetErrorLog([](std::string_view statement, std::string_view cause) {
      Log(LogLevel::kError, "database_error", {{"statement", statement}, {"cause", cause}});
    });
    for (const std::string& warning : config_.warnings) {
      Log(LogLevel::kWarn, "configuration", {{"warning", warning}});
    }
    return migrating() ? absl::OkStatus() : Unsupported(config_.core->migration_mode());
  }

  absl::Status OpenDatabase() {
    if (!config_.core->db().configured) {
      if (!program_.embeds_postgres) {
        return absl::FailedPreconditionError(
            "no PostgreSQL is configured: set postgresql_connection_uri or postgresql_user");
      }
      RETURN_IF_ERROR(StartEmbedded());
    }
    ASSIGN_OR_RETURN(db::DatabaseOptions options,
                     tenancy::MakeDatabaseOptions(config_.core->db(), program_.name));
    if (!migrating() && !OwnsTables()) {
      for (const host::ServiceDefinition& service : program_.services) {
        if (config_.service(service.name).database_user.empty()) continue;
        RETURN_IF_ERROR(CheckTables(config_, service.name, options));
      }
      return absl::OkStatus();
    }
    options.pool_size = 1;
    ASSIGN_OR_RETURN(auto database, db::Database::Create(options));
    if (!migrating()) return MigrateTables(*database);
    ASSIGN_OR_RETURN(migrate_status_, RunMigrate(program_, config_, *database, options));
    return absl::OkStatus();
  }

  absl::Status StartServing() {
    // Sockets between processes are for this user only. Not earlier: the embedded server runs as
    // another user when we are root, and must reach its directory.
    umask(077);
    host::Host::Options options;
    options.config = &config_;
    options.clock = &clock_;
    options.services = program_.services;
    ASSIGN_OR_RETURN(host_, host::Host::Start(std::move(options)));
    RETURN_IF_ERROR(host_->Listen());
    if (config_.admin_port != 0) {
      AdminServer::Sources sources;
      sources.ready = [this](absl::Time deadline) { return host_->Ready(deadline); };
      sources.metrics = [this] { return host_->metrics().Exposition(); };
      auto admin = AdminServer::Start(config_.admin_host, config_.admin_port, std::move(sources));
      if (!admin.ok()) {
        // A second instance on a laptop would collide on the default port; serving matters more.
        Log(LogLevel::kWarn, "admin_port_unavailable", {{"port", config_.admin_port}});
      } else {
        admin_ = *std::move(admin);
      }
    }
    if (program_.front_end) {
      ASSIGN_OR_RETURN(front_end_, program_.front_end(*host_));
    }
    return absl::OkStatus();
  }

  void Drain() {
    const absl::Time deadline = SteadyNow() + absl::Milliseconds(config_.drain_timeout_ms);
    if (admin_) admin_->SetDraining();
    if (front_end_) front_end_->Drain(absl::Milliseconds(config_.drain_timeout_ms));
    front_end_.reset();
    if (host_) host_->Drain(deadline);
  }

  const config::ProcessConfig& config() const { return config_; }
  // The exit status of `migrate`.
  int migrate_status() const { return migrate_status_; }
  std::string address() const { return front_end_ ? front_end_->address() : ""; }

 private:
  bool migrating() const { return line_.command == "migrate"; }

  // A service with a role of its own may not change tables: `gatehouse migrate` has made them.
  bool OwnsTables() const {
    for (const host::ServiceDefinition& service : program_.services) {
      if (!config_.service(service.name).database_user.empty()) return false;
    }
    return !program_.services.empty();
  }

  absl::Status StartEmbedded() {
    db::EmbeddedPostgresOptions options;
    options.data_dir = config_.data_dir;
    if (options.data_dir.empty() && !config_.ephemeral) {
      ASSIGN_OR_RETURN(options.data_dir, DefaultDataDir());
    }
    options.ephemeral = config_.ephemeral;
    options.bin_dir = config_.embedded_postgres_bin;
    ASSIGN_OR_RETURN(embedded_, db::EmbeddedPostgres::Start(options));
    const db::DatabaseOptions database = embedded_->database_options();
    line_.overrides["postgresql_host"] = embedded_->socket_dir();
    line_.overrides["postgresql_user"] = database.user;
    line_.overrides["postgresql_database_name"] = database.dbname;
    return Configure();
  }

  const Program& program_;
  CommandLine line_;
  config::ProcessConfig config_;
  SystemClock clock_;
  int migrate_status_ = 0;
  std::unique_ptr<db::EmbeddedPostgres> embedded_;
  std::unique_ptr<host::Host> host_;
  std::unique_ptr<AdminServer> admin_;
  std::unique_ptr<FrontEnd> front_end_;
};

int CheckConfig(const CommandLine& line) {
  config::ConfigSources sources;
  sources.yaml_path = line.config_path;
  sources.environment = config::CurrentEnvironment();
  sources.overrides = line.overrides;
  const config::ConfigReport report = config::CheckProcessConfig(sources);
  for (const std::string& warning : report.config.warnings) {
    std::cout << "warning: " << warning << "\n";
  }
  for (const config::ConfigProblem& problem : report.problems) {
    std::cout << problem.key << ": " << problem.text << "\n";
  }
  if (report.problems.empty()) std::cout << "The configuration is valid.\n";
  return report.problems.empty() ? 0 : 1;
}

}  // namespace

int RunProgram(const Program& program, int argc, const char* const argv[]) {
  // Fewer arenas: threads that mostly wait would each keep one with free memory in it.
  mallopt(M_ARENA_MAX, 4);
  auto line = ParseCommandLine(argc, argv);
  if (!line.ok()) return Fail(program, std::string(line.status().message()));
  if (line->help) {
    std::cout << HelpText(program.name);
    return 0;
  }
  if (line->version) {
    std::cout << "Gatehouse " << kVersion << "\n";
    return 0;
  }
  if (line->check_config) return CheckConfig(*line);
  if (line->command == "issue-certificate") return IssueCertificate(*line);

  const absl::Time started = SteadyNow();
  const sigset_t signals = BlockSignals();
  Run run(program, *line);
  absl::Status status = run.Configure();
  if (status.ok()) status = run.OpenDatabase();
  if (status.ok() && line->command == "migrate") return run.migrate_status();
  if (status.ok()) status = run.StartServing();
  if (!status.ok()) {
    std::string text(status.message());
    if (const std::string cause = db::DatabaseCause(status); !cause.empty()) {
      text = StrCat(text, " (", cause, ")");
    }
    return Fail(program, text);
  }
  Log(LogLevel::kInfo, "started",
      {{"version", kVersion},
       {"address", run.address()},
       {"pid", static_cast<int64_t>(getpid())},
       {"ms", absl::ToInt64Milliseconds(SteadyNow() - started)}});
  int signal_number = 0;
  sigwait(&signals, &signal_number);
  Log(LogLevel::kInfo, "stopping", {{"signal", signal_number}});
  run.Drain();
  Log(LogLevel::kInfo, "stopped");
  return 0;
}

}  // namespace gatehouse::process

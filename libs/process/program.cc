#include "libs/process/program.h"

#include <malloc.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <iostream>
#include <mutex>
#include <utility>

#include "libs/base/status.h"
#include "libs/base/steady_time.h"
#include "libs/base/strings.h"
#include "libs/base/worker_pool.h"
#include "libs/config/process_config.h"
#include "libs/db/database.h"
#include "libs/db/embedded_postgres.h"
#include "libs/db/stop_statements.h"
#include "libs/process/admin_server.h"
#include "libs/process/await_database.h"
#include "libs/process/check_users.h"
#include "libs/process/command_line.h"
#include "libs/process/configuration.h"
#include "libs/process/data_dir.h"
#include "libs/process/health.h"
#include "libs/process/image_entry.h"
#include "libs/process/issue_certificate.h"
#include "libs/process/migrate.h"
#include "libs/process/stop_on_signal.h"
#include "libs/process/version.h"
#include "libs/telemetry/log.h"
#include "libs/tenancy/pg_tenant_databases.h"

namespace gatehouse::process {
namespace {

using telemetry::Log;
using telemetry::LogLevel;

// The time a start may take to stop when asked to: its waits end at once, a statement a moment
// later.
constexpr absl::Duration kStartPatience = absl::Seconds(3);
// The end of the drain time is reserved for pending batches in memory, however long the requests
// before it take.
constexpr absl::Duration kLongestReserve = absl::Seconds(2);
// A process that still runs this long after its drain time hangs, however busy the machine is.
constexpr absl::Duration kOverdue = absl::Seconds(2);
// For the embedded server's last checkpoint.
constexpr absl::Duration kEmbeddedPatience = absl::Seconds(5);

int Fail(const Program& program, std::string_view text) {
  std::cerr << program.name << ": " << text << "\n";
  return 1;
}

std::string TextOf(const absl::Status& status) {
  std::string text(status.message());
  const std::string cause = db::DatabaseCause(status);
  return cause.empty() ? text : StrCat(text, " (", cause, ")");
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

// What an operator should know about a process that is ready.
std::string NotesOn(const tenancy::TenantDirectory& tenants) {
  const size_t left_out = tenants.left_out();
  if (left_out == 0) return "";
  return StrCat("tenants left out, since their settings can't be used (see the log): ",
                std::to_string(left_out), "\n");
}

// The run of one program. ARCHITECTURE.md, "Start and stop", has the order in which things open and
// end. Create it before any other thread.
class Run {
 public:
  Run(const Program& program, CommandLine line) : program_(program), line_(std::move(line)) {}
  ~Run() { Drain(); }

  // Everything up to serving, or all of a command that ends by itself. CANCELLED, and no serving,
  // when a signal comes.
  absl::Status Start() {
    RETURN_IF_ERROR(Configure());
    if (!one_off()) OpenAdminPort();
    RETURN_IF_ERROR(OpenDatabase());
    if (one_off()) return absl::OkStatus();
    RETURN_IF_ERROR(StartServing());
    const std::lock_guard lock(mutex_);
    if (stop_.requested()) return absl::CancelledError("asked to stop");
    serving_ = true;
    ready_host_ = host_.get();
    return absl::OkStatus();
  }

  void AwaitSignal() { stop_.Wait(); }
  bool interrupted() const { return stop_.requested(); }

  // Finishes what was accepted, within the drain time, and closes everything. Idempotent.
  void Drain() {
    const absl::Duration time = absl::Milliseconds(serving_ ? config_.drain_timeout_ms : 0);
    const absl::Time end_by = SteadyNow() + time;
    const absl::Time finish_by = end_by - std::min(time / 4, kLongestReserve);
    if (admin_) admin_->SetDraining();
    if (front_end_) front_end_->Drain(finish_by - SteadyNow());
    if (host_) host_->Drain(finish_by, end_by);
    front_end_.reset();  // not earlier: the host's workers were in it
    admin_.reset();
    host_.reset();
    if (embedded_) embedded_->Stop(std::max(end_by - SteadyNow(), kEmbeddedPatience / 2));
    embedded_.reset();
  }

  // Of a command that ends by itself, without a signal.
  int exit_status() const { return exit_status_; }
  std::string address() const { return front_end_ ? front_end_->address() : ""; }

 private:
  // Whether the command ends by itself: all but `start`.
  bool one_off() const { return line_.command != "start"; }

  // On the signal's thread.
  StopOnSignal::Limit OnSignal(int signal_number) {
    Log(LogLevel::kInfo, "stopping", {{"signal", signal_number}});
    const std::lock_guard lock(mutex_);
    if (serving_) {
      return {absl::Milliseconds(config_.drain_timeout_ms) + kOverdue +
                  (embedded_ ? kEmbeddedPatience : absl::ZeroDuration()),
              1};
    }
    db::StopStatements();
    return {kStartPatience, one_off() ? 1 : 0};
  }

  absl::Status Configure() {
    auto loaded = config::LoadProcessConfig(SourcesOf(line_));
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
    return one_off() ? absl::OkStatus() : Unsupported(config_.core->migration_mode());
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
    if (!one_off() && !OwnsTables()) {
      for (const host::ServiceDefinition& service : program_.services) {
        const config::ServiceSettings& settings = config_.service(service.name);
        if (settings.database_user.empty()) continue;
        db::DatabaseOptions own = options;
        own.user = settings.database_user;
        own.password = settings.database_password;
        RETURN_IF_ERROR(AwaitDatabase(own, stop_.token()));
        RETURN_IF_ERROR(CheckTables(config_, service.name, options));
      }
      return absl::OkStatus();
    }
    options.pool_size = 1;
    ASSIGN_OR_RETURN(auto database, db::Database::Create(options));
    if (!one_off()) {
      return WithDatabase(options, stop_.token(), [&] { return MigrateTables(*database); });
    }
    RETURN_IF_ERROR(AwaitDatabase(options, stop_.token()));
    if (line_.command == "check-users") {
      ASSIGN_OR_RETURN(exit_status_,
                       RunCheckUsers(program_, config_, *database, options, line_.mend));
      return absl::OkStatus();
    }
    ASSIGN_OR_RETURN(exit_status_, RunMigrate(program_, config_, *database, options));
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
    options.stop = stop_.token();
    ASSIGN_OR_RETURN(host_, host::Host::Start(std::move(options)));
    RETURN_IF_ERROR(host_->Listen());
    if (program_.front_end) {
      ASSIGN_OR_RETURN(front_end_, program_.front_end(*host_));
    }
    return absl::OkStatus();
  }

  // Before the database: a start may have to wait for it, alive and not ready.
  void OpenAdminPort() {
    if (config_.admin_port == 0) return;
    AdminServer::Sources sources;
    sources.ready = [this](absl::Time deadline) {
      host::Host* const host = ready_host_;
      return host ? host->Ready(deadline) : absl::UnavailableError("starting");
    };
    sources.metrics = [this] {
      host::Host* const host = ready_host_;
      return host ? host->metrics().Exposition() : "";
    };
    sources.notes = [this] {
      host::Host* const host = ready_host_;
      return host ? NotesOn(host->tenants()) : "";
    };
    auto admin = AdminServer::Start(config_.admin_host, config_.admin_port, std::move(sources));
    if (!admin.ok()) {
      // A second instance on the same machine would collide on the default port; serving matters
      // more.
      Log(LogLevel::kWarn, "admin_port_unavailable", {{"port", config_.admin_port}});
    } else {
      admin_ = *std::move(admin);
    }
  }

  // A service with its own role may not change tables: `gatehouse migrate` has created them.
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
    if (!config_.ephemeral && GoesWithContainer(options.data_dir)) {
      Log(LogLevel::kWarn, "data_not_kept",
          {{"data_dir", options.data_dir},
           {"advice", "users and sessions are lost with this container: mount a volume "
                      "at gatehouse_data_dir, or configure a PostgreSQL"}});
      // As with the original's image, a container whose root is read-only is good for a trial.
      options.ephemeral = IsReadOnly(options.data_dir);
    }
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
  int exit_status_ = 0;
  std::mutex mutex_;
  bool serving_ = false;  // from now on a signal means to drain
  std::atomic<host::Host*> ready_host_ = nullptr;  // once everything is open
  StopOnSignal stop_{[this](int number) { return OnSignal(number); }};
  std::unique_ptr<db::EmbeddedPostgres> embedded_;
  std::unique_ptr<host::Host> host_;
  std::unique_ptr<AdminServer> admin_;
  std::unique_ptr<FrontEnd> front_end_;
};

}  // namespace

int RunProgram(const Program& program, int argc, const char* const argv[]) {
  // Fewer arenas: threads that mostly wait would each keep one with free memory in it.
  mallopt(M_ARENA_MAX, 4);
  auto line = ParseCommandLine(ImageArguments(argc, argv));
  if (!line.ok()) return Fail(program, std::string(line.status().message()));
  if (!line->temp_dir.empty()) setenv("TMPDIR", line->temp_dir.c_str(), 1);
  if (line->help) {
    std::cout << HelpText(program.name);
    return 0;
  }
  if (line->version || line->command == "version") {
    std::cout << "Gatehouse " << kVersion << "\n";
    return 0;
  }
  if (line->check_config) return CheckConfig(program, *line);
  if (line->command == "issue-certificate") return IssueCertificate(*line);
  if (line->command == "config") return PrintConfig(*line);
  if (line->command == "health") return CheckHealth(*line);

  const absl::Time started = SteadyNow();
  Run run(program, *line);
  const absl::Status status = run.Start();
  const bool one_off = line->command != "start";
  if (run.interrupted() && one_off) {
    return Fail(program, "interrupted; what is done stays done, run it again for the rest");
  }
  if (!run.interrupted()) {
    if (!status.ok()) return Fail(program, TextOf(status));
    if (one_off) return run.exit_status();
    Log(LogLevel::kInfo, "started",
        {{"version", kVersion},
         {"address", run.address()},
         {"pid", static_cast<int64_t>(getpid())},
         {"ms", absl::ToInt64Milliseconds(SteadyNow() - started)}});
    run.AwaitSignal();
  }
  run.Drain();
  Log(LogLevel::kInfo, "stopped");
  if (WorkerPool::AnyLeftRunning()) {
    std::fflush(nullptr);
    _exit(0);
  }
  return 0;
}

}  // namespace gatehouse::process

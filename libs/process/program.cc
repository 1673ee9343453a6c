#include "libs/process/program.h"

#include <malloc.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <iostream>
#include <mutex>
#include <optional>
#include <utility>

#include "absl/strings/str_join.h"
#include "absl/synchronization/mutex.h"
#include "libs/base/status.h"
#include "libs/base/steady_time.h"
#include "libs/base/stop.h"
#include "libs/base/strings.h"
#include "libs/base/worker_pool.h"
#include "libs/config/config_sources.h"
#include "libs/config/process_config.h"
#include "libs/config/reload.h"
#include "libs/db/database.h"
#include "libs/db/embedded_postgres.h"
#include "libs/db/stop_statements.h"
#include "libs/process/admin_server.h"
#include "libs/process/await_database.h"
#include "libs/process/check_users.h"
#include "libs/process/command_line.h"
#include "libs/process/command_table.h"
#include "libs/process/completion.h"
#include "libs/process/configuration.h"
#include "libs/process/data_dir.h"
#include "libs/process/export_users.h"
#include "libs/process/health.h"
#include "libs/process/image_entry.h"
#include "libs/process/import_users.h"
#include "libs/process/instances.h"
#include "libs/process/issue_certificate.h"
#include "libs/process/migrate.h"
#include "libs/process/service_manager.h"
#include "libs/process/stop_on_signal.h"
#include "libs/process/terminal.h"
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
// How often a process that serves, and is not ready, looks again, and for how long each time.
constexpr absl::Duration kReadinessPoll = absl::Milliseconds(250);
constexpr absl::Duration kReadinessTimeout = absl::Seconds(2);
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

  // Until requests are answered, which may take longer than the start: a gateway's services are
  // started on their own. False when asked to stop before.
  bool AwaitReady() {
    while (!host_->Ready(SteadyNow() + kReadinessTimeout).ok()) {
      if (WaitForStop(stop_.token(), kReadinessPoll)) return false;
    }
    return true;
  }
  // Reads the configuration again at each SIGHUP, until asked to stop.
  void AwaitStop(const ServiceManager& manager) {
    while (stop_.WaitForHangup()) {
      manager.Reloading();
      Reload();
      manager.Ready(address());
    }
  }
  bool interrupted() const { return stop_.requested(); }

  // Finishes what was accepted, within the drain time, and closes everything. Idempotent.
  void Drain() {
    const absl::Duration time = absl::Milliseconds(serving_ ? config_.drain_timeout_ms : 0);
    const absl::Time end_by = SteadyNow() + time;
    const absl::Time finish_by = end_by - std::min(time / 4, kLongestReserve);
    if (admin_) admin_->SetDraining();
    if (host_) host_->SayLeaving();
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
  std::string greeting() const { return Greeting(config_, address(), embedded_data_dir_); }
  // From a signal to the end.
  absl::Duration stop_within() const {
    return absl::Milliseconds(config_.drain_timeout_ms) + kOverdue +
           (embedded_ ? kEmbeddedPatience : absl::ZeroDuration());
  }

 private:
  // Whether the command ends by itself: all but `start`.
  bool one_off() const { return line_.command != "start"; }

  // On the signal's thread.
  StopOnSignal::Limit OnSignal(int signal_number) {
    Log(LogLevel::kInfo, "stopping", {{"signal", signal_number}});
    const std::lock_guard lock(mutex_);
    if (serving_) {
      return {stop_within(), 1};
    }
    db::StopStatements();
    return {kStartPatience, one_off() ? 1 : 0};
  }

  absl::Status Configure() {
    const config::ConfigSources sources = SourcesOf(line_);
    auto loaded = config::LoadProcessConfig(sources);
    if (!loaded.ok()) return loaded.status();
    config_ = *std::move(loaded);
    std::vector<config::ConfigProblem> problems;
    std::vector<std::string> warnings;
    texts_ = config::ReadSources(sources, problems, warnings);
    telemetry::LogOptions log;
    log.level = static_cast<LogLevel>(config_.log_level);
    log.json = config_.log_format == config::LogFormat::kJson ||
               (config_.log_format == config::LogFormat::kAuto && !LogsToTerminal());
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

  // On the main thread, while requests run.
  void Reload() {
    auto reload = config::ReadAgain(SourcesOf(line_), config_, texts_);
    if (!reload.ok()) {
      Log(LogLevel::kError, "reload_refused", {{"reason", TextOf(reload.status())}});
      return;
    }
    texts_ = std::move(reload->texts);
    telemetry::SetLogLevel(static_cast<LogLevel>(reload->config.log_level));
    host_->Reload(reload->config);
    if (front_end_) front_end_->Reload(reload->config);
    Log(LogLevel::kInfo, "reloaded",
        {{"changed", absl::StrJoin(reload->changed, " ")},
         {"need_a_restart", absl::StrJoin(reload->need_a_restart, " ")}});
  }

  // Whether the command uses a database: `start` of a gateway has no component that would.
  bool NeedsDatabase() const { return one_off() || !program_.services.empty(); }

  absl::Status OpenDatabase() {
    if (!NeedsDatabase()) return absl::OkStatus();
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
    if (line_.command == "export") {
      ASSIGN_OR_RETURN(exit_status_, RunExport(program_, line_, config_, *database, options));
      return absl::OkStatus();
    }
    ASSIGN_OR_RETURN(exit_status_, RunMigrate(program_, line_, config_, *database, options));
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
    embedded_data_dir_ = options.data_dir;
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
  config::SourceTexts texts_;  // that config_ was read from, with later reloads
  std::string embedded_data_dir_;
  const bool at_terminal_ = LogsToTerminal();
  SystemClock clock_;
  int exit_status_ = 0;
  std::mutex mutex_;
  bool serving_ = false;  // from now on a signal means to drain
  std::atomic<host::Host*> ready_host_ = nullptr;  // once everything is open
  // When the terminal that we log to is closed, nobody is left who could stop us.
  StopOnSignal stop_{[this](int number) { return OnSignal(number); },
                     [this] { return one_off() || (at_terminal_ && !LogsToTerminal()); }};
  std::unique_ptr<db::EmbeddedPostgres> embedded_;
  std::unique_ptr<host::Host> host_;
  std::unique_ptr<AdminServer> admin_;
  std::unique_ptr<FrontEnd> front_end_;
};

// `start`, and the commands that use the database.
int RunUntilEnd(const Program& program, const CommandLine& line) {
  const ServiceManager manager;
  const absl::Time started = SteadyNow();
  Run run(program, line);
  const absl::Status status = run.Start();
  const bool one_off = line.command != "start";
  if (run.interrupted() && one_off) {
    return Fail(program, line.command == "export"
                             ? "interrupted; no file was made"
                             : "interrupted; what is done stays done, run it again for the rest");
  }
  std::optional<InstanceFile> file;
  if (!run.interrupted()) {
    if (!status.ok()) return Fail(program, TextOf(status));
    if (one_off) return run.exit_status();
    Log(LogLevel::kInfo, "started",
        {{"version", kVersion},
         {"address", run.address()},
         {"pid", static_cast<int64_t>(getpid())},
         {"ms", absl::ToInt64Milliseconds(SteadyNow() - started)}});
    file.emplace(program.name, run.address(), run.stop_within());
    if (program.front_end && LogsToTerminal()) std::cerr << run.greeting() << std::flush;
    if (!manager.there() || run.AwaitReady()) {
      manager.Ready(run.address());
      run.AwaitStop(manager);
    }
  }
  manager.Stopping();
  run.Drain();
  file.reset();
  Log(LogLevel::kInfo, "stopped");
  if (WorkerPool::AnyLeftRunning()) {
    // A hash of a password can't be interrupted, so threads that compute one past the end were
    // left behind. An orderly exit would destroy what they still use.
    std::fflush(nullptr);
    _exit(0);
  }
  return 0;
}

}  // namespace

int RunProgram(const Program& program, int argc, const char* const argv[]) {
  // Fewer arenas: threads that mostly wait would each keep one with free memory in it.
  mallopt(M_ARENA_MAX, 4);
  // Debian builds Abseil for debugging: each lock that gRPC takes would be noted in a graph of the
  // whole process, under one lock for all, and an unusual order of two of them would abort it.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  auto line = ParseCommandLine(ImageArguments(argc, argv));
  if (!line.ok()) {
    return Fail(program, StrCat(line.status().message(), "\nTry `", program.name, " help`."));
  }
  if (!line->temp_dir.empty()) setenv("TMPDIR", line->temp_dir.c_str(), 1);
  if (line->help || line->command == "help") {
    std::string topic = line->command_is_named ? line->command : "";
    if (topic == "help" && !line->help) topic = line->argument;
    if (!topic.empty() && FindCommand(topic) == nullptr) {
      return Fail(program, StrCat("unknown command '", topic, "'"));
    }
    std::cout << HelpText(program.name, topic);
    return 0;
  }
  if (line->version) {
    std::cout << "Gatehouse " << kVersion << "\n";
    return 0;
  }
  if (line->command == "completion") {
    const auto script = CompletionScript(line->argument);
    if (!script.ok()) return Fail(program, std::string(script.status().message()));
    std::cout << *script;
    return 0;
  }
  if (line->check_config) return CheckConfig(program, *line);
  if (line->command == "issue-certificate") return IssueCertificate(*line);
  if (line->command == "config") return PrintConfig(*line);
  if (line->command == "health") return CheckHealth(*line);
  if (line->command == "import") {
    const absl::StatusOr<int> status = ImportUsers(*line);
    return status.ok() ? *status : Fail(program, TextOf(status.status()));
  }
  if (line->command == "list") return ListInstances();
  if (line->command == "stop") return StopInstances(program.name, *line);
  return RunUntilEnd(program, *line);
}

}  // namespace gatehouse::process

#include "libs/db/embedded_postgres.h"

#include <fcntl.h>
#include <libpq-fe.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <pqxx/pqxx>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "libs/base/status.h"
#include "libs/base/steady_time.h"
#include "libs/db/child_process.h"
#include "libs/db/data_directory.h"
#include "libs/db/postgres_files.h"

namespace gatehouse::db {
namespace {

namespace fs = std::filesystem;

constexpr char kSuperuser[] = "gatehouse";
constexpr char kSocketFile[] = "/.s.PGSQL.5432";
// sizeof(sockaddr_un::sun_path), without the terminating NUL.
constexpr size_t kMaxSocketPath = 107;
// A server whose owner was killed needs at most this long for its fast shutdown.
constexpr absl::Duration kFormerServerPatience = absl::Seconds(15);
constexpr absl::Duration kPollEvery = absl::Milliseconds(3);
constexpr absl::Duration kFirstRestartPause = absl::Milliseconds(100);
constexpr absl::Duration kLongestRestartPause = absl::Seconds(5);

}  // namespace

class EmbeddedPostgres::Server {
 public:
  explicit Server(EmbeddedPostgresOptions options) : options_(std::move(options)) {}
  ~Server() {
    Stop(absl::Seconds(10));
    if (log_fd_ >= 0) ::close(log_fd_);
    std::error_code ignored;
    if (options_.ephemeral && !directory_.path().empty()) {
      fs::remove_all(directory_.path(), ignored);
    }
    if (own_socket_dir_) fs::remove_all(socket_dir_, ignored);
  }

  absl::Status Start();
  void Stop(absl::Duration timeout);
  DatabaseOptions database_options(const std::string& dbname) const;
  const EmbeddedPostgresOptions& options() const { return options_; }
  const std::string& socket_dir() const { return socket_dir_; }
  pid_t pid() const {
    const std::lock_guard lock(mutex_);
    return pid_;
  }

 private:
  std::string pg_dir() const { return directory_.path() + "/pg"; }

  absl::Status PrepareDirectories();
  absl::Status MakeCluster();
  std::vector<std::string> ServerArguments() const;
  void Supervise();
  absl::Status AwaitReady();
  absl::Status CreateDatabaseIfMissing();

  EmbeddedPostgresOptions options_;
  RunAs run_as_;
  std::string bin_dir_;
  std::string socket_dir_;
  bool own_socket_dir_ = false;
  DataDirectory directory_;
  int log_fd_ = -1;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  pid_t pid_ = -1;
  int exits_ = 0;  // how often the server ended
  bool stopping_ = false;
  bool finished_ = false;  // the supervisor is done
  // The server's death signal is bound to the thread that started it, so that thread must live as
  // long as the server should.
  std::thread supervisor_;
};

absl::Status EmbeddedPostgres::Server::PrepareDirectories() {
  ASSIGN_OR_RETURN(run_as_, ChooseServerUser());
  std::string path = options_.data_dir;
  if (options_.ephemeral) {
    RemoveAbandonedTemporaryDirectories(run_as_);
    ASSIGN_OR_RETURN(path, MakeTemporaryDirectory(run_as_));
  }
  ASSIGN_OR_RETURN(directory_, DataDirectory::Open(path, run_as_));

  socket_dir_ = directory_.path() + "/socket";
  if (socket_dir_.size() + std::strlen(kSocketFile) > kMaxSocketPath ||
      !IsPlainPath(socket_dir_)) {
    ASSIGN_OR_RETURN(socket_dir_, MakeTemporaryDirectory(run_as_));
    own_socket_dir_ = true;
  } else {
    RETURN_IF_ERROR(MakePrivateDirectory(directory_.own_path() + "/socket", run_as_));
  }
  ASSIGN_OR_RETURN(log_fd_, directory_.OpenLog());
  return absl::OkStatus();
}

// Creates the data directory under another name first, so that a crash leaves no incomplete one.
absl::Status EmbeddedPostgres::Server::MakeCluster() {
  const std::string unfinished = pg_dir() + ".unfinished";
  const std::string own_unfinished = directory_.own_path() + "/pg.unfinished";
  std::error_code error;
  fs::remove_all(own_unfinished, error);
  RETURN_IF_ERROR(MakePrivateDirectory(own_unfinished, run_as_));
  const std::string initdb = bin_dir_ + "/initdb";
  absl::Status made =
      RunProgram({initdb, "-D", unfinished, "-U", kSuperuser, "--auth=trust", "--encoding=UTF8",
                  "--locale=C.UTF-8", "--no-sync", "--no-instructions"},
                 run_as_, log_fd_, options_.start_timeout);
  // One sync at the end instead of one per file.
  if (made.ok() && !options_.ephemeral) {
    made = RunProgram({initdb, "-D", unfinished, "--sync-only"}, run_as_, log_fd_,
                      options_.start_timeout);
  }
  if (!made.ok()) {
    return absl::FailedPreconditionError(
        absl::StrCat("Could not make a PostgreSQL data directory in ", directory_.path(), ": ",
                     absl::IsDeadlineExceeded(made) ? std::string(made.message())
                                                    : LastLine(log_fd_)));
  }
  fs::rename(own_unfinished, directory_.own_path() + "/pg", error);
  if (error) return absl::FailedPreconditionError(absl::StrCat(pg_dir(), ": ", error.message()));
  return absl::OkStatus();
}

std::vector<std::string> EmbeddedPostgres::Server::ServerArguments() const {
  std::vector<std::string> settings = {
      "listen_addresses=",
      "unix_socket_directories=" + socket_dir_,
      "unix_socket_permissions=0700",
      absl::StrCat("max_connections=", options_.max_connections),
      // Modest: one program's data, on a shared machine.
      "shared_buffers=64MB",
      "min_wal_size=32MB",
      "max_wal_size=512MB",
      // No replication: fewer processes, and less to write.
      "wal_level=minimal",
      "max_wal_senders=0",
      "max_worker_processes=0",
      "max_logical_replication_workers=0",
      "jit=off",
      "timezone=UTC",
      "log_timezone=UTC",
      "logging_collector=off",
      "log_destination=stderr",
      // We report statement errors ourselves, and their texts contain values.
      "log_min_messages=log",
      "log_min_error_statement=panic",
      "log_error_verbosity=terse",
      "log_checkpoints=off",
  };
  if (options_.ephemeral) {
    settings.insert(settings.end(),
                    {"fsync=off", "synchronous_commit=off", "full_page_writes=off"});
  }
  std::vector<std::string> argv = {bin_dir_ + "/postgres", "-D", pg_dir()};
  for (const std::string& setting : settings) {
    argv.push_back("-c");
    argv.push_back(setting);
  }
  return argv;
}

absl::Status EmbeddedPostgres::Server::Start() {
  RETURN_IF_ERROR(PrepareDirectories());
  std::string major;
  std::getline(std::ifstream(pg_dir() + "/PG_VERSION"), major);
  ASSIGN_OR_RETURN(bin_dir_, FindPostgresPrograms(options_.bin_dir, major));
  if (major.empty()) {
    RETURN_IF_ERROR(MakeCluster());
  } else {
    RETURN_IF_ERROR(AwaitFormerServer(pg_dir(), kFormerServerPatience));
  }
  supervisor_ = std::thread([this] { Supervise(); });
  RETURN_IF_ERROR(AwaitReady());
  return CreateDatabaseIfMissing();
}

// Keeps a server running until asked to stop.
void EmbeddedPostgres::Server::Supervise() {
  absl::Duration pause = kFirstRestartPause;
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    // No server runs here (we hold the directory's lock), so what is in the socket's directory is a
    // leftover, whose process id may be in use again.
    std::error_code ignored;
    fs::remove(socket_dir_ + kSocketFile, ignored);
    fs::remove(socket_dir_ + kSocketFile + ".lock", ignored);
    const absl::Time started = SteadyNow();
    auto child = StartProgram(ServerArguments(), run_as_, log_fd_, SIGINT);
    if (child.ok()) {
      pid_ = *child;
      changed_.notify_all();
      lock.unlock();
      siginfo_t info;
      // Leaves it unreaped, so that its id can't be reused while Stop may signal it.
      while (::waitid(P_PID, static_cast<id_t>(*child), &info, WEXITED | WNOWAIT) < 0 &&
             errno == EINTR) {
      }
      lock.lock();
      ::waitpid(*child, nullptr, 0);
      pid_ = -1;
    }
    ++exits_;
    changed_.notify_all();
    if (SteadyNow() - started > absl::Seconds(30)) pause = kFirstRestartPause;
    changed_.wait_for(lock, absl::ToChronoMilliseconds(pause), [this] { return stopping_; });
    pause = std::min(pause * 2, kLongestRestartPause);
  }
  finished_ = true;
  changed_.notify_all();
}

absl::Status EmbeddedPostgres::Server::AwaitReady() {
  absl::Time give_up = SteadyNow() + options_.start_timeout;
  const std::string conninfo = absl::StrCat("host='", socket_dir_, "' user=", kSuperuser,
                                            " dbname=postgres connect_timeout=2");
  for (;;) {
    if (::access((socket_dir_ + kSocketFile).c_str(), F_OK) == 0) {
      const PGPing answer = ::PQping(conninfo.c_str());
      if (answer == PQPING_OK) return absl::OkStatus();
      // It is running and recovering from a crash: wait however long that takes.
      if (answer == PQPING_REJECT) give_up = SteadyNow() + options_.start_timeout;
      if (answer == PQPING_NO_ATTEMPT) {
        return absl::FailedPreconditionError(
            absl::StrCat("The socket in ", socket_dir_, " can't be connected to"));
      }
    }
    int exits;
    {
      const std::lock_guard lock(mutex_);
      exits = exits_;
    }
    // The first failures may be due to surviving processes of a killed predecessor.
    if (exits > 5 || SteadyNow() > give_up) {
      return absl::FailedPreconditionError(
          absl::StrCat("PostgreSQL does not start in ", pg_dir(), ": ", LastLine(log_fd_)));
    }
    absl::SleepFor(kPollEvery);
  }
}

absl::Status EmbeddedPostgres::Server::CreateDatabaseIfMissing() {
  try {
    pqxx::connection connection(
        absl::StrCat("host='", socket_dir_, "' user=", kSuperuser, " dbname=postgres"));
    pqxx::nontransaction session(connection);
    const pqxx::result found =
        session.exec_params("SELECT 1 FROM pg_database WHERE datname = $1", options_.database);
    if (found.empty()) session.exec("CREATE DATABASE " + session.quote_name(options_.database));
    return absl::OkStatus();
  } catch (const std::exception& error) {
    return absl::FailedPreconditionError(
        absl::StrCat("Could not create the database: ", error.what()));
  }
}

void EmbeddedPostgres::Server::Stop(absl::Duration timeout) {
  std::unique_lock lock(mutex_);
  stopping_ = true;
  changed_.notify_all();
  if (!supervisor_.joinable()) return;
  const auto done = [this] { return finished_; };
  // Data that is discarded needs no orderly shutdown.
  if (pid_ > 0) ::kill(pid_, options_.ephemeral ? SIGQUIT : SIGINT);
  if (!changed_.wait_for(lock, absl::ToChronoMilliseconds(timeout), done)) {
    if (pid_ > 0) ::kill(pid_, SIGQUIT);
    if (!changed_.wait_for(lock, std::chrono::seconds(5), done)) {
      if (pid_ > 0) ::kill(pid_, SIGKILL);
      changed_.wait(lock, done);
    }
  }
  std::thread supervisor = std::move(supervisor_);
  lock.unlock();
  supervisor.join();
}

DatabaseOptions EmbeddedPostgres::Server::database_options(const std::string& dbname) const {
  DatabaseOptions options;
  options.host = socket_dir_;
  options.user = kSuperuser;
  options.dbname = dbname;
  return options;
}

absl::StatusOr<std::unique_ptr<EmbeddedPostgres>> EmbeddedPostgres::Start(
    EmbeddedPostgresOptions options) {
  auto server = std::make_unique<Server>(std::move(options));
  RETURN_IF_ERROR(server->Start());
  return std::unique_ptr<EmbeddedPostgres>(new EmbeddedPostgres(std::move(server)));
}

EmbeddedPostgres::EmbeddedPostgres(std::unique_ptr<Server> server) : server_(std::move(server)) {}
EmbeddedPostgres::~EmbeddedPostgres() = default;

void EmbeddedPostgres::Stop(absl::Duration timeout) { server_->Stop(timeout); }
DatabaseOptions EmbeddedPostgres::database_options() const {
  return server_->database_options(server_->options().database);
}
const std::string& EmbeddedPostgres::socket_dir() const { return server_->socket_dir(); }
pid_t EmbeddedPostgres::pid() const { return server_->pid(); }

}  // namespace gatehouse::db

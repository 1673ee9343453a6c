#include "libs/db/embedded_postgres.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "libs/base/steady_time.h"
#include "libs/db/database.h"

namespace gatehouse::db {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

absl::Time Soon() { return SteadyNow() + absl::Seconds(30); }

class EmbeddedPostgresTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string path = fs::temp_directory_path() / "gatehouse-test-XXXXXX";
    ASSERT_NE(::mkdtemp(path.data()), nullptr);
    ::chmod(path.c_str(), 0755);  // the server's user must be able to pass through
    dir_ = path;
  }
  void TearDown() override { fs::remove_all(dir_); }

  std::unique_ptr<EmbeddedPostgres> Start() {
    const absl::Time start = SteadyNow();
    auto server = EmbeddedPostgres::Start({.data_dir = dir_ + "/data"});
    EXPECT_TRUE(server.ok()) << server.status();
    last_start_ = SteadyNow() - start;
    return server.ok() ? *std::move(server) : nullptr;
  }
  static std::unique_ptr<Database> Open(const EmbeddedPostgres& server) {
    return *Database::Create(server.database_options());
  }

  std::string dir_;
  absl::Duration last_start_;
};

constexpr Statement kRead = {"t_read", "SELECT v FROM kept"};

TEST_F(EmbeddedPostgresTest, KeepsDataOverAnOrderlyRestart) {
  auto server = Start();
  ASSERT_NE(server, nullptr);
  RecordProperty("first_start_ms", absl::StrCat(absl::ToInt64Milliseconds(last_start_)));
  ASSERT_TRUE(Open(*server)->ExecuteScript(Soon(), "CREATE TABLE kept AS SELECT 7 AS v").ok());
  const pid_t pid = server->pid();
  server->Stop();
  server->Stop();
  EXPECT_EQ(::kill(pid, 0), -1);
  server.reset();
  server = Start();
  ASSERT_NE(server, nullptr);
  RecordProperty("second_start_ms", absl::StrCat(absl::ToInt64Milliseconds(last_start_)));
  EXPECT_EQ(Open(*server)->Execute(Soon(), kRead)->front().Int64(0), 7);
}

TEST_F(EmbeddedPostgresTest, OnlyItsUserMayEnter) {
  auto server = Start();
  ASSERT_NE(server, nullptr);
  struct stat info;
  ASSERT_EQ(::stat(server->socket_dir().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700U);
  ASSERT_EQ(::stat((dir_ + "/data/pg").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700U);
}

TEST_F(EmbeddedPostgresTest, ComesBackAfterItsServerIsKilled) {
  auto server = Start();
  ASSERT_NE(server, nullptr);
  auto database = Open(*server);
  ASSERT_TRUE(database->ExecuteScript(Soon(), "CREATE TABLE kept AS SELECT 7 AS v").ok());
  const pid_t killed = server->pid();
  ::kill(killed, SIGKILL);
  const absl::Time give_up = Soon();
  absl::StatusOr<Result> result;
  do {
    result = database->Execute(Soon(), kRead);
    std::this_thread::yield();
  } while (!result.ok() && SteadyNow() < give_up);
  ASSERT_TRUE(result.ok()) << DatabaseCause(result.status());
  EXPECT_EQ(result->front().Int64(0), 7);
}

TEST_F(EmbeddedPostgresTest, RefusesADirectoryThatIsInUse) {
  auto server = Start();
  ASSERT_NE(server, nullptr);
  auto second = EmbeddedPostgres::Start({.data_dir = dir_ + "/data"});
  ASSERT_FALSE(second.ok());
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("Another process uses"));
}

TEST_F(EmbeddedPostgresTest, StartsOverALockFileWhoseProcessNumberIsAnothersNow) {
  auto server = Start();
  ASSERT_NE(server, nullptr);
  ASSERT_TRUE(Open(*server)->ExecuteScript(Soon(), "CREATE TABLE kept AS SELECT 7 AS v").ok());
  server.reset();
  std::ofstream(dir_ + "/data/pg/postmaster.pid") << ::getpid() << "\n"
                                                  << dir_ << "/data/pg\n1\n5432\n\n\n";
  ::chmod((dir_ + "/data/pg/postmaster.pid").c_str(), 0644);
  server = Start();
  ASSERT_NE(server, nullptr);
  EXPECT_EQ(Open(*server)->Execute(Soon(), kRead)->front().Int64(0), 7);
}

TEST_F(EmbeddedPostgresTest, EndsWithItsOwnerEvenIfThatIsKilled) {
  // A separate process owns the server and is killed.
  int pipe_fds[2];
  ASSERT_EQ(::pipe(pipe_fds), 0);
  const pid_t owner = ::fork();
  if (owner == 0) {
    auto server = EmbeddedPostgres::Start({.data_dir = dir_ + "/data"});
    const pid_t pid = server.ok() ? (*server)->pid() : -1;
    [[maybe_unused]] const ssize_t written = ::write(pipe_fds[1], &pid, sizeof(pid));
    ::pause();
    ::_exit(0);
  }
  pid_t server_pid = -1;
  ASSERT_EQ(::read(pipe_fds[0], &server_pid, sizeof(server_pid)),
            static_cast<ssize_t>(sizeof(server_pid)));
  ASSERT_GT(server_pid, 0);
  ::kill(owner, SIGKILL);
  ::waitpid(owner, nullptr, 0);
  // A new owner may start at once: it waits for the old server to end.
  auto server = Start();
  ASSERT_NE(server, nullptr);
  EXPECT_NE(server->pid(), server_pid);
  EXPECT_TRUE(Open(*server)->Ping(Soon()).ok());
  ::close(pipe_fds[0]);
  ::close(pipe_fds[1]);
}

TEST_F(EmbeddedPostgresTest, LeavesNothingWhenEphemeral) {
  auto server = EmbeddedPostgres::Start({.ephemeral = true});
  ASSERT_TRUE(server.ok()) << server.status();
  const fs::path data_dir = fs::path((*server)->socket_dir()).parent_path();
  EXPECT_TRUE(Open(**server)->Ping(Soon()).ok());
  EXPECT_TRUE(fs::exists(data_dir));
  server->reset();
  EXPECT_FALSE(fs::exists(data_dir));
}

TEST_F(EmbeddedPostgresTest, RemovesWhatAKilledEphemeralOneLeft) {
  ::setenv("TMPDIR", dir_.c_str(), 1);
  const auto make = [this](const char* name, std::filesystem::file_time_type::duration age) {
    const fs::path path = fs::path(dir_) / name;
    fs::create_directory(path);
    std::ofstream(path / "gatehouse.lock") << "";
    fs::last_write_time(path / "gatehouse.lock", fs::file_time_type::clock::now() - age);
    // Such directories belong to the server's user.
    if (const passwd* user = ::geteuid() == 0 ? ::getpwnam("postgres") : nullptr; user != nullptr) {
      EXPECT_EQ(::chown(path.c_str(), user->pw_uid, user->pw_gid), 0);
    }
    return path;
  };
  const fs::path old = make("gatehouse-aaaaaa", std::chrono::hours(1));
  const fs::path young = make("gatehouse-bbbbbb", std::chrono::seconds(0));
  const fs::path foreign = make("other-cccccc", std::chrono::hours(1));
  auto server = EmbeddedPostgres::Start({.ephemeral = true});
  ::unsetenv("TMPDIR");
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_FALSE(fs::exists(old));
  EXPECT_TRUE(fs::exists(young));
  EXPECT_TRUE(fs::exists(foreign));
}

TEST_F(EmbeddedPostgresTest, UsesAShortSocketPathForALongDataPath) {
  const std::string deep = dir_ + "/" + std::string(100, 'd');
  auto server = EmbeddedPostgres::Start({.data_dir = deep});
  ASSERT_TRUE(server.ok()) << server.status();
  EXPECT_TRUE(Open(**server)->Ping(Soon()).ok());
  const std::string socket_dir = (*server)->socket_dir();
  server->reset();
  EXPECT_FALSE(fs::exists(socket_dir));
}

TEST_F(EmbeddedPostgresTest, ServesADirectoryWhoseNameHasOddCharacters) {
  const std::string odd = dir_ + "/it's, \"a\" $(data) %s; \\ \xC3\xA4=x @";
  for (int start = 1; start <= 2; ++start) {
    auto server = EmbeddedPostgres::Start({.data_dir = odd});
    ASSERT_TRUE(server.ok()) << server.status();
    EXPECT_TRUE(Open(**server)->Execute(Soon(), {"t_one", "SELECT 1"}).ok());
  }
}

// The operator's message when `directory` can't be used, within seconds and with nothing created.
std::string Refusal(const std::string& directory) {
  const absl::Time start = SteadyNow();
  auto server = EmbeddedPostgres::Start({.data_dir = directory});
  EXPECT_LT(SteadyNow() - start, absl::Seconds(5));
  EXPECT_FALSE(server.ok());
  EXPECT_FALSE(fs::exists(directory + "/pg"));
  return std::string(server.status().message());
}

TEST_F(EmbeddedPostgresTest, RefusesANameThatPostgresCannotKeep) {
  EXPECT_THAT(Refusal(dir_ + "/two\nlines"), HasSubstr("control character"));
}

TEST_F(EmbeddedPostgresTest, SaysThatItsUserMayNotEnter) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root's server runs as another user";
  ::chmod(dir_.c_str(), 0700);
  const std::string text = Refusal(dir_ + "/data");
  EXPECT_THAT(text, HasSubstr("may not enter " + dir_ + " (mode 700)"));
  EXPECT_THAT(text, HasSubstr("--data-dir"));
  EXPECT_FALSE(fs::exists(dir_ + "/data"));
}

TEST_F(EmbeddedPostgresTest, RefusesADirectoryOfAnotherUser) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root may work in others' directories";
  fs::create_directory(dir_ + "/data");
  ASSERT_EQ(::chown((dir_ + "/data").c_str(), 12345, 12345), 0);
  EXPECT_THAT(Refusal(dir_ + "/data"), HasSubstr("belongs to the user 12345"));
  ASSERT_EQ(::chown((dir_ + "/data").c_str(), 0, 0), 0);
  ::chmod((dir_ + "/data").c_str(), 0777);
  EXPECT_THAT(Refusal(dir_ + "/data"), HasSubstr("written to by other users"));
}

TEST_F(EmbeddedPostgresTest, FollowsNoSymbolicLinks) {
  for (const char* name : {"postgres.log", "gatehouse.lock", "socket"}) {
    const std::string data = dir_ + "/" + name + ".d";
    const std::string victim = dir_ + "/" + name + ".victim";
    fs::create_directory(data);
    std::ofstream(victim) << "precious";
    ::chmod(victim.c_str(), 0640);
    fs::create_symlink(victim, data + "/" + name);
    EXPECT_THAT(Refusal(data), HasSubstr(name));
    std::string content;
    std::getline(std::ifstream(victim), content);
    EXPECT_EQ(content, "precious");
    struct stat info;
    ASSERT_EQ(::stat(victim.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0640U);
  }
}

TEST_F(EmbeddedPostgresTest, ALockFileOfTheServersUserLeadsNowhere) {
  ASSERT_NE(Start(), nullptr);
  const std::string victim = dir_ + "/victim";
  std::ofstream(victim) << "1\nprecious\n";
  fs::create_symlink(victim, dir_ + "/data/pg/postmaster.pid");
  EXPECT_FALSE(EmbeddedPostgres::Start({.data_dir = dir_ + "/data"}).ok());
  std::ifstream file(victim);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), "1\nprecious\n");
}

TEST_F(EmbeddedPostgresTest, SaysWhatIsMissing) {
  auto server = EmbeddedPostgres::Start({.data_dir = dir_ + "/data", .bin_dir = "/nonexistent"});
  ASSERT_FALSE(server.ok());
  EXPECT_THAT(std::string(server.status().message()), HasSubstr("/nonexistent"));
}

}  // namespace
}  // namespace gatehouse::db

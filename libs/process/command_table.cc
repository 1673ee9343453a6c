#include "libs/process/command_table.h"

namespace gatehouse::process {
namespace {

constexpr CommandRow kCommands[] = {
    {"start", "", "serve until SIGTERM (the default)",
     "Stays in the foreground. On SIGHUP it reads its configuration again, for the keys that can "
     "change while it runs; on SIGTERM it finishes what it has accepted."},
    {"stop", "", "end running instances, and wait until they have",
     "Ends all instances of this program that `list` shows, or the one of --id."},
    {"list", "", "list running instances: process, address, program",
     "Lists those of this user; for root, those of the service too."},
    {"migrate", "", "bring the database's tables up to date",
     "With --hydra-dsn it also brings over what only the Ory Hydra behind an older core knows: its "
     "clients' metadata, and what live refresh tokens stand for. Hydra's database is only read. "
     "What can't be taken is named with the reason, and the exit status is 3. A DSN with a "
     "password "
     "comes from --hydra-dsn-file or the environment, GATEHOUSE_HYDRA_DSN."},
    {"import", "FILE", "add the users of a file to a running Gatehouse",
     "FILE has JSON lines in the original's format of bulk import, as `export` writes them, or "
     "what "
     "another system exports (--from). Users that fail are written to FILE.failed.jsonl with the "
     "reasons, and the exit status is 3. After an interruption the same command goes on where that "
     "one was: FILE.gatehouse-import keeps the place. The API key, if there is one, comes from "
     "--api-key-file or the environment, GATEHOUSE_API_KEY. Roles and tenants must exist."},
    {"export", "FILE", "write all users of an app, with their password hashes, to a file",
     "JSON lines that `import` reads, in the original's format of bulk import; - is standard "
     "output. With --all, the new directory FILE gets APP.jsonl for each app, and DOMAIN/APP.jsonl "
     "for those of connection URI domains. Reads the database as `migrate` does: Gatehouse may run "
     "meanwhile, unless the database is its own (embedded). Passkeys can't be in the file; their "
     "number is reported."},
    {"config", "", "print the configuration in effect, and where each value comes from",
     "Secrets are masked. Keys that are not set are comments with their default."},
    {"health", "", "ask a running process whether it is ready",
     "The exit status is 0 if it is, else 1."},
    {"check-users", "", "list users that an interrupted attempt left incomplete", ""},
    {"issue-certificate", "",
     "write a gRPC client's certificate, made from gatehouse_internal_secret", ""},
    {"completion", "SHELL", "print the completion script for bash, zsh or fish", ""},
    {"version", "", "print the version", ""},
    {"help", "COMMAND", "print the help of a command", ""},
};

// Those that read the configuration.
constexpr std::string_view kConfigured =
    " start migrate export config health check-users issue-certificate ";

constexpr OptionRow kOptions[] = {
    {"with-config", "FILE", kConfigured, "the configuration file (YAML)"},
    {"port", "PORT", kConfigured, "port of the REST interface (3567)"},
    {"host", "HOST", kConfigured, "address of the REST interface (localhost)"},
    {"data-dir", "DIR", kConfigured,
     "directory of the embedded PostgreSQL's data (/var/lib/gatehouse for root, else "
     "~/.local/share/gatehouse)"},
    {"ephemeral", "", kConfigured,
     "embedded PostgreSQL in a temporary directory, removed at the end"},
    {"test-mode", "", kConfigured,
     "lift limits for test suites; refused with what looks like production"},
    {"with-temp-dir", "DIR", kConfigured, "directory for temporary files ($TMPDIR, or /tmp)"},
    {"check-config", "", kConfigured,
     "check the configuration, report everything that is wrong with it, and exit"},
    {"foreground", "", kConfigured, "of the original; start never leaves the foreground"},
    {"with-space", "MB", kConfigured, "of the original, for its virtual machine; ignored"},
    {"id", "PID", " stop ", "only the instance with this process id"},
    {"from", "FORMAT", " import ", "gatehouse (the default), auth0, firebase, cognito or keycloak"},
    {"dry-run", "", " import migrate ",
     "change nothing; of import: print what would fail, by line; of migrate: print what would be "
     "taken from Hydra"},
    {"hydra-dsn", "DSN", " migrate ", "the PostgreSQL database of a core's Ory Hydra 2.x"},
    {"hydra-dsn-file", "FILE", " migrate ", "a file with that DSN"},
    {"hydra-system-secret-file", "FILE", " migrate ",
     "a file with Hydra's system secrets (secrets.system), one a line: refresh tokens need them "
     "unless Hydra stored its sessions unencrypted"},
    {"app", "APP", " import export ", "the app (public)"},
    {"domain", "DOMAIN", " import export ", "the app's connection URI domain (the default one)"},
    {"all", "", " export ", "all apps of all domains: FILE is a directory, for a file of each"},
    {"tenant", "TENANT", " import ", "the tenant of users from other systems (public)"},
    {"api-key-file", "FILE", " import ", "a file with the API key"},
    {"hash-config", "FILE", " import ",
     "firebase: a file with the hash parameters, as the console shows them"},
    {"hashes", "FILE", " import ", "auth0: the file of password hashes that its support sends"},
    {"reset-passwords", "", " import ",
     "import users without a usable password hash too; they have to reset their password"},
    {"mend", "", " check-users ", "repair what is found"},
    {"url", "URL", " health import ",
     "of health: URL to query (the admin port's /readyz, as configured); of import: the REST "
     "interface (http://localhost:3567)"},
    {"out", "DIR", " issue-certificate ", "the directory to write to"},
    {"name", "NAME", " issue-certificate ", "the name to certify (client)"},
    {"help", "", "", "print this text"},
    {"version", "", "", "print the version"},
};

}  // namespace

std::span<const CommandRow> Commands() { return kCommands; }
std::span<const OptionRow> Options() { return kOptions; }

const CommandRow* FindCommand(std::string_view name) {
  for (const CommandRow& row : kCommands) {
    if (row.name == name) return &row;
  }
  return nullptr;
}

bool Takes(std::string_view command, const OptionRow& option) {
  if (option.commands.empty()) return true;
  for (size_t at = option.commands.find(command); at != std::string_view::npos;
       at = option.commands.find(command, at + 1)) {
    // The names stand between blanks.
    if (option.commands[at - 1] == ' ' && option.commands[at + command.size()] == ' ') return true;
  }
  return false;
}

}  // namespace gatehouse::process

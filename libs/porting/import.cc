#include "libs/porting/import.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <iostream>
#include <limits>
#include <utility>

#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/http/url.h"
#include "libs/porting/bulk_api.h"
#include "libs/porting/dry_run.h"
#include "libs/porting/entries.h"
#include "libs/porting/import_run.h"
#include "libs/porting/import_state.h"

namespace gatehouse::porting {
namespace {

// One import of a file at a time, on this machine.
class FileLock {
 public:
  explicit FileLock(const std::string& path)
      : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~FileLock() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

  bool held() const { return descriptor_ >= 0 && ::flock(descriptor_, LOCK_EX | LOCK_NB) == 0; }

 private:
  const int descriptor_;
};

// The state of an earlier run, or that of a new one.
absl::StatusOr<ImportState> StateFor(const ImportOptions& options, const http::Url& url) {
  ImportState fresh;
  ASSIGN_OR_RETURN(fresh.input, IdentityOfFile(options.path));
  fresh.target = StrCat(url.authority(), url.path, " ", options.app,
                        options.domain.empty() ? "" : StrCat(" ", options.domain));
  fresh.from =
      StrCat(options.from, " ", options.convert.tenant, " ", options.convert.hashes_path, " ",
             options.convert.hash_config_path, options.convert.reset_passwords ? " reset" : "");
  const std::string path = ImportState::PathFor(options.path);
  absl::StatusOr<ImportState> state = ImportState::Read(path);
  if (absl::IsNotFound(state.status())) return fresh;
  RETURN_IF_ERROR(state.status());
  if (state->input != fresh.input || state->target != fresh.target || state->from != fresh.from) {
    return absl::FailedPreconditionError(
        StrCat(path,
               " is of an import of another version of the file, to another server or with "
               "other options: remove it to begin from the start"));
  }
  return state;
}

}  // namespace

absl::StatusOr<int> RunImport(const ImportOptions& options) {
  if (options.path.empty()) return absl::InvalidArgumentError("import needs the file to read");
  ASSIGN_OR_RETURN(const Format format, FindFormat(options.from, options.path));
  ASSIGN_OR_RETURN(const http::Url url, http::ParseUrl(options.url));
  BulkApi api(url, options.app, options.domain, options.api_key);
  ASSIGN_OR_RETURN(Entries entries, Entries::Open(options.path, format, options.convert));
  if (options.dry_run) return DryRun(entries, api);
  const FileLock lock(options.path);
  if (!lock.held()) {
    return absl::FailedPreconditionError(StrCat(options.path, " is being imported already"));
  }
  ASSIGN_OR_RETURN(ImportState state, StateFor(options, url));
  if (state.done) {
    std::cerr << options.path << " is imported already; remove "
              << ImportState::PathFor(options.path) << " to import it again" << std::endl;
    return 0;
  }
  ImportRun run(options.path, std::move(state), entries, api);
  return run.All();
}

}  // namespace gatehouse::porting

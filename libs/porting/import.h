#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "libs/porting/converter.h"

namespace gatehouse::porting {

struct ImportOptions {
  std::string path;
  std::string from = "gatehouse";  // a Format's name
  std::string url = "http://localhost:3567";
  std::string app;     // empty: public
  std::string domain;  // connection URI domain; empty: the URL's host
  std::string api_key;
  bool dry_run = false;
  ConvertOptions convert;
};

// Exit status when some users failed.
inline constexpr int kExitUsersFailed = 3;

// Runs `import`: adds the users of a file to a server's queue of bulk import, waits until it has
// imported them, and writes those that failed, with the reasons, to a file beside the input. After
// a kill at any moment the same command goes on where that one was. With `dry_run`, prints what
// would fail, by line, and changes nothing. Reports on standard error. Returns the exit status: 0,
// or kExitUsersFailed.
absl::StatusOr<int> RunImport(const ImportOptions& options);

}  // namespace gatehouse::porting

#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace gatehouse::process {

// The port for operators: /livez (the process runs; never touches the database), /readyz (it can
// serve: calls `ready`, at most once per half second), /metrics (Prometheus).
class AdminServer {
 public:
  struct Sources {
    std::function<absl::Status(absl::Time deadline)> ready;
    std::function<std::string()> metrics;
    std::function<std::string()> notes;  // lines that /readyz adds when ready; may be null
  };

  static absl::StatusOr<std::unique_ptr<AdminServer>> Start(const std::string& host, int port,
                                                            Sources sources);
  ~AdminServer();

  // From now on /readyz reports not ready, whatever `ready` returns.
  void SetDraining();
  int port() const;

 private:
  struct Impl;
  explicit AdminServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace gatehouse::process

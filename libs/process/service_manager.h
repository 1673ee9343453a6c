#pragma once

#include <string>
#include <string_view>

namespace gatehouse::process {

// Reports to systemd, for a unit of `Type=notify`: the protocol of sd_notify(3), one datagram for
// each message. Does nothing where no service manager asked for it. Not thread-safe.
class ServiceManager {
 public:
  // Takes $NOTIFY_SOCKET out of the environment, so that no child reports in our place. Call it
  // before any other thread is there.
  ServiceManager();

  bool there() const { return !socket_.empty(); }
  // Requests are answered from now on.
  void Ready(std::string_view address) const;
  // The configuration is being read again; Ready follows.
  void Reloading() const;
  void Stopping() const;

 private:
  void Send(std::string_view message) const;

  std::string socket_;  // a path, or "@name"; empty: nobody to report to
};

}  // namespace gatehouse::process

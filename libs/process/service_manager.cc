#include "libs/process/service_manager.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "libs/base/strings.h"

namespace gatehouse::process {

ServiceManager::ServiceManager() {
  const char* const socket = std::getenv("NOTIFY_SOCKET");
  if (socket == nullptr) return;
  if (socket[0] == '/' || socket[0] == '@') socket_ = socket;
  ::unsetenv("NOTIFY_SOCKET");
}

void ServiceManager::Send(std::string_view message) const {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (socket_.empty() || socket_.size() >= sizeof(address.sun_path)) return;
  std::memcpy(address.sun_path, socket_.data(), socket_.size());
  if (address.sun_path[0] == '@') address.sun_path[0] = '\0';  // an abstract name
  const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return;
  // It is systemd's to notice that a message is missing: it ends a start that takes too long.
  (void)::sendto(fd, message.data(), message.size(), MSG_NOSIGNAL,
                 reinterpret_cast<const sockaddr*>(&address),
                 static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_.size()));
  ::close(fd);
}

void ServiceManager::Ready(std::string_view address) const {
  Send(address.empty() ? std::string("READY=1\nSTATUS=Ready")
                       : StrCat("READY=1\nSTATUS=Serving ", address));
}

void ServiceManager::Reloading() const {
  timespec now = {};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  const int64_t us = int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000;
  Send(StrCat("RELOADING=1\nMONOTONIC_USEC=", std::to_string(us)));
}

void ServiceManager::Stopping() const { Send("STOPPING=1\nSTATUS=Finishing requests"); }

}  // namespace gatehouse::process

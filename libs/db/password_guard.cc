#include "libs/db/password_guard.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>

#include "libs/base/status.h"
#include "libs/base/strings.h"

namespace gatehouse::db {
namespace {

// Longer messages only come after authentication.
constexpr size_t kMaxMessage = 64 * 1024;
constexpr size_t kHeader = 5;  // a letter, and the length of what follows it
constexpr char kAuthentication = 'R';
constexpr uint32_t kAuthenticated = 0;
constexpr uint32_t kClearTextPassword = 3;

uint32_t ReadInt(const std::string& bytes, size_t at) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

absl::Status SystemTrouble(const char* what) {
  return absl::UnavailableError(StrCat(what, ": ", std::strerror(errno)));
}

bool IsLocal(int fd) {
  sockaddr_storage address = {};
  socklen_t length = sizeof(address);
  return ::getpeername(fd, reinterpret_cast<sockaddr*>(&address), &length) == 0 &&
         address.ss_family == AF_UNIX;
}

}  // namespace

PasswordGuard::PasswordGuard(PGconn* connection, bool allow_clear_text)
    : connection_(connection), off_(allow_clear_text || PQpass(connection)[0] == '\0') {}

PasswordGuard::~PasswordGuard() { Drop(); }

void PasswordGuard::Drop() {
  if (server_fd_ >= 0) ::close(server_fd_);
  if (near_fd_ >= 0) ::close(near_fd_);
  server_fd_ = near_fd_ = -1;
  received_.clear();
  authenticated_ = false;
}

bool PasswordGuard::IsNeeded() const {
  if (off_ || PQstatus(connection_) != CONNECTION_AWAITING_RESPONSE) return false;
  return PQsslInUse(connection_) == 0 && !IsLocal(PQsocket(connection_));
}

absl::Status PasswordGuard::Start() {
  const int libpq_fd = PQsocket(connection_);
  server_fd_ = ::fcntl(libpq_fd, F_DUPFD_CLOEXEC, 0);
  int pair[2];
  if (server_fd_ < 0 ||
      ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0) {
    return SystemTrouble("guarding a password");
  }
  near_fd_ = pair[0];
  const bool replaced = ::dup3(pair[1], libpq_fd, O_CLOEXEC) == libpq_fd;
  ::close(pair[1]);
  return replaced ? absl::OkStatus() : SystemTrouble("guarding a password");
}

bool PasswordGuard::HasUnread() const {
  int unread = 0;
  return server_fd_ >= 0 && ::ioctl(PQsocket(connection_), FIONREAD, &unread) == 0 && unread > 0;
}

absl::Status PasswordGuard::HandBack() {
  // Data left in the pair would be lost.
  while (HasUnread()) {
    if (PQconsumeInput(connection_) == 0) return absl::UnavailableError("the connection was lost");
  }
  RETURN_IF_ERROR(FromLibpq());
  const int libpq_fd = PQsocket(connection_);
  if (::dup3(server_fd_, libpq_fd, O_CLOEXEC) != libpq_fd) {
    return SystemTrouble("guarding a password");
  }
  Drop();
  return absl::OkStatus();
}

absl::Status PasswordGuard::AfterPoll() {
  if (server_fd_ < 0) return IsNeeded() ? Start() : absl::OkStatus();
  switch (PQstatus(connection_)) {
    case CONNECTION_AWAITING_RESPONSE:
      return FromLibpq();
    case CONNECTION_BAD:
    case CONNECTION_NEEDED:
    case CONNECTION_STARTED:
    case CONNECTION_MADE:
    case CONNECTION_SSL_STARTUP:
    case CONNECTION_GSS_STARTUP:
      // libpq has given this server up, and closed its descriptor.
      Drop();
      return absl::OkStatus();
    default:
      return HandBack();
  }
}

absl::Status PasswordGuard::CheckMessages(size_t& whole) {
  whole = 0;
  while (received_.size() - whole >= kHeader) {
    const size_t length = ReadInt(received_, whole + 1);
    if (length < 4 || length > kMaxMessage) {
      return absl::UnavailableError("the server does not speak PostgreSQL's protocol");
    }
    if (received_.size() - whole < 1 + length) break;
    if (received_[whole] == kAuthentication && length >= 8) {
      const uint32_t kind = ReadInt(received_, whole + kHeader);
      if (kind == kClearTextPassword) {
        return absl::PermissionDeniedError(
            "the server asks for the password in clear text over an unencrypted connection");
      }
      if (kind == kAuthenticated) authenticated_ = true;
    }
    whole += 1 + length;
    // What follows is no longer about passwords and is passed on unseen.
    if (authenticated_) whole = received_.size();
  }
  return absl::OkStatus();
}

absl::Status PasswordGuard::PassOn() {
  if (server_fd_ < 0) return absl::OkStatus();
  char buffer[8192];
  const ssize_t got = ::recv(server_fd_, buffer, sizeof(buffer), MSG_DONTWAIT);
  if (got < 0) {
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return absl::OkStatus();
    return SystemTrouble("the connection was lost");
  }
  if (got == 0) {
    // libpq sees the same as it would without us.
    ::shutdown(near_fd_, SHUT_WR);
    return absl::OkStatus();
  }
  received_.append(buffer, static_cast<size_t>(got));
  size_t whole = received_.size();
  if (!authenticated_) RETURN_IF_ERROR(CheckMessages(whole));
  RETURN_IF_ERROR(Send(near_fd_, received_.data(), whole));
  received_.erase(0, whole);
  return absl::OkStatus();
}

absl::Status PasswordGuard::Send(int fd, const char* data, size_t size) {
  while (size > 0) {
    const ssize_t sent = ::send(fd, data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EINTR) continue;
    // Both directions carry some hundred bytes, and the other side's buffers are empty.
    if (sent < 0) return SystemTrouble("guarding a password");
    data += sent;
    size -= static_cast<size_t>(sent);
  }
  return absl::OkStatus();
}

absl::Status PasswordGuard::FromLibpq() {
  char buffer[8192];
  for (;;) {
    const ssize_t got = ::recv(near_fd_, buffer, sizeof(buffer), MSG_DONTWAIT);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return absl::OkStatus();
    RETURN_IF_ERROR(Send(server_fd_, buffer, static_cast<size_t>(got)));
  }
}

}  // namespace gatehouse::db

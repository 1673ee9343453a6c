#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace gatehouse::rpc {

// A name server on the loopback interface that gives every name the same answer. Thread-safe.
class TestDns {
 public:
  TestDns() : socket_(::socket(AF_INET, SOCK_DGRAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ::bind(socket_, reinterpret_cast<sockaddr*>(&address), size);
    ::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::jthread([this](std::stop_token stop) { Run(stop); });
  }
  ~TestDns() {
    thread_.request_stop();
    thread_.join();
    ::close(socket_);
  }

  // The addresses of every name from now on; none: names don't exist.
  void Set(std::vector<std::string> addresses) {
    std::lock_guard lock(mutex_);
    addresses_ = std::move(addresses);
    silent_ = false;
  }
  void FallSilent() {
    std::lock_guard lock(mutex_);
    silent_ = true;
  }
  // Questions for IPv4 addresses so far.
  int questions() const { return questions_; }
  // The target for a channel that resolves `host_and_port` here.
  std::string Target(std::string_view host_and_port) const {
    return "dns://127.0.0.1:" + std::to_string(port_) + "/" + std::string(host_and_port);
  }

 private:
  void Run(std::stop_token stop) {
    while (!stop.stop_requested()) {
      pollfd readable = {.fd = socket_, .events = POLLIN};
      if (::poll(&readable, 1, 20) <= 0) continue;
      char question[512];
      sockaddr_in from{};
      socklen_t size = sizeof from;
      const ssize_t length = ::recvfrom(socket_, question, sizeof question, 0,
                                        reinterpret_cast<sockaddr*>(&from), &size);
      if (length <= 0) continue;
      const std::string answer = Answer({question, static_cast<size_t>(length)});
      if (answer.empty()) continue;
      ::sendto(socket_, answer.data(), answer.size(), 0, reinterpret_cast<sockaddr*>(&from), size);
    }
  }

  // RFC 1035, section 4: a header of 12 bytes, the question's labels, its type and class.
  std::string Answer(std::string_view question) {
    const size_t end_of_name = question.find('\0', 12);
    if (end_of_name == std::string_view::npos || question.size() < end_of_name + 5) return "";
    const bool is_ipv4 = question[end_of_name + 2] == 1;
    std::lock_guard lock(mutex_);
    if (is_ipv4) ++questions_;
    if (silent_) return "";
    std::string records;
    for (const std::string& address : addresses_) {
      in_addr bytes{};
      ::inet_pton(AF_INET, address.c_str(), &bytes);
      // The question's name, an A record of the internet, which may not be kept, of four bytes.
      records += std::string("\xc0\x0c\0\1\0\1\0\0\0\0\0\4", 12);
      records.append(reinterpret_cast<const char*>(&bytes), sizeof bytes);
    }
    const char count = is_ipv4 ? static_cast<char>(addresses_.size()) : 0;
    const char no_such_name = addresses_.empty() ? 3 : 0;
    std::string answer(question.substr(0, 2));
    answer += {'\x81', static_cast<char>('\x80' | no_such_name), 0, 1, 0, count, 0, 0, 0, 0};
    answer += question.substr(12, end_of_name + 5 - 12);
    return is_ipv4 ? answer + records : answer;
  }

  const int socket_;
  int port_ = 0;
  std::mutex mutex_;
  std::vector<std::string> addresses_;
  bool silent_ = false;
  std::atomic<int> questions_ = 0;
  std::jthread thread_;
};

}  // namespace gatehouse::rpc

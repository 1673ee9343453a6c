#pragma once

// Internal to libs/http: how many connections are allowed, in total and per peer.

#include <atomic>
#include <boost/asio/ip/address.hpp>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace gatehouse::http {

// The peer that a connection counts for: an IPv4 address, or the /64 network of an IPv6 address,
// which one subscriber usually has.
std::string PeerOf(const boost::asio::ip::address& address);

// Thread-safe.
class ConnectionLimits {
 public:
  ConnectionLimits(int total, int per_peer) : total_(total), per_peer_(per_peer) {}

  // Counts a connection of `peer` ("": of no particular one); returns "" when it may be served,
  // else the limit that refuses it: "total" or "peer". A refused connection is not counted.
  std::string_view Enter(const std::string& peer);
  void Leave(const std::string& peer);

  // For connections from now on; those that are open stay.
  void Set(int total, int per_peer);

  // A connection was refused because of `why`: counts it, and logs it once a minute at most.
  void NoteRefusal(std::string_view why);
  int64_t refused() const { return refused_.load(std::memory_order_relaxed); }

 private:
  std::mutex mutex_;
  int total_;
  int per_peer_;
  int connections_ = 0;
  std::unordered_map<std::string, int> by_peer_;
  std::atomic<int64_t> refused_ = 0;
  int64_t logged_refused_ = 0;
  std::chrono::steady_clock::time_point next_log_;
};

}  // namespace gatehouse::http

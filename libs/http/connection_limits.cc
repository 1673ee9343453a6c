#include "libs/http/connection_limits.h"

#include <algorithm>

#include "libs/telemetry/log.h"

namespace gatehouse::http {

namespace ip = boost::asio::ip;

namespace {
constexpr std::chrono::minutes kBetweenLogLines{1};
}  // namespace

std::string PeerOf(const ip::address& address) {
  if (address.is_v4()) return address.to_string();
  if (address.to_v6().is_v4_mapped()) {
    return PeerOf(ip::make_address_v4(ip::v4_mapped, address.to_v6()));
  }
  ip::address_v6::bytes_type bytes = address.to_v6().to_bytes();
  std::fill(bytes.begin() + 8, bytes.end(), 0);
  return ip::address_v6(bytes).to_string();
}

std::string_view ConnectionLimits::Enter(const std::string& peer) {
  std::lock_guard lock(mutex_);
  if (connections_ >= total_) return "total";
  if (!peer.empty()) {
    int& count = by_peer_[peer];
    if (count >= per_peer_) return "peer";
    ++count;
  }
  ++connections_;
  return "";
}

void ConnectionLimits::Set(int total, int per_peer) {
  std::lock_guard lock(mutex_);
  total_ = total;
  per_peer_ = per_peer;
}

void ConnectionLimits::Leave(const std::string& peer) {
  std::lock_guard lock(mutex_);
  --connections_;
  if (const auto found = by_peer_.find(peer); found != by_peer_.end() && --found->second == 0) {
    by_peer_.erase(found);
  }
}

void ConnectionLimits::NoteRefusal(std::string_view why) {
  const int64_t refused = ++refused_;
  const auto now = std::chrono::steady_clock::now();
  std::lock_guard lock(mutex_);
  if (now < next_log_) return;
  telemetry::Log(telemetry::LogLevel::kWarn, "connections_refused",
                 {{"limit", why}, {"refused", refused - logged_refused_}, {"open", connections_}});
  logged_refused_ = refused;
  next_log_ = now + kBetweenLogLines;
}

}  // namespace gatehouse::http

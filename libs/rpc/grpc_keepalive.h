#pragma once

namespace gatehouse::rpc {

// Both sides of a connection ask whether the other is still there: a machine that vanished sends no
// FIN. The server takes pings of its peers twice as often as they send them.
inline constexpr int kKeepaliveTimeMs = 20000;
inline constexpr int kKeepaliveTimeoutMs = 5000;

}  // namespace gatehouse::rpc

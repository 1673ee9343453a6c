#pragma once

namespace gatehouse::rpc {

// Both sides of a connection ask whether the other is still there: a machine that vanished sends no
// FIN, and a process that watches tenants over that connection hears of no change until it watches
// another replica. The server takes pings of its peers twice as often as they send them.
inline constexpr int kKeepaliveTimeMs = 5000;
inline constexpr int kKeepaliveTimeoutMs = 5000;

}  // namespace gatehouse::rpc

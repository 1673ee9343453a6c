#pragma once

namespace gatehouse::rpc {

// Both sides of a connection check that the other is still alive: a machine that vanished sends no
// FIN, and a process that watches tenants over that connection gets no changes until it watches
// another replica. The server accepts pings from its peers twice as often as they send them.
inline constexpr int kKeepaliveTimeMs = 5000;
inline constexpr int kKeepaliveTimeoutMs = 5000;

}  // namespace gatehouse::rpc

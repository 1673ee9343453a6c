#pragma once

#include <memory>

#include "libs/rpc/service.h"

namespace gatehouse::host {

// The gateway's channel to a service: calls whose request has a `scope` without the stamp of the
// gateway's checks are refused with kInternal. A handler that makes a scope of its own would
// otherwise reach apps whose keys were not checked.
std::unique_ptr<rpc::Channel> MakeAdmittedChannel(std::unique_ptr<rpc::Channel> channel);

}  // namespace gatehouse::host

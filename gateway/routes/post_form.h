#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/api/reply.h"

namespace gatehouse::gateway {

// A page that has the browser post these fields to `action` (http or https) at once, or at the
// press of its button where there are no scripts. It may run its one script and send forms, and
// nothing else, in no frame; nobody keeps it. All texts are escaped. Thread-safe.
Reply PostFormReply(std::string_view action,
                    const std::vector<std::pair<std::string, std::string>>& fields);

}  // namespace gatehouse::gateway

#pragma once

#include <cstddef>
#include <optional>
#include <string>

namespace gatehouse {

// The file's bytes. nullopt when it can't be read or has more than `max_bytes`. Thread-safe.
std::optional<std::string> ReadFile(const std::string& path, size_t max_bytes);

}  // namespace gatehouse

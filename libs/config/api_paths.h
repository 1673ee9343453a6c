#pragma once

#include <string>
#include <vector>

namespace gatehouse::config {

// A comma separated list of API paths, as in admin_only_paths, each as "/a/b". Null: none.
std::vector<std::string> ReadApiPaths(const std::string* text);

}  // namespace gatehouse::config

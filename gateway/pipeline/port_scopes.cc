#include "gateway/pipeline/port_scopes.h"

#include <unordered_set>

#include "absl/strings/ascii.h"
#include "libs/base/problem.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"

namespace gatehouse::gateway {
namespace {

// The original's.
constexpr std::string_view kOnlyAdmin[] = {"/livez", "/global-request-stats"};
constexpr std::string_view kEither[] = {"/hello", "/ee/featureflag", "/ee/license"};

std::string Lower(std::string_view path) {
  return absl::AsciiStrToLower(absl::string_view(path.data(), path.size()));
}

}  // namespace

absl::StatusOr<PortScopes> PortScopes::Create(const RouteTable& routes,
                                              const std::vector<std::string>& only_admin,
                                              const std::vector<std::string>& either) {
  std::unordered_set<std::string> known;
  routes.ForEach([&](const Route& route) { known.insert(Lower(route.path)); });
  PortScopes scopes;
  for (const std::string_view path : kOnlyAdmin) scopes.scopes_[Lower(path)] = Scope::kAdmin;
  for (const std::string_view path : kEither) scopes.scopes_[Lower(path)] = Scope::kEither;
  for (const auto& [paths, scope] : {std::pair(&only_admin, Scope::kAdmin),
                                     std::pair(&either, Scope::kEither)}) {
    for (const std::string& path : *paths) {
      if (!known.contains(Lower(path))) {
        return BadInput(Problem::kCoreConfig,
                        StrCat("Route-scope override path '", path,
                               "' in 'admin_only_paths'/'admin_preferred_paths' does not match any "
                               "known API path."));
      }
      scopes.scopes_[Lower(path)] = scope;
    }
  }
  return scopes;
}

bool PortScopes::Answers(Port port, std::string_view path) const {
  const auto found = scopes_.find(Lower(path));
  const Scope scope = found == scopes_.end() ? Scope::kMain : found->second;
  return scope == Scope::kEither || (scope == Scope::kAdmin) == (port == Port::kAdmin);
}

}  // namespace gatehouse::gateway

#include "gateway/api/route_table.h"

#include <algorithm>
#include <array>
#include <functional>
#include <unordered_map>
#include <utility>

#include "absl/strings/ascii.h"
#include "libs/base/strings.h"

namespace gatehouse::gateway {
namespace {

// Words that are never a tenant's name in a path (formats.md 9.1).
constexpr std::array<std::string_view, 5> kReserved = {"recipe", "config", "users", "hello",
                                                       "public"};

bool IsReserved(std::string_view word) {
  return std::find(kReserved.begin(), kReserved.end(), word) != kReserved.end();
}

bool IsName(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

// The first segment of "/a/b", which is "a"; the rest is "/b" ("" at the end).
std::pair<std::string_view, std::string_view> SplitFirst(std::string_view path) {
  const size_t end = path.find('/', 1);
  if (end == std::string_view::npos) return {path.substr(1), ""};
  return {path.substr(1, end - 1), path.substr(end)};
}

std::string Normalise(std::string_view path) {
  std::string result(path);
  absl::AsciiStrToLower(&result);
  // One trailing slash belongs to a path, and a second one is accepted too.
  for (int i = 0; i < 2 && !result.empty() && result.back() == '/'; ++i) result.pop_back();
  return result;
}

}  // namespace

struct RouteTable::Index {
  // Lets views be looked up.
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  std::vector<std::unique_ptr<Route>> routes;
  std::unordered_map<std::string, std::array<const Route*, 4>, Hash, std::equal_to<>> by_path;
  absl::Status status;
};

RouteTable::RouteTable() : index_(std::make_unique<Index>()) {}
RouteTable::~RouteTable() = default;

void RouteTable::Add(Route route) {
  auto& slot = index_->by_path[Normalise(route.path)];
  index_->routes.push_back(std::make_unique<Route>(std::move(route)));
  const Route* added = index_->routes.back().get();
  const size_t method = static_cast<size_t>(added->method);
  if (slot[method] != nullptr) {
    Refuse(StrCat("two routes for ", kMethodNames[method], " ", added->path));
  }
  slot[method] = added;
}

absl::Status RouteTable::Check() const { return index_->status; }

void RouteTable::Refuse(std::string_view why) {
  index_->status.Update(absl::InternalError(absl::string_view(why.data(), why.size())));
}

void RouteTable::ForEach(const std::function<void(const Route&)>& visit) const {
  for (const auto& route : index_->routes) visit(*route);
}

std::optional<RouteTable::Match> RouteTable::Find(std::optional<HttpMethod> method,
                                                  std::string_view raw_path) const {
  const std::string path = Normalise(raw_path);
  // Names may be written in capitals in front of an operation, but not alone.
  const bool has_capitals =
      std::any_of(raw_path.begin(), raw_path.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
  const auto match = [&](std::string_view api_path, std::string_view app,
                         std::string_view tenant) -> std::optional<Match> {
    auto found = index_->by_path.find(api_path);
    if (found == index_->by_path.end()) return std::nullopt;
    if (api_path.empty() && has_capitals) return std::nullopt;
    const Route* route = nullptr;
    if (method) {
      route = found->second[static_cast<size_t>(*method)];
    }
    const Route* any = nullptr;
    for (const Route* candidate : found->second) {
      if (candidate != nullptr) any = candidate;
    }
    return Match{route, any, app.empty() ? "public" : std::string(app),
                 tenant.empty() ? "public" : std::string(tenant)};
  };
  if (auto exact = match(path, "", "")) return exact;
  if (path.empty() || path[0] != '/') return std::nullopt;
  std::string_view rest = path;
  std::string_view app;
  if (auto [first, after] = SplitFirst(rest); first.substr(0, 6) == "appid-" && IsName(first)) {
    app = first.substr(6);
    rest = after;
    // Without an id it means the public app, but only in front of an operation.
    if (rest.empty() && app.empty()) return std::nullopt;
    if (auto found = match(rest, app, "")) return found;
    if (rest.empty()) return std::nullopt;
  }
  auto [tenant, api_path] = SplitFirst(rest);
  if (tenant.empty() || !IsName(tenant)) return std::nullopt;
  // No tenant can have these names, and paths with them in a tenant's place are unknown.
  if (IsReserved(tenant) && tenant != "public") return std::nullopt;
  return match(api_path, app, tenant);
}

}  // namespace gatehouse::gateway

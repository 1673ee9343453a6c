#pragma once

#include <cstddef>
#include <string_view>

#include "absl/hash/hash.h"
#include "absl/strings/string_view.h"

namespace gatehouse {

// Whose a piece of work is, where several share what runs it: see FairQueue. A number, since it is
// only compared; two tenants whose numbers are the same share what is one's. Another process has
// other numbers.
using Owner = size_t;

// Work that is no tenant's, such as a job's.
inline constexpr Owner kNobody = 0;

inline Owner OwnerOf(std::string_view connection_uri_domain, std::string_view app_id,
                     std::string_view tenant_id) {
  const auto text = [](std::string_view part) {
    return absl::string_view(part.data(), part.size());
  };
  return absl::HashOf(text(connection_uri_domain), text(app_id), text(tenant_id));
}

// While one lives, the calling thread works for `owner`: what it has others do is that owner's too.
// Nests.
class OwnerScope {
 public:
  explicit OwnerScope(Owner owner);
  ~OwnerScope();
  OwnerScope(const OwnerScope&) = delete;
  OwnerScope& operator=(const OwnerScope&) = delete;

  static Owner Current();

 private:
  const Owner before_;
};

}  // namespace gatehouse

#pragma once

#include <span>

#include "absl/status/status.h"
#include "gatehouse/tenants/v1/third_party_provider.pb.h"

namespace gatehouse::tenants {

// BAD_INPUT, beginning with `Invalid third party config: `, unless every provider is complete and
// no id or client type comes twice.
absl::Status CheckProviders(std::span<const v1::ThirdPartyProvider> providers);

// Checks what the tables require, even for a provider that is stored without the checks above.
absl::Status CheckStorable(const v1::ThirdPartyProvider& provider);

}  // namespace gatehouse::tenants

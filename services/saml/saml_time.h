#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gatehouse::saml {

// An xs:dateTime as milliseconds since 1970; without a zone it is UTC, as SAML demands. nullopt if
// it is none.
std::optional<int64_t> ReadTime(std::string_view text);

// "2026-11-29T12:00:00.000Z".
std::string WriteTime(int64_t ms);

}  // namespace gatehouse::saml

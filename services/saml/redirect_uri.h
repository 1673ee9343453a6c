#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace gatehouse::saml {

// As browsers send forms: letters, digits and `.-*_` stay, a blank is `+`.
std::string FormEncode(std::string_view text);

// Where the browser goes with its code: `uri` with `code` and `state` in its query, as the original
// puts it together. That takes the parts of the URI apart, decodes them, and quotes what a URI
// can't have, percent signs among it; so the state, which is encoded already, is quoted twice.
// nullopt: `uri` is none.
std::optional<std::string> RedirectWithCode(std::string_view uri, std::string_view code,
                                            const std::optional<std::string>& state);

// `location` with `query` in its query.
std::string WithQuery(std::string_view location, std::string_view query);

}  // namespace gatehouse::saml

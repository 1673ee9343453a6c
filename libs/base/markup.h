#pragma once

#include <string>
#include <string_view>

namespace gatehouse {

// Text as HTML and XML have it, between tags or as an attribute's value in quotes. White space is
// escaped too, since an attribute's is changed by whoever reads XML. Control characters that no XML
// can hold are left as they are. Thread-safe.
std::string EscapeMarkup(std::string_view text);

}  // namespace gatehouse

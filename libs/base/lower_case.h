#pragma once

#include <string>
#include <string_view>

namespace gatehouse {

// `text` (UTF-8) in lower case like Java's String.toLowerCase in the root locale, since emails
// stored by a Java core must be found again: the full case mapping of Unicode, and at the end of a
// word the final form of sigma, with Java's notion of a word, which is not Unicode's.
std::string LowerCase(std::string_view text);

}  // namespace gatehouse

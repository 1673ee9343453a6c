#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace gatehouse::gateway {

// The order in which clients have always seen the members of a set: that of the original's hash
// table of UTF-16 strings. Clients treat the first of a user's emails as "the" email, so the order
// matters to them. Source: the documented String.hashCode and the published behaviour of
// java.util.HashSet (16 buckets, doubled beyond three quarters; one bucket in order of arrival).

// Positions of `members`, which are distinct, in that order.
std::vector<size_t> HashOrder(const std::vector<std::string>& members);

// The members themselves in that order.
std::vector<std::string> InHashOrder(std::vector<std::string> members);

}  // namespace gatehouse::gateway

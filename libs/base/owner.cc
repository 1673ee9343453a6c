#include "libs/base/owner.h"

#include <utility>

namespace gatehouse {
namespace {

thread_local Owner current = kNobody;

}  // namespace

OwnerScope::OwnerScope(Owner owner) : before_(std::exchange(current, owner)) {}

OwnerScope::~OwnerScope() { current = before_; }

Owner OwnerScope::Current() { return current; }

}  // namespace gatehouse

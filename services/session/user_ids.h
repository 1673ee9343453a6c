#pragma once

#include <string>
#include <vector>

namespace gatehouse::session {

// The meaning of a user id. If no user has the id, every member is that id.
struct UserIds {
  std::string recipe_user_id;               // external form where mapped
  std::string user_id;                      // the primary user's, external form where mapped
  std::string supertokens_user_id;          // internal form of the login method
  std::string primary_supertokens_user_id;  // internal form of user_id
  // Of the other login methods of the primary user, external form where mapped.
  std::vector<std::string> linked_recipe_user_ids;
  std::string database_tenant_id;  // a tenant in whose database the user is; empty: no such user

  // Of an id that no user has.
  static UserIds OfNobody(const std::string& id) { return {id, id, id, id, {}, ""}; }
};

}  // namespace gatehouse::session

#include "services/users/registry/pg_identity_rows.h"

namespace gatehouse::users {

db::Params RegisterParams(const Where& scope, const NewIdentity& user,
                          const std::vector<IdentityRow>& rows) {
  db::TextArray types, values, third_parties, third_party_users;
  for (const IdentityRow& row : rows) {
    types.values.push_back(row.info.type);
    values.values.push_back(row.info.value);
    third_parties.values.push_back(row.third_party.id);
    third_party_users.values.push_back(row.third_party.user_id);
  }
  return {scope.app_id(),      scope.tenant_id(),   user.user_id, user.identity.recipe_id,
          user.time_joined_ms, user.email_verified, types,        values,
          third_parties,       third_party_users};
}

}  // namespace gatehouse::users

#include "services/users/backfill/pg_phone_numbers.h"

#include <string>

#include "libs/base/contact_info.h"
#include "libs/base/status.h"

namespace gatehouse::users {
namespace {

// passwordless_users_pkey.
constexpr db::Statement kOdd = {
    "backfill_odd_phones",
    "SELECT p.app_id, p.user_id, p.phone_number "
    "FROM unnest($1::varchar[], $2::bpchar[]) AS given(app_id, user_id) "
    "JOIN {passwordless_users} p ON p.app_id = given.app_id AND p.user_id = given.user_id "
    "WHERE p.phone_number ~ '[^+0-9]'"};
constexpr db::Statement kSet = {
    "backfill_set_phone",
    "UPDATE {passwordless_users} SET phone_number = $3 WHERE app_id = $1 AND user_id = $2"};
// The table that a core before 12.0 reads; in it the number may already be another user's.
constexpr db::Statement kSetInTenants = {
    "backfill_set_tenant_phone",
    "UPDATE {passwordless_user_to_tenant} t SET phone_number = $3 "
    "WHERE t.app_id = $1 AND t.user_id = $2 AND NOT EXISTS ("
    "  SELECT 1 FROM {passwordless_user_to_tenant} o WHERE o.app_id = t.app_id "
    "  AND o.tenant_id = t.tenant_id AND o.phone_number = $3)"};

}  // namespace

absl::Status NormalisePhoneNumbers(db::Transaction& transaction, const db::TextArray& apps,
                                   const db::TextArray& users) {
  ASSIGN_OR_RETURN(const db::Result odd, transaction.Execute(kOdd, {apps, users}));
  for (const db::Row row : odd) {
    const std::string number = NormalisePhoneNumber(row.Text(2));
    if (number == row.Text(2)) continue;
    const db::Params params = {row.Text(0), row.Trimmed(1), number};
    RETURN_IF_ERROR(transaction.Execute(kSet, params).status());
    RETURN_IF_ERROR(transaction.Execute(kSetInTenants, params).status());
  }
  return absl::OkStatus();
}

}  // namespace gatehouse::users

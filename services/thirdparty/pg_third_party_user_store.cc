#include "services/thirdparty/pg_third_party_user_store.h"

#include "libs/base/status.h"
#include "libs/db/database.h"

namespace gatehouse::thirdparty {
namespace {

using db::Statement;

// By thirdparty_users_pkey. Reads first, because nearly every sign-in finds the row correct, and
// reading it costs no write. xmax is 0 in a new row.
constexpr Statement kSaveUser = {
    "thirdparty_save_user",
    "WITH same AS ("
    "  SELECT user_id FROM {thirdparty_users} WHERE app_id = $1 AND user_id = $2 AND email = $5"
    ") INSERT INTO {thirdparty_users}"
    "  (app_id, user_id, third_party_id, third_party_user_id, email, time_joined)"
    " SELECT $1, $2, $3, $4, $5, $6 WHERE NOT EXISTS (SELECT user_id FROM same)"
    " ON CONFLICT (app_id, user_id) DO UPDATE SET email = EXCLUDED.email"
    " RETURNING xmax <> 0"};

// By thirdparty_users_pkey.
constexpr Statement kImportUsers = {
    "thirdparty_import_users",
    "INSERT INTO {thirdparty_users}"
    "  (app_id, user_id, third_party_id, third_party_user_id, email, time_joined)"
    " SELECT $1::varchar, u.id, u.tp, u.tp_user, u.email, u.joined"
    " FROM unnest($2::bpchar[], $3::varchar[], $4::varchar[], $5::varchar[], $6::bigint[])"
    "   AS u(id, tp, tp_user, email, joined) ORDER BY u.id ON CONFLICT DO NOTHING"};

// By thirdparty_users_pkey.
constexpr Statement kRemoveUser = {
    "thirdparty_remove_user", "DELETE FROM {thirdparty_users} WHERE app_id = $1 AND user_id = $2"};

}  // namespace

absl::StatusOr<SaveOutcome> PgThirdPartyUserStore::SaveUser(const Where& where,
                                                            const ThirdPartyUser& user) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*where.tenant));
  const absl::StatusOr<db::Result> result =
      database->Execute(where.deadline, kSaveUser,
                        {where.app_id(), user.user_id, user.third_party_id,
                         user.third_party_user_id, user.email, user.time_joined_ms});
  if (db::ViolatesConstraint(result.status(), "thirdparty_users_user_id_fkey")) {
    return SaveOutcome::kUnknownUser;
  }
  RETURN_IF_ERROR(result.status());
  const bool changed = !result->empty() && result->front().Bool(0);
  return changed ? SaveOutcome::kEmailChanged : SaveOutcome::kSaved;
}

absl::Status PgThirdPartyUserStore::ImportUsers(const Where& where,
                                                const std::vector<ThirdPartyUser>& users) {
  if (users.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*where.tenant));
  db::TextArray ids, third_parties, third_party_users, emails, joined;
  for (const ThirdPartyUser& user : users) {
    ids.values.push_back(user.user_id);
    third_parties.values.push_back(user.third_party_id);
    third_party_users.values.push_back(user.third_party_user_id);
    emails.values.push_back(user.email);
    joined.values.push_back(std::to_string(user.time_joined_ms));
  }
  const absl::Status status =
      database
          ->Execute(where.deadline, kImportUsers,
                    {where.app_id(), ids, third_parties, third_party_users, emails, joined})
          .status();
  if (!db::ViolatesConstraint(status, "thirdparty_users_user_id_fkey")) return status;
  for (const ThirdPartyUser& user : users) RETURN_IF_ERROR(SaveUser(where, user).status());
  return absl::OkStatus();
}

absl::Status PgThirdPartyUserStore::RemoveUser(const Where& where, std::string_view user_id) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*where.tenant));
  return database->Execute(where.deadline, kRemoveUser, {where.app_id(), user_id}).status();
}

}  // namespace gatehouse::thirdparty

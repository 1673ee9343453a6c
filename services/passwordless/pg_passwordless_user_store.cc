#include "services/passwordless/pg_passwordless_user_store.h"

#include "libs/base/status.h"
#include "libs/db/database.h"

namespace gatehouse::passwordless {
namespace {

using db::Statement;

// By passwordless_users_pkey. Reads first, because nearly every sign-in finds the row correct, and
// reading it costs no write. xmax is 0 in a new row. The row is looked for by its key alone: with the
// contacts among the conditions, PostgreSQL was seen to plan anew for each user.
constexpr Statement kSaveUser = {
    "passwordless_save_user",
    "INSERT INTO {passwordless_users} (app_id, user_id, email, phone_number, time_joined)"
    " SELECT $1::varchar, $2::bpchar, $3::varchar, $4::varchar, $5::bigint"
    "  WHERE (SELECT u.email IS NOT DISTINCT FROM $3::varchar"
    "    AND u.phone_number IS NOT DISTINCT FROM $4::varchar FROM {passwordless_users} u"
    "    WHERE u.app_id = $1::varchar AND u.user_id = $2::bpchar) IS NOT TRUE"
    " ON CONFLICT (app_id, user_id) DO UPDATE"
    "  SET email = EXCLUDED.email, phone_number = EXCLUDED.phone_number"
    " RETURNING xmax <> 0"};

// By passwordless_users_pkey. An empty text is a contact that the user has not.
constexpr Statement kImportUsers = {
    "passwordless_import_users",
    "INSERT INTO {passwordless_users} (app_id, user_id, email, phone_number, time_joined)"
    " SELECT $1::varchar, u.id, NULLIF(u.email, ''), NULLIF(u.phone, ''), u.joined"
    " FROM unnest($2::bpchar[], $3::varchar[], $4::varchar[], $5::bigint[])"
    "   AS u(id, email, phone, joined) ORDER BY u.id ON CONFLICT DO NOTHING"};

// By passwordless_users_pkey.
constexpr Statement kRemoveUser = {
    "passwordless_remove_user",
    "DELETE FROM {passwordless_users} WHERE app_id = $1 AND user_id = $2"};

}  // namespace

absl::StatusOr<SaveOutcome> PgPasswordlessUserStore::SaveUser(const Where& where,
                                                              const PasswordlessUser& user) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*where.tenant));
  const absl::StatusOr<db::Result> result = database->Execute(
      where.deadline, kSaveUser,
      {where.app_id(), user.user_id, user.email, user.phone_number, user.time_joined_ms});
  if (db::ViolatesConstraint(result.status(), "passwordless_users_user_id_fkey")) {
    return SaveOutcome::kUnknownUser;
  }
  RETURN_IF_ERROR(result.status());
  const bool changed = !result->empty() && result->front().Bool(0);
  return changed ? SaveOutcome::kContactChanged : SaveOutcome::kSaved;
}

absl::Status PgPasswordlessUserStore::ImportUsers(const Where& where,
                                                  const std::vector<PasswordlessUser>& users) {
  if (users.empty()) return absl::OkStatus();
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*where.tenant));
  db::TextArray ids, emails, phones, joined;
  for (const PasswordlessUser& user : users) {
    ids.values.push_back(user.user_id);
    emails.values.push_back(user.email.value_or(""));
    phones.values.push_back(user.phone_number.value_or(""));
    joined.values.push_back(std::to_string(user.time_joined_ms));
  }
  const absl::Status status = database
                                  ->Execute(where.deadline, kImportUsers,
                                            {where.app_id(), ids, emails, phones, joined})
                                  .status();
  if (!db::ViolatesConstraint(status, "passwordless_users_user_id_fkey")) return status;
  for (const PasswordlessUser& user : users) RETURN_IF_ERROR(SaveUser(where, user).status());
  return absl::OkStatus();
}

absl::Status PgPasswordlessUserStore::RemoveUser(const Where& where, std::string_view user_id) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*where.tenant));
  return database->Execute(where.deadline, kRemoveUser, {where.app_id(), user_id}).status();
}

}  // namespace gatehouse::passwordless

#include "services/webauthn/pg_credential_store.h"

#include "absl/functional/function_ref.h"
#include "libs/base/status.h"
#include "libs/db/database.h"

namespace gatehouse::webauthn {
namespace {

using db::Statement;

// In all: $1 app. The first waits for the user's row in the registry, by its foreign key.
constexpr Statement kAddUser = {
    "webauthn_add_user",
    "INSERT INTO {webauthn_users} (app_id, user_id, email, rp_id, time_joined)"
    " VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING"};

// By webauthn_credentials_user_id_index and webauthn_credentials_pkey. Registrations at once may
// exceed the limit by their number.
constexpr Statement kAddCredential = {
    "webauthn_add_credential",
    "INSERT INTO {webauthn_credentials} (app_id, rp_id, id, user_id, counter, public_key,"
    "  transports, created_at, updated_at)"
    " SELECT $1::varchar, $2::varchar, $3::varchar, $4::bpchar, $5::bigint, $6::bytea, $7::text,"
    "  $8::bigint, $8::bigint"
    " WHERE (SELECT count(*) FROM {webauthn_credentials} c"
    "   WHERE c.app_id = $1::varchar AND c.user_id = $4::bpchar) < $9::bigint"
    " ON CONFLICT DO NOTHING"};

// $2 tenant, $3 id. By webauthn_generated_options_pkey.
constexpr Statement kUseUp = {
    "webauthn_use_up_options",
    "DELETE FROM {webauthn_generated_options} WHERE app_id = $1 AND tenant_id = $2 AND id = $3"};

// The columns of a Credential. By webauthn_credentials_pkey, or webauthn_credentials_user_id_index.
#define GATEHOUSE_CREDENTIAL_SQL                                                       \
  "SELECT id, rp_id, user_id, public_key, transports, counter, created_at, updated_at" \
  " FROM {webauthn_credentials} WHERE app_id = $1"
constexpr Statement kFind = {"webauthn_find_credential",
                             GATEHOUSE_CREDENTIAL_SQL " AND rp_id = $2 AND id = $3"};
constexpr Statement kListOfUser = {"webauthn_list_credentials", GATEHOUSE_CREDENTIAL_SQL
                                   " AND user_id = $2 AND ($3::varchar IS NULL OR id = $3::varchar)"
                                   " ORDER BY created_at, rp_id, id"};

// $2 relying party, $3 id, $4 user, $5 key: those of the passkey that was verified. $6 counter. A
// counter that others have raised meanwhile must still be below.
constexpr Statement kCount = {
    "webauthn_count_sign_in",
    "UPDATE {webauthn_credentials} SET counter = $6::bigint, updated_at = $7::bigint"
    " WHERE app_id = $1::varchar AND rp_id = $2::varchar AND id = $3::varchar"
    "  AND user_id = $4::bpchar AND public_key = $5::bytea"
    "  AND (counter < $6::bigint OR (counter = 0 AND $6::bigint = 0))"};

constexpr Statement kRemove = {
    "webauthn_remove_credential",
    "DELETE FROM {webauthn_credentials} WHERE app_id = $1 AND user_id = $2 AND id = $3"};

// By webauthn_users_pkey. Credentials go with their user, by a foreign key.
constexpr Statement kSetEmail = {
    "webauthn_set_email",
    "UPDATE {webauthn_users} SET email = $3 WHERE app_id = $1 AND user_id = $2"};
constexpr Statement kRemoveUser = {
    "webauthn_remove_user", "DELETE FROM {webauthn_users} WHERE app_id = $1 AND user_id = $2"};

Credential ReadCredential(const db::Row& row) {
  Credential credential;
  credential.id = std::string(row.Text(0));
  credential.rp_id = std::string(row.Text(1));
  credential.user_id = std::string(row.Trimmed(2));
  credential.attested = row.Bytes(3);
  credential.transports = std::string(row.Text(4));
  credential.counter = row.Int64(5);
  credential.created_at_ms = row.Int64(6);
  credential.updated_at_ms = row.Int64(7);
  return credential;
}

// Runs a transaction whose body says how it ended, and which is kept only if that is kSaved.
template <typename Outcome>
absl::StatusOr<Outcome> TransactIf(
    db::Database& database, absl::Time deadline, Outcome success,
    absl::FunctionRef<absl::StatusOr<Outcome>(db::Transaction&)> body) {
  Outcome outcome = success;
  const absl::Status status =
      database.Transact(deadline, [&](db::Transaction& transaction) -> absl::Status {
        outcome = success;
        ASSIGN_OR_RETURN(outcome, body(transaction));
        return outcome == success ? absl::OkStatus() : absl::CancelledError();
      });
  if (!status.ok() && outcome == success) return status;
  return outcome;
}

// Whether the options were there, or none are to be used up.
absl::StatusOr<bool> UseUp(db::Transaction& transaction, const Where& where,
                           std::string_view options_id) {
  if (options_id.empty()) return true;
  ASSIGN_OR_RETURN(const db::Result used,
                   transaction.Execute(kUseUp, {where.app_id(), where.tenant_id(), options_id}));
  return used.affected() > 0;
}

absl::StatusOr<SaveOutcome> AddCredentialIn(db::Transaction& transaction, const Where& where,
                                            const Credential& credential, std::string_view use_up) {
  const absl::StatusOr<db::Result> added = transaction.Execute(
      kAddCredential, {where.app_id(), credential.rp_id, credential.id, credential.user_id,
                       credential.counter, db::Bytes{credential.attested}, credential.transports,
                       credential.created_at_ms, kMaxCredentials});
  if (db::ViolatesConstraint(added.status(), "webauthn_credentials_user_id_fkey")) {
    return SaveOutcome::kUnknownUser;
  }
  RETURN_IF_ERROR(added.status());
  if (added->affected() == 0) {
    ASSIGN_OR_RETURN(const db::Result taken,
                     transaction.Execute(kFind, {where.app_id(), credential.rp_id, credential.id}));
    return taken.empty() ? SaveOutcome::kTooMany : SaveOutcome::kCredentialTaken;
  }
  ASSIGN_OR_RETURN(const bool used, UseUp(transaction, where, use_up));
  return used ? SaveOutcome::kSaved : SaveOutcome::kOptionsGone;
}

}  // namespace

absl::StatusOr<SaveOutcome> PgCredentialStore::AddUser(const Where& where, const PasskeyUser& user,
                                                       const Credential& credential,
                                                       std::string_view use_up) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*where.tenant));
  return TransactIf<SaveOutcome>(
      *database, where.deadline, SaveOutcome::kSaved,
      [&](db::Transaction& transaction) -> absl::StatusOr<SaveOutcome> {
        const absl::StatusOr<db::Result> added = transaction.Execute(
            kAddUser, {where.app_id(), user.user_id, user.email, user.rp_id, user.time_joined_ms});
        if (db::ViolatesConstraint(added.status(), "webauthn_users_user_id_fkey")) {
          return SaveOutcome::kUnknownUser;
        }
        RETURN_IF_ERROR(added.status());
        if (added->affected() == 0) return SaveOutcome::kUserTaken;
        return AddCredentialIn(transaction, where, credential, use_up);
      });
}

absl::StatusOr<SaveOutcome> PgCredentialStore::AddCredential(const Where& where,
                                                             const Credential& credential,
                                                             std::string_view use_up) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*where.tenant));
  return TransactIf<SaveOutcome>(*database, where.deadline, SaveOutcome::kSaved,
                                 [&](db::Transaction& transaction) {
                                   return AddCredentialIn(transaction, where, credential, use_up);
                                 });
}

absl::StatusOr<CountOutcome> PgCredentialStore::CountSignIn(const Where& where,
                                                            const Credential& credential,
                                                            int64_t counter, int64_t now_ms,
                                                            std::string_view use_up) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*where.tenant));
  const db::Params params = {where.app_id(),
                             credential.rp_id,
                             credential.id,
                             credential.user_id,
                             db::Bytes{credential.attested},
                             counter,
                             now_ms};
  if (use_up.empty()) {
    ASSIGN_OR_RETURN(const db::Result counted, database->Execute(where.deadline, kCount, params));
    return counted.affected() > 0 ? CountOutcome::kCounted : CountOutcome::kCredentialChanged;
  }
  return TransactIf<CountOutcome>(
      *database, where.deadline, CountOutcome::kCounted,
      [&](db::Transaction& transaction) -> absl::StatusOr<CountOutcome> {
        ASSIGN_OR_RETURN(const db::Result counted, transaction.Execute(kCount, params));
        if (counted.affected() == 0) return CountOutcome::kCredentialChanged;
        ASSIGN_OR_RETURN(const bool used, UseUp(transaction, where, use_up));
        return used ? CountOutcome::kCounted : CountOutcome::kOptionsGone;
      });
}

absl::StatusOr<std::optional<Credential>> PgCredentialStore::Find(const Where& where,
                                                                  std::string_view rp_id,
                                                                  std::string_view id) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*where.tenant));
  ASSIGN_OR_RETURN(const db::Result rows,
                   database->Execute(where.deadline, kFind, {where.app_id(), rp_id, id}));
  if (rows.empty()) return std::nullopt;
  return ReadCredential(rows.front());
}

absl::StatusOr<std::vector<Credential>> PgCredentialStore::ListOfUser(
    const Where& where, std::string_view user_id, std::optional<std::string_view> id) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*where.tenant));
  ASSIGN_OR_RETURN(const db::Result rows,
                   database->Execute(where.deadline, kListOfUser, {where.app_id(), user_id, id}));
  std::vector<Credential> credentials;
  for (const db::Row row : rows) credentials.push_back(ReadCredential(row));
  return credentials;
}

absl::StatusOr<bool> PgCredentialStore::Remove(const Where& where, std::string_view user_id,
                                               std::string_view id) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*where.tenant));
  ASSIGN_OR_RETURN(const db::Result rows,
                   database->Execute(where.deadline, kRemove, {where.app_id(), user_id, id}));
  return rows.affected() > 0;
}

absl::StatusOr<bool> PgCredentialStore::SetEmail(const Where& where, std::string_view user_id,
                                                 std::string_view email) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*where.tenant));
  ASSIGN_OR_RETURN(const db::Result rows,
                   database->Execute(where.deadline, kSetEmail, {where.app_id(), user_id, email}));
  return rows.affected() > 0;
}

absl::Status PgCredentialStore::RemoveUser(const Where& where, std::string_view user_id) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*where.tenant));
  return database->Execute(where.deadline, kRemoveUser, {where.app_id(), user_id}).status();
}

}  // namespace gatehouse::webauthn

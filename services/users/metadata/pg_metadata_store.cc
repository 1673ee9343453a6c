#include "services/users/metadata/pg_metadata_store.h"

#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/db/database.h"
#include "services/users/registry/pg_both_generations.h"
#include "services/users/registry/pg_user_store.h"

namespace gatehouse::users {
namespace {

// In all statements: the primary key of user_metadata.
constexpr db::Statement kFind = {
    "metadata_find",
    "SELECT m.user_metadata FROM unnest((SELECT $2::varchar[])) WITH ORDINALITY AS given(id, place)"
    " LEFT JOIN {user_metadata} m ON m.app_id = $1::varchar AND m.user_id = given.id"
    " ORDER BY given.place"};

// Creates the row if there is none, and locks it either way.
constexpr db::Statement kLock = {
    "metadata_lock",
    "INSERT INTO {user_metadata} AS kept (app_id, user_id, user_metadata) VALUES ($1, $2, '{}')"
    " ON CONFLICT (app_id, user_id) DO UPDATE SET user_metadata = kept.user_metadata"
    " RETURNING user_metadata"};

constexpr db::Statement kReplace = {
    "metadata_replace",
    "UPDATE {user_metadata} SET user_metadata = $3 WHERE app_id = $1 AND user_id = $2"};

constexpr db::Statement kDelete = {
    "metadata_delete", "DELETE FROM {user_metadata} WHERE app_id = $1 AND user_id = $2"};

}  // namespace

absl::StatusOr<std::vector<std::optional<std::string>>> PgMetadataStore::Find(
    const Where& scope, const std::vector<std::string>& user_ids) {
  ASSIGN_OR_RETURN(db::Database * db, databases_.Of(*scope.tenant));
  ASSIGN_OR_RETURN(db::Result result,
                   db->Execute(scope.deadline, kFind, {scope.app_id(), db::TextArray{user_ids}}));
  std::vector<std::optional<std::string>> found;
  found.reserve(user_ids.size());
  for (const db::Row row : result) found.push_back(row.OptText(0));
  return found;
}

absl::StatusOr<std::string> PgMetadataStore::Change(
    const Where& scope, std::string_view user_id,
    absl::FunctionRef<absl::StatusOr<std::string>(std::string_view current)> change) {
  ASSIGN_OR_RETURN(db::Database * db, databases_.Of(*scope.tenant));
  std::string changed;
  absl::Status status =
      db->Transact(scope.deadline, [&](db::Transaction& transaction) -> absl::Status {
        RETURN_IF_ERROR(
            LockForOlderCores(transaction, scope, StrCat(scope.app_id(), "~", user_id)));
        ASSIGN_OR_RETURN(db::Result locked, transaction.Execute(kLock, {scope.app_id(), user_id}));
        ASSIGN_OR_RETURN(changed, change(locked.front().Text(0)));
        return transaction.Execute(kReplace, {scope.app_id(), user_id, changed}).status();
      });
  if (!status.ok()) return TenantGone(scope, std::move(status));
  return changed;
}

absl::Status PgMetadataStore::Delete(const Where& scope, std::string_view user_id) {
  ASSIGN_OR_RETURN(db::Database * db, databases_.Of(*scope.tenant));
  return db->Execute(scope.deadline, kDelete, {scope.app_id(), user_id}).status();
}

}  // namespace gatehouse::users

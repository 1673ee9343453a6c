#include "services/accounts/bulkimport/pg_bulk_import_store.h"

#include <limits>

#include "libs/base/status.h"
#include "libs/db/database.h"
#include "services/accounts/bulkimport/bulk_user.h"

namespace gatehouse::accounts {
namespace {

using db::Statement;

// In memory at once, and in one reply.
constexpr int64_t kMaxTakenBytes = 4 << 20;

constexpr Statement kAdd = {
    "bulk_import_add",
    "INSERT INTO {bulk_import_users} (id, app_id, raw_data, created_at, updated_at)"
    " SELECT u.id, $1::varchar, u.data, $4::bigint, $4::bigint"
    " FROM unnest($2::bpchar[], $3::text[]) AS u(id, data)"};

#define GATEHOUSE_NOW_MS_SQL "(extract(epoch FROM clock_timestamp()) * 1000)::bigint"

constexpr Statement kBegin = {
    "bulk_import_begin",
    "INSERT INTO {bulk_import_users} (id, app_id, raw_data, status, created_at, updated_at)"
    " VALUES ($2, $1, $3, 'PROCESSING', $4, " GATEHOUSE_NOW_MS_SQL " + $5::bigint)"};

// $4 limit, $5 bytes: users beyond them come without their data.
#define GATEHOUSE_WAITING_SQL(STATUS)                                                            \
  "SELECT id, CASE WHEN total - bytes < $5::bigint THEN raw_data END, status, primary_user_id,"  \
  "  error_msg, created_at, updated_at"                                                          \
  " FROM (SELECT page.*, octet_length(raw_data) AS bytes,"                                       \
  "   sum(octet_length(raw_data)) OVER (ORDER BY created_at DESC, id DESC) AS total"             \
  "  FROM (SELECT id, raw_data, status, primary_user_id, error_msg, created_at, updated_at"      \
  "   FROM {bulk_import_users} WHERE app_id = $1"                                                \
  "    AND (created_at, id) <= ($2::bigint, $3::bpchar)" STATUS                                  \
  "   ORDER BY created_at DESC, id DESC LIMIT $4) page) summed ORDER BY created_at DESC, id DESC"

// By bulk_import_users_pagination_index2.
constexpr Statement kList = {"bulk_import_list", GATEHOUSE_WAITING_SQL("")};
// $6 status. By bulk_import_users_pagination_index1.
constexpr Statement kListOfStatus = {"bulk_import_list_of_status",
                                     GATEHOUSE_WAITING_SQL(" AND status = $6")};

// By bulk_import_users_status_updated_at_index.
constexpr Statement kCount = {"bulk_import_count",
                              "SELECT count(*) FROM {bulk_import_users} WHERE app_id = $1"};
constexpr Statement kCountOfStatus = {
    "bulk_import_count_of_status",
    "SELECT count(*) FROM {bulk_import_users} WHERE app_id = $1 AND status = $2"};

// Rows are locked in the order of ids.
constexpr Statement kRemove = {
    "bulk_import_remove",
    "WITH held AS MATERIALIZED (SELECT id FROM {bulk_import_users} WHERE app_id = $1::varchar"
    "  AND id = ANY($2::bpchar[]) ORDER BY id FOR UPDATE)"
    " DELETE FROM {bulk_import_users} b USING held WHERE b.app_id = $1::varchar AND b.id = held.id"
    " RETURNING b.id"};

// From app to app by the primary key, whatever the number of rows;
// bulk_import_users_status_updated_at_index. $1 whether new users count, $2 pattern of others.
constexpr Statement kAppsThatWait = {
    "bulk_import_apps",
    "WITH RECURSIVE app(id) AS ("
    "  (SELECT b.app_id FROM {bulk_import_users} b ORDER BY b.app_id LIMIT 1)"
    "  UNION ALL SELECT (SELECT b.app_id FROM {bulk_import_users} b WHERE b.app_id > app.id"
    "   ORDER BY b.app_id LIMIT 1) FROM app WHERE app.id IS NOT NULL)"
    " SELECT a.id, a.since <= " GATEHOUSE_NOW_MS_SQL
    " FROM (SELECT app.id, CASE WHEN $1::boolean AND (SELECT 1 FROM {bulk_import_users} b"
    "    WHERE b.app_id = app.id AND b.status = 'NEW' LIMIT 1) IS NOT NULL THEN 0"
    "   ELSE (SELECT b.updated_at FROM {bulk_import_users} b WHERE b.app_id = app.id"
    "    AND b.status = 'PROCESSING' AND b.raw_data LIKE $2::text ORDER BY b.updated_at LIMIT 1)"
    "   END AS since FROM app WHERE app.id IS NOT NULL) a WHERE a.since IS NOT NULL"};

// $2 status, $3 changed then or later, $4 limit, $5 bytes, $6 ids that are left out, $7 pattern. A
// request's time for a user that is PROCESSING must be over. Users that are too many for the bytes
// stay locked until the transaction ends, and are taken by the next.
// bulk_import_users_status_updated_at_index; the primary key.
constexpr Statement kTake = {
    "bulk_import_take",
    "WITH held AS MATERIALIZED (SELECT id, updated_at, octet_length(raw_data)::bigint AS bytes"
    "   FROM {bulk_import_users} WHERE app_id = $1::varchar AND status = $2::varchar"
    "    AND updated_at >= $3::bigint AND id <> ALL($6::bpchar[]) AND raw_data LIKE $7::text"
    "    AND ($2::varchar <> 'PROCESSING' OR updated_at <= " GATEHOUSE_NOW_MS_SQL ")"
    "   ORDER BY updated_at LIMIT $4::integer"
    "   FOR UPDATE SKIP LOCKED),"
    " summed AS (SELECT id, bytes, sum(bytes) OVER (ORDER BY updated_at, id) AS total FROM held)"
    " SELECT b.id, b.raw_data, b.status, b.primary_user_id, b.error_msg, b.created_at,"
    "  b.updated_at FROM summed s JOIN {bulk_import_users} b"
    "  ON b.app_id = $1::varchar AND b.id = s.id"
    " WHERE s.total - s.bytes < $5::bigint"};

constexpr Statement kRemoveImported = {
    "bulk_import_remove_imported",
    "DELETE FROM {bulk_import_users} WHERE app_id = $1 AND id = ANY($2)"};

constexpr Statement kPutOff = {
    "bulk_import_put_off",
    "UPDATE {bulk_import_users} SET updated_at = $3 WHERE app_id = $1 AND id = ANY($2)"};

constexpr Statement kMarkFailed = {
    "bulk_import_mark_failed",
    "UPDATE {bulk_import_users} b SET status = 'FAILED', error_msg = f.error,"
    "  updated_at = $4::bigint FROM unnest($2::bpchar[], $3::text[]) AS f(id, error)"
    " WHERE b.app_id = $1::varchar AND b.id = f.id"};

std::vector<WaitingUser> ReadUsers(const db::Result& rows) {
  std::vector<WaitingUser> users;
  users.reserve(rows.rows());
  for (const db::Row row : rows) {
    users.push_back({.id = std::string(row.Trimmed(0)),
                     .json = row.IsNull(1) ? std::string() : std::string(row.Text(1)),
                     .status = std::string(row.Text(2)),
                     .primary_user_id = row.OptText(3),
                     .error = row.OptText(4),
                     .created_at_ms = row.Int64(5),
                     .updated_at_ms = row.Int64(6),
                     .left_out = row.IsNull(1)});
  }
  return users;
}

std::vector<std::string> FirstColumn(const db::Result& rows) {
  std::vector<std::string> texts;
  texts.reserve(rows.rows());
  for (const db::Row row : rows) texts.emplace_back(row.Trimmed(0));
  return texts;
}

// The status of writing a row of the app.
absl::Status OfApp(const Where& app, absl::Status status) {
  if (!db::ViolatesConstraint(status, "app_id_fkey")) return status;
  return tenancy::TenantNotFound(app.tenant->scope());
}

std::string_view PatternOf(Waiting waiting) {
  return waiting == Waiting::kAll ? "%" : std::string_view(kBegunPattern);
}

}  // namespace

absl::Status PgBulkImportStore::Add(const Where& app, const std::vector<NewUser>& users,
                                    int64_t now_ms) {
  ASSIGN_OR_RETURN(db::Database * database, Of(app));
  db::TextArray ids, texts;
  for (const NewUser& user : users) {
    ids.values.push_back(user.id);
    texts.values.push_back(user.json);
  }
  return OfApp(app,
               database->Execute(app.deadline, kAdd, {app.app_id(), ids, texts, now_ms}).status());
}

absl::Status PgBulkImportStore::Begin(const Where& app, const NewUser& user, int64_t now_ms,
                                      absl::Duration time) {
  ASSIGN_OR_RETURN(db::Database * database, Of(app));
  const db::Params params = {app.app_id(), user.id, user.json, now_ms,
                             absl::ToInt64Milliseconds(time)};
  return OfApp(app, database->Execute(app.deadline, kBegin, params).status());
}

absl::Status PgBulkImportStore::End(const Where& app, const std::string& id) {
  ASSIGN_OR_RETURN(db::Database * database, Of(app));
  return database
      ->Execute(app.deadline, kRemoveImported,
                {app.app_id(), db::TextArray{std::vector<std::string>{id}}})
      .status();
}

absl::StatusOr<std::vector<WaitingUser>> PgBulkImportStore::List(const Where& app,
                                                                 std::string_view status,
                                                                 const WaitingPage* from,
                                                                 int limit) {
  ASSIGN_OR_RETURN(db::Database * database, Of(app));
  const int64_t created = from != nullptr ? from->created_at_ms : std::numeric_limits<int64_t>::max();
  db::Params params = {app.app_id(), created, from != nullptr ? from->id : std::string(), limit,
                       kMaxTakenBytes};
  if (!status.empty()) params.Add(status);
  ASSIGN_OR_RETURN(
      const db::Result rows,
      database->Execute(app.deadline, status.empty() ? kList : kListOfStatus, params));
  return ReadUsers(rows);
}

absl::StatusOr<int64_t> PgBulkImportStore::Count(const Where& app, std::string_view status) {
  ASSIGN_OR_RETURN(db::Database * database, Of(app));
  db::Params params = {app.app_id()};
  if (!status.empty()) params.Add(status);
  ASSIGN_OR_RETURN(
      const db::Result rows,
      database->Execute(app.deadline, status.empty() ? kCount : kCountOfStatus, params));
  return rows.front().Int64(0);
}

absl::StatusOr<std::vector<std::string>> PgBulkImportStore::Remove(
    const Where& app, const std::vector<std::string>& ids) {
  ASSIGN_OR_RETURN(db::Database * database, Of(app));
  ASSIGN_OR_RETURN(
      const db::Result rows,
      database->Execute(app.deadline, kRemove, {app.app_id(), db::TextArray{ids}}));
  return FirstColumn(rows);
}

absl::StatusOr<std::vector<WaitingApp>> AppsThatWait(db::Database& database, absl::Time deadline,
                                                     Waiting waiting) {
  ASSIGN_OR_RETURN(const db::Result rows,
                   database.Execute(deadline, kAppsThatWait,
                                    {waiting == Waiting::kAll, PatternOf(waiting)}));
  std::vector<WaitingApp> apps;
  for (const db::Row row : rows) apps.push_back({std::string(row.Text(0)), row.Bool(1)});
  return apps;
}

absl::StatusOr<std::vector<WaitingUser>> TakeUsers(db::Transaction& transaction, Waiting waiting,
                                                   const std::string& app_id, int64_t from_ms,
                                                   int limit,
                                                   const std::vector<std::string>& except) {
  const db::TextArray left_out{except};
  const auto take = [&](std::string_view status) -> absl::StatusOr<std::vector<WaitingUser>> {
    ASSIGN_OR_RETURN(const db::Result rows,
                     transaction.Execute(kTake, {app_id, status, from_ms, limit, kMaxTakenBytes,
                                                 left_out, PatternOf(waiting)}));
    return ReadUsers(rows);
  };
  std::vector<WaitingUser> users;
  if (waiting == Waiting::kAll) {
    ASSIGN_OR_RETURN(users, take("NEW"));
  }
  if (users.empty()) {
    ASSIGN_OR_RETURN(users, take("PROCESSING"));
  }
  return users;
}

absl::Status PutOff(db::Transaction& transaction, const std::string& app_id,
                    const std::vector<std::string>& ids, int64_t now_ms) {
  if (ids.empty()) return absl::OkStatus();
  return transaction.Execute(kPutOff, {app_id, db::TextArray{ids}, now_ms}).status();
}

absl::Status RemoveImported(db::Transaction& transaction, const std::string& app_id,
                            const std::vector<std::string>& ids) {
  if (ids.empty()) return absl::OkStatus();
  return transaction.Execute(kRemoveImported, {app_id, db::TextArray{ids}}).status();
}

absl::Status MarkFailed(db::Transaction& transaction, const std::string& app_id,
                        const std::vector<FailedUser>& users, int64_t now_ms) {
  if (users.empty()) return absl::OkStatus();
  db::TextArray ids, errors;
  for (const FailedUser& user : users) {
    ids.values.push_back(user.id);
    errors.values.push_back(user.error);
  }
  return transaction.Execute(kMarkFailed, {app_id, ids, errors, now_ms}).status();
}

}  // namespace gatehouse::accounts

#include "services/jwks/pg_key_store.h"

#include <utility>

#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/db/database.h"
#include "libs/tenancy/tenant_databases.h"
#include "libs/tenancy/tenant_directory.h"

namespace gatehouse::jwks {
namespace {

// Both tables are read by the prefix (app_id) of their primary keys; an app has few rows.
constexpr db::Statement kLoad = {
    "jwks_load",
    "SELECT 'd', '', value, created_at_time FROM {session_access_token_signing_keys}"
    " WHERE app_id = $1 AND created_at_time >= $2"
    " UNION ALL"
    " SELECT 's', key_id, key_string, created_at FROM {jwt_signing_keys}"
    " WHERE app_id = $1 AND algorithm = 'RS256'"
    " ORDER BY 1, 4 DESC, 2"};

// Serialises the creation of an app's keys among our instances; ends with the transaction.
constexpr db::Statement kLockApp = {"jwks_lock_app",
                                    "SELECT pg_advisory_xact_lock(hashtext($1::text))"};

// The row locks serialise us with a SuperTokens core before 12.2 that runs alongside, which takes
// them too; SigningKeys::ReadWhatOthersMade is for newer ones.
constexpr db::Statement kLockDynamic = {
    "jwks_lock_dynamic",
    "SELECT value, created_at_time FROM {session_access_token_signing_keys}"
    " WHERE app_id = $1 ORDER BY created_at_time DESC FOR UPDATE"};
constexpr db::Statement kLockStatic = {
    "jwks_lock_static",
    "SELECT key_id, key_string, created_at FROM {jwt_signing_keys}"
    " WHERE app_id = $1 AND algorithm = 'RS256' ORDER BY created_at DESC, key_id FOR UPDATE"};

constexpr db::Statement kInsertDynamic = {
    "jwks_insert_dynamic",
    "INSERT INTO {session_access_token_signing_keys} (app_id, created_at_time, value)"
    " VALUES ($1, $2, $3) ON CONFLICT (app_id, created_at_time) DO NOTHING"};
constexpr db::Statement kInsertStatic = {
    "jwks_insert_static",
    "INSERT INTO {jwt_signing_keys} (app_id, key_id, key_string, algorithm, created_at)"
    " VALUES ($1, $2, $3, 'RS256', $4)"};
constexpr db::Statement kAdoptStatic = {
    "jwks_adopt_static",
    "INSERT INTO {jwt_signing_keys} (app_id, key_id, key_string, algorithm, created_at)"
    " SELECT $1::varchar, $2::varchar, $3::text, 'RS256', $4::bigint WHERE NOT EXISTS"
    " (SELECT 1 FROM {jwt_signing_keys} WHERE app_id = $1::varchar AND key_string = $3::text)"};

std::string DynamicKeyId(int64_t created_at_ms) { return "d-" + std::to_string(created_at_ms); }

}  // namespace

absl::StatusOr<StoredKeys> PgKeyStore::Load(const tenancy::Tenant& app, int64_t created_from_ms,
                                            absl::Time deadline) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(app));
  ASSIGN_OR_RETURN(const db::Result rows,
                   database->Execute(deadline, kLoad, {app.app_id, created_from_ms}));
  StoredKeys keys;
  for (const db::Row row : rows) {
    const int64_t created = row.Int64(3);
    if (row.Text(0) == "d") {
      keys.dynamic_keys.push_back({DynamicKeyId(created), std::string(row.Text(2)), created});
    } else {
      keys.static_keys.push_back({std::string(row.Text(1)), std::string(row.Text(2)), created});
    }
  }
  return keys;
}

absl::StatusOr<StoredKeys> PgKeyStore::Ensure(const tenancy::Tenant& app, int64_t created_from_ms,
                                              const Candidates& candidates, absl::Time deadline) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(app));
  StoredKeys keys;
  RETURN_IF_ERROR(database->Transact(deadline, [&](db::Transaction& tx) -> absl::Status {
    keys = {};
    RETURN_IF_ERROR(tx.Execute(kLockApp, {StrCat("gatehouse~signing_keys~", app.app_id)}).status());
    ASSIGN_OR_RETURN(const db::Result dynamic_rows, tx.Execute(kLockDynamic, {app.app_id}));
    for (const db::Row row : dynamic_rows) {
      const int64_t created = row.Int64(1);
      if (created < created_from_ms) break;
      keys.dynamic_keys.push_back({DynamicKeyId(created), std::string(row.Text(0)), created});
    }
    ASSIGN_OR_RETURN(const db::Result static_rows, tx.Execute(kLockStatic, {app.app_id}));
    for (const db::Row row : static_rows) {
      keys.static_keys.push_back(
          {std::string(row.Text(0)), std::string(row.Text(1)), row.Int64(2)});
    }
    const bool dynamic_missing =
        keys.dynamic_keys.empty() ||
        keys.dynamic_keys.front().created_at_ms < candidates.dynamic_from_ms;
    if (const StoredKey& key = candidates.dynamic_key; dynamic_missing && !key.key_pair.empty()) {
      RETURN_IF_ERROR(
          tx.Execute(kInsertDynamic, {app.app_id, key.created_at_ms, key.key_pair}).status());
      keys.dynamic_keys.insert(keys.dynamic_keys.begin(), key);
    }
    if (const StoredKey& key = candidates.static_key;
        keys.static_keys.empty() && !key.key_pair.empty()) {
      RETURN_IF_ERROR(
          tx.Execute(kInsertStatic, {app.app_id, key.key_id, key.key_pair, key.created_at_ms})
              .status());
      keys.static_keys.push_back(key);
    }
    return absl::OkStatus();
  }));
  return keys;
}

absl::Status PgKeyStore::AdoptDynamic(const tenancy::Tenant& app, const StoredKey& key,
                                      absl::Time deadline) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(app));
  return database->Execute(deadline, kInsertDynamic, {app.app_id, key.created_at_ms, key.key_pair})
      .status();
}

absl::Status PgKeyStore::AdoptStatic(const tenancy::Tenant& app, const StoredKey& key,
                                     absl::Time deadline) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(app));
  return database
      ->Execute(deadline, kAdoptStatic, {app.app_id, key.key_id, key.key_pair, key.created_at_ms})
      .status();
}

}  // namespace gatehouse::jwks

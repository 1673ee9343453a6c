#include "services/webauthn/pg_options_store.h"

#include "libs/base/status.h"
#include "libs/db/database.h"

namespace gatehouse::webauthn {
namespace {

using db::Statement;

// $1 app, $2 tenant, $3 id. By webauthn_generated_options_pkey.
constexpr Statement kSave = {
    "webauthn_save_options",
    "INSERT INTO {webauthn_generated_options} (app_id, tenant_id, id, challenge, email, rp_id,"
    " rp_name, origin, created_at, expires_at, user_verification, user_presence_required)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"};
constexpr Statement kFind = {
    "webauthn_find_options",
    "SELECT id, challenge, email, rp_id, rp_name, origin, created_at, expires_at,"
    " user_verification, user_presence_required FROM {webauthn_generated_options}"
    " WHERE app_id = $1 AND tenant_id = $2 AND id = $3"};
constexpr Statement kRemove = {
    "webauthn_remove_options",
    "DELETE FROM {webauthn_generated_options} WHERE app_id = $1 AND tenant_id = $2 AND id = $3"};

}  // namespace

absl::Status PgOptionsStore::Save(const Where& where, const CeremonyOptions& options) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*where.tenant));
  const absl::Status status =
      database
          ->Execute(
              where.deadline, kSave,
              {where.app_id(), where.tenant_id(), options.id, options.challenge, options.email,
               options.rp_id, options.rp_name, options.origin, options.created_at_ms,
               options.expires_at_ms, options.user_verification, options.user_presence})
          .status();
  if (db::ViolatesConstraint(status, "webauthn_generated_options_tenant_id_fkey")) {
    return tenancy::TenantNotFound(where.tenant->scope());
  }
  return status;
}

absl::StatusOr<std::optional<CeremonyOptions>> PgOptionsStore::Find(const Where& where,
                                                                    std::string_view id) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*where.tenant));
  ASSIGN_OR_RETURN(
      const db::Result rows,
      database->Execute(where.deadline, kFind, {where.app_id(), where.tenant_id(), id}));
  if (rows.empty()) return std::nullopt;
  const db::Row row = rows.front();
  CeremonyOptions options;
  options.id = std::string(row.Trimmed(0));
  options.challenge = std::string(row.Text(1));
  options.email = row.OptText(2);
  options.rp_id = std::string(row.Text(3));
  options.rp_name = std::string(row.Text(4));
  options.origin = std::string(row.Text(5));
  options.created_at_ms = row.Int64(6);
  options.expires_at_ms = row.Int64(7);
  options.user_verification = std::string(row.Text(8));
  options.user_presence = row.Bool(9);
  return options;
}

absl::StatusOr<bool> PgOptionsStore::Remove(const Where& where, std::string_view id) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*where.tenant));
  ASSIGN_OR_RETURN(
      const db::Result rows,
      database->Execute(where.deadline, kRemove, {where.app_id(), where.tenant_id(), id}));
  return rows.affected() > 0;
}

}  // namespace gatehouse::webauthn

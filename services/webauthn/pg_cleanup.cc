#include "services/webauthn/pg_cleanup.h"

#include "libs/base/status.h"
#include "libs/db/database.h"
#include "libs/host/each_database.h"
#include "libs/tenancy/tenant_databases.h"
#include "libs/tenancy/tenant_directory.h"

namespace gatehouse::webauthn {
namespace {

// A few milliseconds of work, so that no row stays locked for long.
constexpr int64_t kBatch = 500;

// $1 app, $2 tenant, $3 now, $4 how many. Rows that a request has locked are left for the next run.
// By webauthn_user_challenges_expires_at_index.
constexpr db::Statement kDeleteOptions = {
    "webauthn_delete_expired_options",
    "WITH expired AS MATERIALIZED (SELECT o.id FROM {webauthn_generated_options} o"
    "  WHERE o.app_id = $1::varchar AND o.tenant_id = $2::varchar AND o.expires_at < $3::bigint"
    "  LIMIT $4 FOR UPDATE SKIP LOCKED)"
    " DELETE FROM {webauthn_generated_options} d USING expired e"
    " WHERE d.app_id = $1::varchar AND d.tenant_id = $2::varchar AND d.id = e.id"};

// By webauthn_account_recovery_token_expires_at_index and webauthn_account_recovery_token_pkey.
constexpr db::Statement kDeleteTokens = {
    "webauthn_delete_expired_tokens",
    "WITH expired AS MATERIALIZED (SELECT o.user_id, o.token"
    "  FROM {webauthn_account_recovery_tokens} o"
    "  WHERE o.app_id = $1::varchar AND o.tenant_id = $2::varchar AND o.expires_at < $3::bigint"
    "  LIMIT $4 FOR UPDATE SKIP LOCKED)"
    " DELETE FROM {webauthn_account_recovery_tokens} d USING expired e"
    " WHERE d.app_id = $1::varchar AND d.tenant_id = $2::varchar AND d.user_id = e.user_id"
    "  AND d.token = e.token"};

absl::StatusOr<bool> DeleteBatch(db::Transaction& transaction, const tenancy::Tenant& tenant,
                                 int64_t now_ms) {
  const db::Params params = {tenant.app_id, tenant.tenant_id, now_ms, kBatch};
  ASSIGN_OR_RETURN(const db::Result options, transaction.Execute(kDeleteOptions, params));
  ASSIGN_OR_RETURN(const db::Result tokens, transaction.Execute(kDeleteTokens, params));
  return options.affected() == kBatch || tokens.affected() == kBatch;
}

}  // namespace

absl::Status DeleteExpired(tenancy::TenantDirectory& directory, tenancy::TenantDatabases& databases,
                           const Clock& clock, absl::Time deadline) {
  return host::CleanUpTenants(directory, databases, "webauthn_delete_expired", deadline,
                              [&](db::Transaction& transaction, const tenancy::Tenant& tenant) {
                                return DeleteBatch(transaction, tenant, clock.NowMs());
                              });
}

}  // namespace gatehouse::webauthn

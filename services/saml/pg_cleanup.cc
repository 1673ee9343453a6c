#include "services/saml/pg_cleanup.h"

#include "libs/base/status.h"
#include "libs/db/database.h"
#include "libs/host/each_database.h"
#include "libs/tenancy/tenant_databases.h"
#include "libs/tenancy/tenant_directory.h"

namespace gatehouse::saml {
namespace {

constexpr int64_t kBatch = 1000;  // a few milliseconds of work
// For instances whose clocks are behind: to them an assertion may still be acceptable.
constexpr int64_t kAssertionGraceMs = 3'600'000;

// Each by its index on expires_at. A row that is being removed anyway is left to whoever does.
constexpr db::Statement kDeleteLogins = {
    "saml_delete_expired_logins",
    "DELETE FROM {saml_relay_state} WHERE ctid = ANY(ARRAY(SELECT ctid FROM {saml_relay_state}"
    " WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED))"};
constexpr db::Statement kDeleteCodes = {
    "saml_delete_expired_codes",
    "DELETE FROM {saml_claims} WHERE ctid = ANY(ARRAY(SELECT ctid FROM {saml_claims}"
    " WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED))"};
constexpr db::Statement kDeleteAssertions = {
    "saml_delete_expired_assertions",
    "DELETE FROM {gatehouse_saml_assertions} WHERE ctid = ANY(ARRAY("
    "SELECT ctid FROM {gatehouse_saml_assertions}"
    " WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED))"};

}  // namespace

absl::Status DeleteExpired(tenancy::TenantDirectory& directory, tenancy::TenantDatabases& databases,
                           const Clock& clock, absl::Time deadline) {
  return host::CleanUpDatabases(
      directory, databases, "saml_delete_expired", deadline,
      [&clock](db::Transaction& transaction) -> absl::StatusOr<bool> {
        const int64_t now_ms = clock.NowMs();
        bool more = false;
        ASSIGN_OR_RETURN(const db::Result logins,
                         transaction.Execute(kDeleteLogins, {now_ms, kBatch}));
        ASSIGN_OR_RETURN(const db::Result codes,
                         transaction.Execute(kDeleteCodes, {now_ms, kBatch}));
        ASSIGN_OR_RETURN(
            const db::Result assertions,
            transaction.Execute(kDeleteAssertions, {now_ms - kAssertionGraceMs, kBatch}));
        for (const db::Result* result : {&logins, &codes, &assertions}) {
          more = more || result->affected() == kBatch;
        }
        return more;
      });
}

}  // namespace gatehouse::saml

#include "services/oauth/pg_oauth_cleanup.h"

#include "libs/base/status.h"
#include "libs/db/database.h"
#include "libs/host/each_database.h"
#include "libs/tenancy/tenant_databases.h"
#include "libs/tenancy/tenant_directory.h"

namespace gatehouse::oauth {
namespace {

constexpr int64_t kBatch = 1000;  // a few milliseconds of work
constexpr int64_t kHourS = 3600;
// An original's statistics look back for 31 days.
constexpr int64_t kKeepStatsS = 31 * 24 * kHourS;
constexpr int64_t kKeepChallengesMs = 48 * kHourS * 1000;  // the original's

// Rows that a request has locked are left for the next run. By oauth_session_exp_index.
constexpr db::Statement kDeleteSessions = {
    "oauth_delete_expired_sessions",
    "DELETE FROM {oauth_sessions} WHERE ctid = ANY(ARRAY(SELECT ctid FROM {oauth_sessions}"
    " WHERE exp < $1 ORDER BY exp DESC LIMIT $2 FOR UPDATE SKIP LOCKED))"};
// By oauth_m2m_token_exp_index. Only originals before 12.1 make them.
constexpr db::Statement kDeleteMachineTokens = {
    "oauth_delete_expired_machine_tokens",
    "DELETE FROM {oauth_m2m_tokens} WHERE ctid = ANY(ARRAY(SELECT ctid FROM {oauth_m2m_tokens}"
    " WHERE exp < $1 ORDER BY exp DESC LIMIT $2 FOR UPDATE SKIP LOCKED))"};
// A row for each app and hour: few enough to be read whole.
constexpr db::Statement kDeleteStats = {
    "oauth_delete_expired_stats",
    "DELETE FROM {oauth_m2m_token_stats} WHERE ctid = ANY(ARRAY("
    "SELECT ctid FROM {oauth_m2m_token_stats}"
    " WHERE exp_bucket < $1 LIMIT $2 FOR UPDATE SKIP LOCKED))"};
// By oauth_logout_challenges_time_created_index.
constexpr db::Statement kDeleteChallenges = {
    "oauth_delete_expired_challenges",
    "DELETE FROM {oauth_logout_challenges} WHERE ctid = ANY(ARRAY("
    "SELECT ctid FROM {oauth_logout_challenges}"
    " WHERE time_created < $1 ORDER BY time_created DESC LIMIT $2 FOR UPDATE SKIP LOCKED))"};

// Each by its index of expires_at.
constexpr db::Statement kDeleteFlows = {
    "oauth_delete_expired_flows",
    "DELETE FROM {gatehouse_oauth_flows} WHERE ctid = ANY(ARRAY("
    "SELECT ctid FROM {gatehouse_oauth_flows} WHERE expires_at < $1"
    " ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED))"};
constexpr db::Statement kDeleteCodes = {
    "oauth_delete_expired_codes",
    "DELETE FROM {gatehouse_oauth_codes} WHERE ctid = ANY(ARRAY("
    "SELECT ctid FROM {gatehouse_oauth_codes} WHERE expires_at < $1"
    " ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED))"};
constexpr db::Statement kDeleteRotated = {
    "oauth_delete_expired_rotated_tokens",
    "DELETE FROM {gatehouse_oauth_rotated_tokens} WHERE ctid = ANY(ARRAY("
    "SELECT ctid FROM {gatehouse_oauth_rotated_tokens} WHERE expires_at < $1"
    " ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED))"};
constexpr db::Statement kDeleteLogins = {
    "oauth_delete_expired_logins",
    "DELETE FROM {gatehouse_oauth_logins} WHERE ctid = ANY(ARRAY("
    "SELECT ctid FROM {gatehouse_oauth_logins} WHERE expires_at < $1"
    " ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED))"};

}  // namespace

absl::Status DeleteExpired(tenancy::TenantDirectory& directory, tenancy::TenantDatabases& databases,
                           const Clock& clock, absl::Time deadline) {
  return host::CleanUpDatabases(
      directory, databases, "oauth_delete_expired", deadline,
      [&clock](db::Transaction& transaction) -> absl::StatusOr<bool> {
        const int64_t now_ms = clock.NowMs();
        const int64_t now_s = now_ms / 1000;
        bool more = false;
        const auto remove = [&](const db::Statement& statement, int64_t before) -> absl::Status {
          ASSIGN_OR_RETURN(const db::Result deleted,
                           transaction.Execute(statement, {before, kBatch}));
          more = more || deleted.affected() == kBatch;
          return absl::OkStatus();
        };
        RETURN_IF_ERROR(remove(kDeleteSessions, now_s));
        RETURN_IF_ERROR(remove(kDeleteMachineTokens, now_s));
        RETURN_IF_ERROR(remove(kDeleteStats, (now_s - kKeepStatsS) / kHourS));
        RETURN_IF_ERROR(remove(kDeleteChallenges, now_ms - kKeepChallengesMs));
        for (const db::Statement& statement :
             {kDeleteFlows, kDeleteCodes, kDeleteRotated, kDeleteLogins}) {
          RETURN_IF_ERROR(remove(statement, now_ms));
        }
        return more;
      });
}

}  // namespace gatehouse::oauth

#include "services/users/idmapping/pg_id_mapping_store.h"

#include "libs/base/status.h"
#include "libs/db/database.h"

namespace gatehouse::users {
namespace {

// In all statements: userid_mapping_supertokens_user_id_key, userid_mapping_external_user_id_key,
// and the primary keys of app_id_to_user_id, user_metadata and email verification's tables.

// Whether {user_metadata}, and email verification's tables, have rows under an id.
#define GATEHOUSE_HAS_METADATA_SQL(ID) \
  "EXISTS (SELECT 1 FROM {user_metadata} d WHERE d.app_id = $1::varchar AND d.user_id = " ID ")"
#define GATEHOUSE_HAS_EMAIL_VERIFICATION_SQL(ID)                                              \
  "(EXISTS (SELECT 1 FROM {emailverification_verified_emails} v WHERE v.app_id = $1::varchar" \
  "  AND v.user_id = " ID                                                                     \
  ")"                                                                                         \
  " OR EXISTS (SELECT 1 FROM {emailverification_tokens} t WHERE t.app_id = $1::varchar"       \
  "  AND t.user_id = " ID "))"

// $1 app, $2 id, $3 whether internal ids count, $4 whether external ones do.
constexpr db::Statement kFind = {
    "id_mapping_find",
    "SELECT m.supertokens_user_id, m.external_user_id, m.external_user_id_info,"
    " EXISTS (SELECT 1 FROM {app_id_to_user_id} u WHERE u.app_id = m.app_id"
    "  AND u.user_id = m.external_user_id::bpchar),"
    " " GATEHOUSE_HAS_METADATA_SQL("m.external_user_id") ","
    " " GATEHOUSE_HAS_EMAIL_VERIFICATION_SQL("m.external_user_id")
    " FROM {userid_mapping} m WHERE m.app_id = $1::varchar"
    "  AND (($3::boolean AND m.supertokens_user_id = $2::varchar::bpchar)"
    "   OR ($4::boolean AND m.external_user_id = $2::varchar))"
    " ORDER BY (m.supertokens_user_id = $2::varchar::bpchar) DESC LIMIT 1"};

// $1 app, $2 internal id, $3 external id.
constexpr db::Statement kPreview = {
    "id_mapping_preview",
    "SELECT EXISTS (SELECT 1 FROM {app_id_to_user_id} u WHERE u.app_id = $1::varchar"
    "  AND u.user_id = $2::varchar::bpchar),"
    " (SELECT m.supertokens_user_id FROM {userid_mapping} m WHERE m.app_id = $1::varchar"
    "  AND m.external_user_id = $3::varchar),"
    " EXISTS (SELECT 1 FROM {app_id_to_user_id} u WHERE u.app_id = $1::varchar"
    "  AND u.user_id = $3::varchar::bpchar),"
    " " GATEHOUSE_HAS_METADATA_SQL("$2::varchar") ","
    " " GATEHOUSE_HAS_EMAIL_VERIFICATION_SQL("$2::varchar")};

// $1 app, $2 internal id, $3 external id, $4 info, $5 whether email verification's rows move. The
// unique keys decide between concurrent mappings. Each part begins when the one before it is done:
// the user's row, then the mapping's, tokens, verified emails (docs/adr, decision 13).
constexpr db::Statement kCreate = {
    "id_mapping_create",
    "WITH owner AS MATERIALIZED (SELECT user_id FROM {app_id_to_user_id}"
    "  WHERE app_id = $1::varchar AND user_id = $2::varchar::bpchar FOR KEY SHARE),"
    " made AS (INSERT INTO {userid_mapping} (app_id, supertokens_user_id, external_user_id,"
    "   external_user_id_info)"
    "  SELECT $1::varchar, user_id, $3::varchar, $4::text FROM owner"
    "  ON CONFLICT DO NOTHING RETURNING 1),"
    " held AS MATERIALIZED (SELECT t.token FROM {emailverification_tokens} t"
    "  WHERE $5::boolean AND t.app_id = $1::varchar AND t.user_id = $2::varchar"
    "   AND (SELECT count(*) FROM made) > 0 ORDER BY t.token FOR UPDATE),"
    " tokens AS (UPDATE {emailverification_tokens} t SET user_id = $3::varchar FROM held"
    "  WHERE t.token = held.token RETURNING 1),"
    " unverified AS (DELETE FROM {emailverification_verified_emails} v USING made"
    "  WHERE $5::boolean AND v.app_id = $1::varchar AND v.user_id = $2::varchar"
    "   AND (SELECT count(*) FROM tokens) >= 0 RETURNING v.app_id, v.email),"
    " verified AS (INSERT INTO {emailverification_verified_emails} (app_id, user_id, email)"
    "  SELECT app_id, $3::varchar, email FROM unverified ON CONFLICT DO NOTHING)"
    " SELECT EXISTS (SELECT 1 FROM owner), EXISTS (SELECT 1 FROM made)"};

constexpr db::Statement kTaken = {
    "id_mapping_taken",
    "SELECT EXISTS (SELECT 1 FROM {userid_mapping} WHERE app_id = $1::varchar"
    "  AND supertokens_user_id = $2::varchar::bpchar AND external_user_id = $3::varchar),"
    " EXISTS (SELECT 1 FROM {userid_mapping} WHERE app_id = $1::varchar"
    "  AND external_user_id = $3::varchar),"
    " EXISTS (SELECT 1 FROM {userid_mapping} WHERE app_id = $1::varchar"
    "  AND supertokens_user_id = $2::varchar::bpchar)"};

// The mapping that an id means: $1 app, $2 id, $3 'supertokens', 'external' or 'any'.
#define GATEHOUSE_MAPPING_BY_ID_SQL                                         \
  " WHERE m.app_id = $1::varchar AND CASE"                                  \
  "  WHEN $3::varchar = 'supertokens' OR ($3::varchar = 'any' AND EXISTS (" \
  "    SELECT 1 FROM {app_id_to_user_id} u WHERE u.app_id = $1::varchar"    \
  "    AND u.user_id = $2::varchar::bpchar))"                               \
  "  THEN m.supertokens_user_id = $2::varchar::bpchar"                      \
  "  ELSE m.external_user_id = $2::varchar END"                             \
  " AND (m.supertokens_user_id = $2::varchar::bpchar OR m.external_user_id = $2::varchar)"

constexpr db::Statement kSetInfo = {
    "id_mapping_set_info",
    "UPDATE {userid_mapping} m SET external_user_id_info = $4" GATEHOUSE_MAPPING_BY_ID_SQL};

constexpr db::Statement kDelete = {"id_mapping_delete",
                                   "DELETE FROM {userid_mapping} m" GATEHOUSE_MAPPING_BY_ID_SQL};

std::string_view KindName(UserIdKind kind) {
  switch (kind) {
    case UserIdKind::kSupertokens:
      return "supertokens";
    case UserIdKind::kExternal:
      return "external";
    case UserIdKind::kAny:
      break;
  }
  return "any";
}

}  // namespace

absl::StatusOr<std::optional<FoundMapping>> PgIdMappingStore::Find(const Where& scope,
                                                                   std::string_view id,
                                                                   UserIdKind kind) {
  ASSIGN_OR_RETURN(db::Database * db, databases_.Of(*scope.tenant));
  ASSIGN_OR_RETURN(db::Result result,
                   db->Execute(scope.deadline, kFind,
                               {scope.app_id(), id, kind != UserIdKind::kExternal,
                                kind != UserIdKind::kSupertokens}));
  if (result.empty()) return std::nullopt;
  const db::Row row = result.front();
  return FoundMapping{{std::string(row.Trimmed(0)), std::string(row.Text(1)), row.OptText(2)},
                      row.Bool(3),
                      row.Bool(4),
                      row.Bool(5)};
}

absl::StatusOr<MappingPreview> PgIdMappingStore::Preview(const Where& scope,
                                                         std::string_view supertokens_user_id,
                                                         std::string_view external_user_id) {
  ASSIGN_OR_RETURN(db::Database * db, databases_.Of(*scope.tenant));
  ASSIGN_OR_RETURN(db::Result result,
                   db->Execute(scope.deadline, kPreview,
                               {scope.app_id(), supertokens_user_id, external_user_id}));
  const db::Row row = result.front();
  return MappingPreview{row.Bool(0), row.OptTrimmed(1), row.Bool(2), row.Bool(3), row.Bool(4)};
}

absl::StatusOr<MappingMade> PgIdMappingStore::Create(const Where& scope, const IdMapping& mapping,
                                                     bool move_email_verification) {
  ASSIGN_OR_RETURN(db::Database * db, databases_.Of(*scope.tenant));
  // A second round if the obstacle was removed between the two statements.
  for (int round = 0; round < 5; ++round) {
    absl::StatusOr<db::Result> result =
        db->Execute(scope.deadline, kCreate,
                    {scope.app_id(), mapping.supertokens_user_id, mapping.external_user_id,
                     mapping.info, move_email_verification});
    if (db::ViolatesConstraint(result.status(), "_supertokens_user_id_fkey")) {
      return MappingMade::kUnknownUser;  // deleted a moment ago
    }
    RETURN_IF_ERROR(result.status());
    if (!result->front().Bool(0)) return MappingMade::kUnknownUser;
    if (result->front().Bool(1)) return MappingMade::kMade;
    ASSIGN_OR_RETURN(db::Result taken, db->Execute(scope.deadline, kTaken,
                                                   {scope.app_id(), mapping.supertokens_user_id,
                                                    mapping.external_user_id}));
    if (taken.front().Bool(0)) return MappingMade::kBothAreMapped;
    if (taken.front().Bool(1)) return MappingMade::kExternalIdIsMapped;
    if (taken.front().Bool(2)) return MappingMade::kUserIsMapped;
  }
  return MakeError(ErrorReason::kOverloaded, "The user is being changed by many requests at once");
}

absl::StatusOr<bool> PgIdMappingStore::SetInfo(const Where& scope, std::string_view id,
                                               UserIdKind kind,
                                               const std::optional<std::string>& info) {
  ASSIGN_OR_RETURN(db::Database * db, databases_.Of(*scope.tenant));
  ASSIGN_OR_RETURN(db::Result result, db->Execute(scope.deadline, kSetInfo,
                                                  {scope.app_id(), id, KindName(kind), info}));
  return result.affected() > 0;
}

absl::StatusOr<bool> PgIdMappingStore::Delete(const Where& scope, std::string_view id,
                                              UserIdKind kind) {
  ASSIGN_OR_RETURN(db::Database * db, databases_.Of(*scope.tenant));
  ASSIGN_OR_RETURN(db::Result result,
                   db->Execute(scope.deadline, kDelete, {scope.app_id(), id, KindName(kind)}));
  return result.affected() > 0;
}

}  // namespace gatehouse::users

#include "services/users/listing/pg_listing_store.h"

#include <limits>

#include "libs/base/status.h"
#include "libs/db/database.h"

namespace gatehouse::users {
namespace {

// Rows of the app that a page looks through before it turns to the tenant's own rows: a tenant or
// recipe with a twentieth of the app's users fills its page within them.
constexpr int kWalkPerRow = 20;
constexpr int kWalkLeast = 1000;

constexpr int kMaxFound = 1000;        // the original's
constexpr int kMaxCandidates = 20000;  // of one tag, before other kinds of tags narrow them
constexpr int kMaxAlone = 2000;        // of one tag, when there is one kind; rows, two a user

// A page begins here, in index order. $3: time, null for the first page; $4: id.
#define GATEHOUSE_FROM_ASC                                                  \
  " u.app_id = $1::varchar"                                                 \
  " AND u.primary_or_recipe_user_time_joined >= $3::bigint"                 \
  " AND (u.primary_or_recipe_user_time_joined > $3::bigint"                 \
  "  OR u.primary_or_recipe_user_id <= $4::bpchar)"
#define GATEHOUSE_FROM_DESC                                                 \
  " u.app_id = $1::varchar"                                                 \
  " AND u.primary_or_recipe_user_time_joined <= $3::bigint"                 \
  " AND (u.primary_or_recipe_user_time_joined < $3::bigint"                 \
  "  OR u.primary_or_recipe_user_id <= $4::bpchar)"

// Walks the app's users in order, at most $7 of them, and keeps those of the tenant ($2) and
// recipes ($5, empty: all), $6 of them. app_id_to_user_id_pagination_index1 and 2;
// idx_recipe_user_tenants_tenant_recipe_user, asked row by row so that the walk ends early.
#define GATEHOUSE_WALK(from, order)                                                             \
  "SELECT DISTINCT w.id, w.joined FROM (SELECT u.user_id, u.recipe_id,"                         \
  "  u.primary_or_recipe_user_id AS id, u.primary_or_recipe_user_time_joined AS joined"         \
  "  FROM {app_id_to_user_id} u WHERE" from                                                     \
  "  ORDER BY u.primary_or_recipe_user_time_joined " order                                      \
  ", u.primary_or_recipe_user_id DESC LIMIT $7::int) w"                                         \
  " WHERE (cardinality($5::varchar[]) = 0 OR w.recipe_id = ANY($5::varchar[]))"                 \
  "  AND (SELECT 1 FROM {recipe_user_tenants} t WHERE t.app_id = $1::varchar"                   \
  "   AND t.tenant_id = $2::varchar AND t.recipe_user_id = w.user_id LIMIT 1) IS NOT NULL"      \
  " ORDER BY w.joined " order ", w.id DESC LIMIT $6::int"
constexpr db::Statement kWalkAsc = {"listing_walk_asc", GATEHOUSE_WALK(GATEHOUSE_FROM_ASC, "ASC")};
constexpr db::Statement kWalkDesc = {"listing_walk_desc",
                                     GATEHOUSE_WALK(GATEHOUSE_FROM_DESC, "DESC")};

// How many rows there are to walk, up to $5.
#define GATEHOUSE_LENGTH(from, order)                                       \
  "SELECT count(*) FROM (SELECT 1 FROM {app_id_to_user_id} u WHERE" from    \
  " AND $2::varchar IS NOT NULL"                                            \
  " ORDER BY u.primary_or_recipe_user_time_joined " order                   \
  ", u.primary_or_recipe_user_id DESC LIMIT $5::int) w"
constexpr db::Statement kLengthAsc = {"listing_length_asc",
                                      GATEHOUSE_LENGTH(GATEHOUSE_FROM_ASC, "ASC")};
constexpr db::Statement kLengthDesc = {"listing_length_desc",
                                       GATEHOUSE_LENGTH(GATEHOUSE_FROM_DESC, "DESC")};

// From the tenant's rows, all of them. idx_recipe_user_tenants_tenant_recipe_user or, with recipes,
// the primary key; then app_id_to_user_id's primary key.
#define GATEHOUSE_SMALL(from, order)                                                           \
  "SELECT DISTINCT w.id, w.joined FROM (SELECT DISTINCT t.recipe_user_id"                      \
  "  FROM {recipe_user_tenants} t WHERE t.app_id = $1::varchar AND t.tenant_id = $2::varchar"  \
  "  AND (cardinality($5::varchar[]) = 0 OR t.recipe_id = ANY($5::varchar[]))) mine"           \
  " CROSS JOIN LATERAL (SELECT u.primary_or_recipe_user_id AS id,"                             \
  "  u.primary_or_recipe_user_time_joined AS joined FROM {app_id_to_user_id} u"                \
  "  WHERE u.user_id = mine.recipe_user_id AND" from " LIMIT 1) w"                             \
  " ORDER BY w.joined " order ", w.id DESC LIMIT $6::int"
constexpr db::Statement kSmallAsc = {"listing_small_asc",
                                     GATEHOUSE_SMALL(GATEHOUSE_FROM_ASC, "ASC")};
constexpr db::Statement kSmallDesc = {"listing_small_desc",
                                      GATEHOUSE_SMALL(GATEHOUSE_FROM_DESC, "DESC")};

// Text that begins with `tag`, in byte order, so that a *_pattern_ops index serves it with the tag
// as a parameter; U&'\+10FFFF' is greater than every character.
#define GATEHOUSE_BEGINS(text, tag) \
  " " text " ~>=~ " tag " AND " text " ~<~ (" tag " || U&'\\+10FFFF')"

// $3, $4, $5: tags of emails, phones and providers. Whether the candidate matches one of a kind.
#define GATEHOUSE_ALSO(type, tags)                                                            \
  " AND (cardinality(" tags "::text[]) = 0 OR (SELECT 1 FROM {recipe_user_tenants} o"         \
  "  WHERE o.app_id = $1::varchar AND o.tenant_id = $2::varchar"                              \
  "  AND o.recipe_user_id = c.recipe_user_id AND o.account_info_type = '" type "'"            \
  "  AND EXISTS (SELECT 1 FROM unnest(" tags "::text[]) AS g(tag)"                            \
  "   WHERE starts_with(lower(o.account_info_value), g.tag)) LIMIT 1) IS NOT NULL)"

// Candidates come from the most selective kind that is given. $6: how many of each tag, $7: how
// many users. idx_recipe_user_tenants_account_info_pattern, _search_domain and _search_tparty.
#define GATEHOUSE_SEARCH(tags, candidates, order)                                              \
  "SELECT DISTINCT w.id, w.joined FROM (SELECT DISTINCT m.recipe_user_id"                      \
  "  FROM unnest(" tags "::text[]) AS g(tag) CROSS JOIN LATERAL (" candidates ") m) c"         \
  " CROSS JOIN LATERAL (SELECT u.primary_or_recipe_user_id AS id,"                             \
  "  u.primary_or_recipe_user_time_joined AS joined FROM {app_id_to_user_id} u"                \
  "  WHERE u.app_id = $1::varchar AND u.user_id = c.recipe_user_id LIMIT 1) w"                 \
  " WHERE TRUE" GATEHOUSE_ALSO("phone", "$4") GATEHOUSE_ALSO("tparty", "$5")                   \
  " AND $3::text[] IS NOT NULL"                                                                \
  " ORDER BY w.joined " order ", w.id DESC LIMIT $7::int"
#define GATEHOUSE_CANDIDATES(type, text)                                                        \
  "SELECT t.recipe_user_id FROM {recipe_user_tenants} t WHERE t.app_id = $1::varchar"           \
  " AND t.tenant_id = $2::varchar AND t.account_info_type = '" type                             \
  "' AND" GATEHOUSE_BEGINS(text, "g.tag") " LIMIT $6::int"
#define GATEHOUSE_EMAIL_CANDIDATES                                                              \
  "(" GATEHOUSE_CANDIDATES("email", "t.account_info_value") ") UNION ALL ("                     \
  GATEHOUSE_CANDIDATES("email", "lower(split_part(t.account_info_value, '@', 2))") ")"
#define GATEHOUSE_PHONE_CANDIDATES GATEHOUSE_CANDIDATES("phone", "t.account_info_value")
#define GATEHOUSE_TPARTY_CANDIDATES \
  GATEHOUSE_CANDIDATES("tparty", "lower(t.account_info_value)")

constexpr db::Statement kSearchEmailAsc = {
    "listing_search_email_asc", GATEHOUSE_SEARCH("$3", GATEHOUSE_EMAIL_CANDIDATES, "ASC")};
constexpr db::Statement kSearchEmailDesc = {
    "listing_search_email_desc", GATEHOUSE_SEARCH("$3", GATEHOUSE_EMAIL_CANDIDATES, "DESC")};
constexpr db::Statement kSearchPhoneAsc = {
    "listing_search_phone_asc", GATEHOUSE_SEARCH("$4", GATEHOUSE_PHONE_CANDIDATES, "ASC")};
constexpr db::Statement kSearchPhoneDesc = {
    "listing_search_phone_desc", GATEHOUSE_SEARCH("$4", GATEHOUSE_PHONE_CANDIDATES, "DESC")};
constexpr db::Statement kSearchProviderAsc = {
    "listing_search_provider_asc", GATEHOUSE_SEARCH("$5", GATEHOUSE_TPARTY_CANDIDATES, "ASC")};
constexpr db::Statement kSearchProviderDesc = {
    "listing_search_provider_desc", GATEHOUSE_SEARCH("$5", GATEHOUSE_TPARTY_CANDIDATES, "DESC")};

// Counting is an index-only walk of the login methods less what linking makes one: few users are
// linked, so that only they are looked up. docs/adr says why nothing keeps a running count.
#define GATEHOUSE_TENANT_LINKED(filter)                                                         \
  " - (SELECT count(*) - count(DISTINCT l.primary_user_id) FROM ("                              \
  "  SELECT DISTINCT i.recipe_user_id, i.primary_user_id FROM {recipe_user_account_infos} i"    \
  "  WHERE i.app_id = $1::varchar AND i.primary_user_id IS NOT NULL" filter                     \
  "  AND (SELECT 1 FROM {recipe_user_tenants} o WHERE o.app_id = $1::varchar"                   \
  "   AND o.tenant_id = $2::varchar AND o.recipe_user_id = i.recipe_user_id LIMIT 1)"           \
  "   IS NOT NULL) l)"

// Rows of the registry that do not stand for a login method of their own: a third-party user has
// its email beside its identity, a passwordless one may have a phone number and an email.
#define GATEHOUSE_PASSWORDLESS_ROWS                                                              \
  " FROM {recipe_user_tenants} t WHERE t.app_id = $1::varchar AND t.tenant_id = $2::varchar"     \
  "  AND t.recipe_id = 'passwordless'"

// idx_recipe_user_tenants_tenant, the primary key of recipe_user_tenants,
// idx_recipe_user_account_infos_app_primary_user.
constexpr db::Statement kCountTenant = {
    "listing_count_tenant",
    "SELECT (SELECT count(*) FROM {recipe_user_tenants} t"
    "  WHERE t.app_id = $1::varchar AND t.tenant_id = $2::varchar)"
    " - (SELECT count(*) FROM {recipe_user_tenants} t WHERE t.app_id = $1::varchar"
    "  AND t.tenant_id = $2::varchar AND t.recipe_id = 'thirdparty'"
    "  AND t.account_info_type = 'email')"
    " - (SELECT count(*) - count(DISTINCT t.recipe_user_id)" GATEHOUSE_PASSWORDLESS_ROWS
    ")" GATEHOUSE_TENANT_LINKED("")};

// The primary key of recipe_user_tenants.
#define GATEHOUSE_COUNT_RECIPE(recipe, type)                                                    \
  "(SELECT count(*) FROM {recipe_user_tenants} t WHERE t.app_id = $1::varchar"                  \
  "  AND t.tenant_id = $2::varchar AND t.recipe_id = '" recipe "' AND t.account_info_type = '"  \
  type "' AND '" recipe "' = ANY($3::varchar[]))"
constexpr db::Statement kCountTenantRecipes = {
    "listing_count_tenant_recipes",
    "SELECT " GATEHOUSE_COUNT_RECIPE("emailpassword", "email")
    " + " GATEHOUSE_COUNT_RECIPE("webauthn", "email")
    " + " GATEHOUSE_COUNT_RECIPE("thirdparty", "tparty")
    " + (SELECT count(DISTINCT t.recipe_user_id)" GATEHOUSE_PASSWORDLESS_ROWS
    "  AND 'passwordless' = ANY($3::varchar[]))"
    GATEHOUSE_TENANT_LINKED(" AND i.recipe_id = ANY($3::varchar[])")};

// Every user has one row whose id is that of the user: the others are the linked ones.
// app_id_to_user_id_pagination_index1.
constexpr db::Statement kCountApp = {
    "listing_count_app",
    "SELECT (SELECT count(*) FROM {app_id_to_user_id} u WHERE u.app_id = $1::varchar)"
    " - (SELECT count(DISTINCT i.recipe_user_id) FROM {recipe_user_account_infos} i"
    "  WHERE i.app_id = $1::varchar AND i.primary_user_id IS NOT NULL"
    "  AND i.primary_user_id <> i.recipe_user_id)"};

// app_id_to_user_id_pagination_index3.
constexpr db::Statement kCountAppRecipes = {
    "listing_count_app_recipes",
    "SELECT (SELECT count(*) FROM {app_id_to_user_id} u WHERE u.app_id = $1::varchar"
    "  AND u.recipe_id = ANY($2::varchar[]))"
    " - (SELECT count(*) - count(DISTINCT l.primary_user_id) FROM ("
    "  SELECT DISTINCT i.recipe_user_id, i.primary_user_id FROM {recipe_user_account_infos} i"
    "  WHERE i.app_id = $1::varchar AND i.primary_user_id IS NOT NULL"
    "  AND i.recipe_id = ANY($2::varchar[])) l)"};

std::vector<ListedUser> ReadListed(const db::Result& result) {
  std::vector<ListedUser> users;
  users.reserve(static_cast<size_t>(result.rows()));
  for (const db::Row row : result) users.push_back({std::string(row.Trimmed(0)), row.Int64(1)});
  return users;
}

// Before the first row of either order.
PaginationToken StartOf(const PageQuery& query) {
  if (query.start.has_value()) return *query.start;
  return {"", query.descending ? std::numeric_limits<int64_t>::max() : -1};
}

}  // namespace

absl::StatusOr<std::vector<ListedUser>> PgListingStore::ListPage(const RequestScope& scope,
                                                                 const PageQuery& query) {
  ASSIGN_OR_RETURN(db::Database* db, databases_.Of(*scope.tenant));
  const PaginationToken start = StartOf(query);
  const int walk = kWalkLeast + kWalkPerRow * query.limit;
  const db::TextArray recipes{query.recipe_ids};
  db::Params params = {scope.app_id(), scope.tenant_id(), start.time_joined_ms, start.user_id,
                       recipes,        query.limit};
  db::Params walk_params = params;
  walk_params.Add(walk);
  ASSIGN_OR_RETURN(db::Result walked, db->Execute(scope.deadline,
                                                  query.descending ? kWalkDesc : kWalkAsc,
                                                  walk_params));
  if (walked.rows() >= query.limit) return ReadListed(walked);
  ASSIGN_OR_RETURN(db::Result length,
                   db->Execute(scope.deadline, query.descending ? kLengthDesc : kLengthAsc,
                               {scope.app_id(), scope.tenant_id(), start.time_joined_ms,
                                start.user_id, walk}));
  if (length.front().Int64(0) < walk) return ReadListed(walked);
  ASSIGN_OR_RETURN(
      db::Result small,
      db->Execute(scope.deadline, query.descending ? kSmallDesc : kSmallAsc, params));
  return ReadListed(small);
}

absl::StatusOr<std::vector<ListedUser>> PgListingStore::Search(const RequestScope& scope,
                                                               const SearchTags& tags,
                                                               bool descending) {
  ASSIGN_OR_RETURN(db::Database* db, databases_.Of(*scope.tenant));
  const db::Statement& statement =
      !tags.emails.empty()   ? (descending ? kSearchEmailDesc : kSearchEmailAsc)
      : !tags.phones.empty() ? (descending ? kSearchPhoneDesc : kSearchPhoneAsc)
                             : (descending ? kSearchProviderDesc : kSearchProviderAsc);
  const int kinds = !tags.emails.empty() + !tags.phones.empty() + !tags.providers.empty();
  ASSIGN_OR_RETURN(
      db::Result result,
      db->Execute(scope.deadline, statement,
                  {scope.app_id(), scope.tenant_id(), db::TextArray{tags.emails},
                   db::TextArray{tags.phones}, db::TextArray{tags.providers},
                   kinds == 1 ? kMaxAlone : kMaxCandidates, kMaxFound}));
  return ReadListed(result);
}

absl::StatusOr<int64_t> PgListingStore::CountTenant(const RequestScope& scope,
                                                    const std::vector<std::string>& recipe_ids) {
  ASSIGN_OR_RETURN(db::Database* db, databases_.Of(*scope.tenant));
  absl::StatusOr<db::Result> result =
      recipe_ids.empty()
          ? db->Execute(scope.deadline, kCountTenant, {scope.app_id(), scope.tenant_id()})
          : db->Execute(scope.deadline, kCountTenantRecipes,
                        {scope.app_id(), scope.tenant_id(), db::TextArray{recipe_ids}});
  if (!result.ok()) return result.status();
  return result->front().Int64(0);
}

absl::StatusOr<int64_t> PgListingStore::CountApp(const RequestScope& scope,
                                                 const std::vector<std::string>& recipe_ids) {
  ASSIGN_OR_RETURN(db::Database* db, databases_.Of(*scope.tenant));
  absl::StatusOr<db::Result> result =
      recipe_ids.empty() ? db->Execute(scope.deadline, kCountApp, {scope.app_id()})
                         : db->Execute(scope.deadline, kCountAppRecipes,
                                       {scope.app_id(), db::TextArray{recipe_ids}});
  if (!result.ok()) return result.status();
  return result->front().Int64(0);
}

}  // namespace gatehouse::users

#include "services/users/listing/pg_listing_store.h"

#include <limits>

#include "libs/base/status.h"
#include "libs/db/database.h"
#include "services/users/account_info.h"
#include "services/users/registry/pg_user_rows.h"

namespace gatehouse::users {
namespace {

constexpr int kMaxFound = 1000;        // the original's
constexpr int kMaxCandidates = 20000;  // of one tag, before other kinds of tags narrow them
constexpr int kMaxAlone = 2000;        // of one tag, if there is one kind; rows, two per user

// The recipes of a group in gatehouse_listed_users: one of 1 to 31.
constexpr int kAllRecipes = 31;

int BitOfRecipe(std::string_view recipe_id) {
  if (recipe_id == kEmailPasswordRecipe) return 1;
  if (recipe_id == kThirdPartyRecipe) return 2;
  if (recipe_id == kPasswordlessRecipe) return 4;
  if (recipe_id == kWebauthnRecipe) return 8;
  return 0;
}

// Of a group that has one of the recipes; no filter: all.
int MaskOf(const std::vector<std::string>& recipe_ids) {
  if (recipe_ids.empty()) return kAllRecipes;
  int mask = 0;
  for (const std::string& recipe_id : recipe_ids) mask |= BitOfRecipe(recipe_id);
  return mask;
}

// The page is merged from those of each set of recipes that has one of $3: the first $6 in the
// order of its index from ($4, $5) on. gatehouse_listed_users_ascending and _descending. Only a
// page that begins with a user ($5) has to look for others who joined at the same time. Parameters
// are hidden from the planner, or it would plan for each tenant, time and limit anew.
#define GATEHOUSE_PAGE_OF_SET(condition, order)                                            \
  "(SELECT l.primary_user_id AS id, l.time_joined AS joined"                               \
  " FROM {gatehouse_listed_users} l WHERE l.app_id = g.app AND l.tenant_id = g.tenant"     \
  "  AND l.tenant_id <> '' AND l.recipes = s.recipes AND " condition                       \
  " ORDER BY l.time_joined " order ", l.primary_user_id DESC LIMIT g.most)"
#define GATEHOUSE_PAGE(after, order)                                                       \
  "WITH target AS (SELECT p.id, p.joined"                                                  \
  " FROM (SELECT $1::varchar AS app, $2::varchar AS tenant, $3::int AS mask,"              \
  "   $4::bigint AS joined, $5::bpchar AS id, $6::int AS most OFFSET 0) g"                 \
  " CROSS JOIN generate_series(1, 31) AS s(recipes) CROSS JOIN LATERAL ("                  \
  GATEHOUSE_PAGE_OF_SET(                                                                   \
      "l.time_joined = g.joined AND g.id <> '' AND l.primary_user_id <= g.id", order)      \
  " UNION ALL " GATEHOUSE_PAGE_OF_SET("l.time_joined " after " g.joined", order)           \
  ") p WHERE s.recipes & g.mask <> 0"                                                      \
  " ORDER BY p.joined " order ", p.id DESC LIMIT (SELECT $6::int))"                        \
  GATEHOUSE_USER_ROWS_WITH_SQL(", target.joined")                                          \
  " ORDER BY target.joined " order ", target.id DESC"
constexpr db::Statement kPageAsc = {"listing_page_asc", GATEHOUSE_PAGE(">", "ASC")};
constexpr db::Statement kPageDesc = {"listing_page_desc", GATEHOUSE_PAGE("<", "DESC")};

// A tag is the beginning of a LIKE pattern, as in the original: `%` and `_` are wildcards. `low` is
// its literal prefix.
#define GATEHOUSE_TAGS(tags)                                                       \
  "(SELECT tag || '%' AS pattern, substring(tag from '^[^\\\\%_]*') AS low"    \
  " FROM unnest(" tags ") AS given(tag)) g"

// Text that begins with `g.low`, in byte order, so that a *_pattern_ops index serves it with the tag
// as a parameter. U+10FFFF is greater than every character; U&'\+10FFFF' would be refused by a
// database without an encoding (SQL_ASCII), which keeps UTF-8's bytes.
#define GATEHOUSE_BEGINS(text) \
  " " text " ~>=~ g.low AND " text " ~<~ (g.low || E'\\xF4\\x8F\\xBF\\xBF')"

// The id of the third party in a `tparty` value.
#define GATEHOUSE_PROVIDER(value) "split_part(lower(" value "), '::', 1)"

// Whether the candidate matches one of a kind's tags.
#define GATEHOUSE_ALSO(type, tags, text)                                                      \
  " AND (cardinality(" tags ") = 0 OR (SELECT 1 FROM {recipe_user_tenants} o"                 \
  "  WHERE o.app_id = q.app AND o.tenant_id = q.tenant"                                       \
  "  AND o.recipe_user_id = c.recipe_user_id AND o.account_info_type = '" type "'"            \
  "  AND EXISTS (SELECT 1 FROM " GATEHOUSE_TAGS(tags)                                         \
  "   WHERE " text " LIKE g.pattern) LIMIT 1) IS NOT NULL)"

// $3, $4, $5: tags of emails, phones and providers. Candidates come from the most selective kind
// that is given. $6: how many of each tag, $7: how many users. The parameters are a row that
// nothing is known of: for arrays, PostgreSQL would plan at each call.
// idx_recipe_user_tenants_account_info_pattern, _search_domain and _search_tparty.
#define GATEHOUSE_SEARCH(tags, candidates, order)                                              \
  "WITH target AS (SELECT DISTINCT w.id, w.joined"                                             \
  " FROM (SELECT $1::varchar AS app, $2::varchar AS tenant, $3::text[] AS emails,"             \
  "   $4::text[] AS phones, $5::text[] AS providers, $6::int AS most OFFSET 0) q"              \
  " CROSS JOIN LATERAL (SELECT DISTINCT m.recipe_user_id"                                      \
  "  FROM " GATEHOUSE_TAGS(tags) " CROSS JOIN LATERAL (" candidates ") m OFFSET 0) c"          \
  " CROSS JOIN LATERAL (SELECT u.primary_or_recipe_user_id AS id,"                             \
  "  u.primary_or_recipe_user_time_joined AS joined FROM {app_id_to_user_id} u"                \
  "  WHERE u.app_id = q.app AND u.user_id = c.recipe_user_id LIMIT 1) w"                       \
  " WHERE TRUE" GATEHOUSE_ALSO("phone", "q.phones", "lower(o.account_info_value)")             \
  GATEHOUSE_ALSO("tparty", "q.providers", GATEHOUSE_PROVIDER("o.account_info_value"))          \
  " ORDER BY w.joined " order ", w.id DESC LIMIT (SELECT $7::int))"                            \
  GATEHOUSE_USER_ROWS_SQL " ORDER BY target.joined " order ", target.id DESC"
// `indexed` serves the look-up, `text` is matched by the pattern.
#define GATEHOUSE_CANDIDATES(type, indexed, text)                                               \
  "SELECT t.recipe_user_id FROM {recipe_user_tenants} t WHERE t.app_id = q.app"                 \
  " AND t.tenant_id = q.tenant AND t.account_info_type = '" type                                \
  "' AND" GATEHOUSE_BEGINS(indexed) " AND " text " LIKE g.pattern LIMIT q.most"
#define GATEHOUSE_EMAIL_CANDIDATES                                                              \
  "(" GATEHOUSE_CANDIDATES("email", "t.account_info_value", "t.account_info_value")             \
  ") UNION ALL ("                                                                               \
  GATEHOUSE_CANDIDATES("email", "lower(split_part(t.account_info_value, '@', 2))",              \
                       "lower(split_part(t.account_info_value, '@', 2))") ")"
#define GATEHOUSE_PHONE_CANDIDATES \
  GATEHOUSE_CANDIDATES("phone", "t.account_info_value", "t.account_info_value")
#define GATEHOUSE_TPARTY_CANDIDATES                                   \
  GATEHOUSE_CANDIDATES("tparty", "lower(t.account_info_value)",       \
                       GATEHOUSE_PROVIDER("t.account_info_value"))

constexpr db::Statement kSearchEmailAsc = {
    "listing_search_email_asc", GATEHOUSE_SEARCH("q.emails", GATEHOUSE_EMAIL_CANDIDATES, "ASC")};
constexpr db::Statement kSearchEmailDesc = {
    "listing_search_email_desc", GATEHOUSE_SEARCH("q.emails", GATEHOUSE_EMAIL_CANDIDATES, "DESC")};
constexpr db::Statement kSearchPhoneAsc = {
    "listing_search_phone_asc", GATEHOUSE_SEARCH("q.phones", GATEHOUSE_PHONE_CANDIDATES, "ASC")};
constexpr db::Statement kSearchPhoneDesc = {
    "listing_search_phone_desc", GATEHOUSE_SEARCH("q.phones", GATEHOUSE_PHONE_CANDIDATES, "DESC")};
constexpr db::Statement kSearchProviderAsc = {
    "listing_search_provider_asc", GATEHOUSE_SEARCH("q.providers", GATEHOUSE_TPARTY_CANDIDATES, "ASC")};
constexpr db::Statement kSearchProviderDesc = {
    "listing_search_provider_desc", GATEHOUSE_SEARCH("q.providers", GATEHOUSE_TPARTY_CANDIDATES, "DESC")};

// $2: the tenant, or '' for the whole app. The primary key of gatehouse_user_counts.
constexpr db::Statement kCount = {
    "listing_count",
    "SELECT COALESCE(sum(users), 0)::bigint FROM {gatehouse_user_counts}"
    " WHERE app_id = $1 AND tenant_id = $2 AND recipes::int & $3::int <> 0"};

// A page of one user more than wanted: the next one begins with that.
UserPage ReadPage(const db::Result& result, int limit) {
  UserPage page;
  int users = 0;
  std::string_view last;
  for (int i = 0; i < result.rows(); ++i) {
    const std::string_view id = result[i].Trimmed(kTargetColumn);
    if (i > 0 && id == last) continue;
    last = id;
    if (++users <= limit) continue;
    page.next = PaginationToken{std::string(id), result[i].Int64(kFirstOtherColumn)};
    page.users = ReadUsers(result, i);
    return page;
  }
  page.users = ReadUsers(result);
  return page;
}

// Before the first row of either order.
PaginationToken StartOf(const PageQuery& query) {
  if (query.start.has_value()) return *query.start;
  return {"", query.descending ? std::numeric_limits<int64_t>::max() : -1};
}

}  // namespace

absl::StatusOr<UserPage> PgListingStore::ListPage(const Where& scope, const PageQuery& query) {
  ASSIGN_OR_RETURN(db::Database* db, databases_.Of(*scope.tenant));
  const PaginationToken start = StartOf(query);
  ASSIGN_OR_RETURN(db::Result rows,
                   db->Execute(scope.deadline, query.descending ? kPageDesc : kPageAsc,
                               {scope.app_id(), scope.tenant_id(), MaskOf(query.recipe_ids),
                                start.time_joined_ms, start.user_id, query.limit + 1}));
  return ReadPage(rows, query.limit);
}

absl::StatusOr<std::vector<v1::User>> PgListingStore::Search(const Where& scope,
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
  return ReadUsers(result);
}

absl::StatusOr<int64_t> PgListingStore::CountTenant(const Where& scope,
                                                    const std::vector<std::string>& recipe_ids) {
  return Count(scope, scope.tenant_id(), recipe_ids);
}

absl::StatusOr<int64_t> PgListingStore::CountApp(const Where& scope,
                                                 const std::vector<std::string>& recipe_ids) {
  return Count(scope, "", recipe_ids);
}

absl::StatusOr<int64_t> PgListingStore::Count(const Where& scope, std::string_view tenant_id,
                                              const std::vector<std::string>& recipe_ids) {
  ASSIGN_OR_RETURN(db::Database* db, databases_.Of(*scope.tenant));
  ASSIGN_OR_RETURN(db::Result result, db->Execute(scope.deadline, kCount,
                                                  {scope.app_id(), tenant_id, MaskOf(recipe_ids)}));
  return result.front().Int64(0);
}

}  // namespace gatehouse::users

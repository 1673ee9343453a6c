#include "services/users/userimport/pg_user_import_store.h"

#include <charconv>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "libs/base/status.h"
#include "libs/db/database.h"
#include "services/users/registry/pg_both_generations.h"
#include "services/users/registry/pg_user_store.h"

namespace gatehouse::users {
namespace {

// The order of locks is ADR 13's: the app, the new users' rows, the tenants, keys of
// primary_user_tenants, keys of recipe_user_tenants, then what nobody waits for without them.
//
// All statements are planned once and look rows up by index: an import begins with empty tables,
// whose statistics say nothing about what they become.
constexpr db::Statement kPrepare = {
    "user_import_prepare",
    "SELECT set_config('enable_seqscan', 'off', true), set_config('jit', 'off', true),"
    " set_config('plan_cache_mode', 'force_generic_plan', true),"
    " {schema}.{~gatehouse_hold_tenants}($1::varchar, NULL)"};

constexpr db::Statement kHoldTenants = {
    "user_import_hold_tenants",
    "SELECT {schema}.{~gatehouse_hold_tenants}($1::varchar, $2::varchar[])"};

// One snapshot for all questions, so that a user imported meanwhile does not stand in its own way.
// $2 login methods' ids; $3 to $9 keys of recipe_user_tenants with their places; $10 to $13 those
// of primary_user_tenants; $14, $15 external ids. Sub-selects with a limit stay look-ups by the
// primary keys, userid_mapping_external_user_id_key, whatever the tables' estimated sizes.
constexpr db::Statement kCheck = {
    "user_import_check",
    "SELECT 'there', g.id FROM unnest($2::varchar[]) AS g(id)"
    " WHERE (SELECT 1 FROM {app_id_to_user_id} u WHERE u.app_id = $1::varchar"
    "  AND u.user_id = g.id::bpchar LIMIT 1) IS NOT NULL"
    " UNION ALL SELECT 'key', k.place FROM unnest($3::varchar[], $4::varchar[], $5::varchar[],"
    "   $6::text[], $7::varchar[], $8::varchar[], $9::varchar[])"
    "  AS k(tenant, recipe, type, value, tp, tp_user, place)"
    " WHERE (SELECT 1 FROM {recipe_user_tenants} t WHERE t.app_id = $1::varchar"
    "  AND t.tenant_id = k.tenant AND t.recipe_id = k.recipe AND t.account_info_type = k.type"
    "  AND t.third_party_id = k.tp AND t.third_party_user_id = k.tp_user"
    "  AND t.account_info_value = k.value LIMIT 1) IS NOT NULL"
    " UNION ALL SELECT 'held', h.place FROM unnest($10::varchar[], $11::varchar[], $12::text[],"
    "   $13::varchar[]) AS h(tenant, type, value, place)"
    " WHERE (SELECT 1 FROM {primary_user_tenants} p WHERE p.app_id = $1::varchar"
    "  AND p.tenant_id = h.tenant AND p.account_info_type = h.type"
    "  AND p.account_info_value = h.value LIMIT 1) IS NOT NULL"
    " UNION ALL SELECT 'external', x.place FROM unnest($14::varchar[], $15::varchar[])"
    "   AS x(id, place)"
    " WHERE (SELECT 1 FROM {userid_mapping} m WHERE m.app_id = $1::varchar"
    "  AND m.external_user_id = x.id LIMIT 1) IS NOT NULL"
    " UNION ALL SELECT 'user', x.place FROM unnest($14::varchar[], $15::varchar[])"
    "   AS x(id, place)"
    " WHERE (SELECT 1 FROM {app_id_to_user_id} u WHERE u.app_id = $1::varchar"
    "  AND u.user_id = x.id::bpchar LIMIT 1) IS NOT NULL"};

constexpr RegistryWrite kAddUsers = RegistryWrite::NothingInOldTables(
    {"user_import_users",
     "INSERT INTO {app_id_to_user_id} (app_id, user_id, recipe_id, primary_or_recipe_user_id,"
     "  is_linked_or_is_a_primary_user, time_joined, primary_or_recipe_user_time_joined)"
     " SELECT $1::varchar, u.id, u.recipe, u.lead, u.linked, u.joined, u.group_joined"
     " FROM unnest($2::bpchar[], $3::varchar[], $4::bpchar[], $5::boolean[], $6::bigint[],"
     "   $7::bigint[]) AS u(id, recipe, lead, linked, joined, group_joined) ORDER BY u.id"});

constexpr db::Statement kReserve = {
    "user_import_reserve",
    "INSERT INTO {primary_user_tenants} (app_id, tenant_id, account_info_type,"
    "  account_info_value, primary_user_id)"
    " SELECT $1::varchar, h.tenant, h.type, h.value, h.lead"
    " FROM unnest($2::varchar[], $3::varchar[], $4::text[], $5::bpchar[])"
    "   AS h(tenant, type, value, lead)"
    " ORDER BY h.type <> 'tparty', h.type, h.value, h.tenant"};

#define GATEHOUSE_IMPORTED_KEYS_SQL                                                           \
  " unnest($2::bpchar[], $3::varchar[], $4::varchar[], $5::varchar[], $6::text[],"            \
  "   $7::varchar[], $8::varchar[]) AS k(id, tenant, recipe, type, value, tp, tp_user)"

constexpr RegistryWrite kAddTenants = RegistryWrite::ThenOldTables(
    {"user_import_tenants",
     "INSERT INTO {recipe_user_tenants} (app_id, recipe_user_id, tenant_id, recipe_id,"
     "  account_info_type, account_info_value, third_party_id, third_party_user_id)"
     " SELECT $1::varchar, k.id, k.tenant, k.recipe, k.type, k.value, k.tp, k.tp_user"
     " FROM" GATEHOUSE_IMPORTED_KEYS_SQL
     " ORDER BY k.type <> 'tparty', k.type, k.value, k.tenant, k.recipe, k.tp, k.tp_user"},
    {"user_import_tenants_old",
     "WITH keys AS MATERIALIZED (SELECT k.id, k.tenant, k.recipe, k.type, k.value, k.tp,"
     "   k.tp_user FROM" GATEHOUSE_IMPORTED_KEYS_SQL
     "),"
     " list AS (INSERT INTO {all_auth_recipe_users} (app_id, tenant_id, user_id,"
     "   primary_or_recipe_user_id, is_linked_or_is_a_primary_user, recipe_id, time_joined,"
     "   primary_or_recipe_user_time_joined)"
     "  SELECT u.app_id, k.tenant, u.user_id, u.primary_or_recipe_user_id,"
     "   u.is_linked_or_is_a_primary_user, u.recipe_id, u.time_joined,"
     "   u.primary_or_recipe_user_time_joined"
     "  FROM (SELECT DISTINCT id, tenant FROM keys) k"
     "  JOIN {app_id_to_user_id} u ON u.app_id = $1::varchar AND u.user_id = k.id),"
     " passwords AS (INSERT INTO {emailpassword_user_to_tenant} (app_id, tenant_id, user_id,"
     "   email) SELECT $1::varchar, tenant, id, value FROM keys"
     "  WHERE recipe = 'emailpassword' AND type = 'email' ORDER BY value, tenant),"
     " third_party AS (INSERT INTO {thirdparty_user_to_tenant} (app_id, tenant_id, user_id,"
     "   third_party_id, third_party_user_id) SELECT $1::varchar, tenant, id, tp, tp_user FROM keys"
     "  WHERE recipe = 'thirdparty' AND type = 'email' ORDER BY tp, tp_user, tenant)"
     " INSERT INTO {passwordless_user_to_tenant} (app_id, tenant_id, user_id, email, phone_number)"
     "  SELECT $1::varchar, tenant, id, max(value) FILTER (WHERE type = 'email'),"
     "   max(value) FILTER (WHERE type = 'phone') FROM keys WHERE recipe = 'passwordless'"
     "  GROUP BY tenant, id ORDER BY 4, 5, 2"});

constexpr RegistryWrite kAddInfos = RegistryWrite::NothingInOldTables(
    {"user_import_infos",
     "INSERT INTO {recipe_user_account_infos} (app_id, recipe_user_id, recipe_id,"
     "  account_info_type, account_info_value, third_party_id, third_party_user_id,"
     "  primary_user_id)"
     " SELECT $1::varchar, i.id, i.recipe, i.type, i.value, i.tp, i.tp_user,"
     "  NULLIF(i.lead, '')::bpchar"
     " FROM unnest($2::bpchar[], $3::varchar[], $4::varchar[], $5::text[], $6::varchar[],"
     "   $7::varchar[], $8::varchar[]) AS i(id, recipe, type, value, tp, tp_user, lead)"});

constexpr db::Statement kAddPasswords = {
    "user_import_passwords",
    "INSERT INTO {emailpassword_users} (app_id, user_id, email, password_hash, time_joined)"
    " SELECT $1::varchar, c.id, c.email, c.hash, c.joined"
    " FROM unnest($2::bpchar[], $3::varchar[], $4::varchar[], $5::bigint[])"
    "   AS c(id, email, hash, joined)"};

constexpr db::Statement kAddMappings = {
    "user_import_mappings",
    "INSERT INTO {userid_mapping} (app_id, supertokens_user_id, external_user_id)"
    " SELECT $1::varchar, m.id, m.external FROM unnest($2::bpchar[], $3::varchar[])"
    "   AS m(id, external) ORDER BY m.external"};

constexpr db::Statement kAddVerified = {
    "user_import_verified",
    "INSERT INTO {emailverification_verified_emails} (app_id, user_id, email)"
    " SELECT $1::varchar, v.id, v.email FROM unnest($2::varchar[], $3::varchar[])"
    "   AS v(id, email) ORDER BY v.id, v.email ON CONFLICT DO NOTHING"};

// Metadata that somebody has stored under an external id before stays where the import has no such
// key.
constexpr db::Statement kAddMetadata = {
    "user_import_metadata",
    "INSERT INTO {user_metadata} AS kept (app_id, user_id, user_metadata)"
    " SELECT $1::varchar, m.id, m.metadata FROM unnest($2::varchar[], $3::text[])"
    "   AS m(id, metadata) ORDER BY m.id"
    " ON CONFLICT (app_id, user_id) DO UPDATE SET user_metadata ="
    "  (kept.user_metadata::jsonb || EXCLUDED.user_metadata::jsonb)::text"};

using Outcomes = PgUserImportStore::Outcomes;

int ReadNumber(std::string_view text) {
  int number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

// "<user>.<login method>.<is phone>", of which the latter two may be missing.
struct Place {
  size_t user = 0;
  int method = 0;
  bool phone = false;

  explicit Place(std::string_view text) {
    user = static_cast<size_t>(ReadNumber(text));
    const size_t dot = text.find('.');
    if (dot == std::string_view::npos) return;
    method = ReadNumber(text.substr(dot + 1));
    phone = text.ends_with(".1");
  }
};

// The reason that counts is the original's first: what another primary user has, then login
// methods in their order, then the external id.
int Rank(const v1::ImportRefusal& refusal) {
  switch (refusal.kind()) {
    case v1::ImportRefusal::KIND_ACCOUNT_INFO_TAKEN:
      return 0;
    case v1::ImportRefusal::KIND_LOGIN_METHOD_TAKEN:
      return 1 + refusal.login_method() * 2 + (refusal.phone_number() ? 1 : 0);
    default:
      return 1 << 20;
  }
}

void Refuse(std::optional<v1::ImportRefusal>& outcome, v1::ImportRefusal refusal) {
  if (!outcome.has_value() || Rank(refusal) < Rank(*outcome)) outcome = std::move(refusal);
}

// Fills in `outcomes`; returns the users to write.
std::vector<const ImportUser*> Judge(const db::Result& found,
                                     const std::vector<const ImportUser*>& users,
                                     Outcomes& outcomes) {
  std::set<std::string, std::less<>> there;
  for (const db::Row row : found) {
    const std::string_view what = row.Text(0);
    v1::ImportRefusal refusal;
    if (what == "there") {
      there.emplace(row.Text(1));
      continue;
    }
    const Place place(row.Text(1));
    if (what == "key") {
      refusal.set_kind(v1::ImportRefusal::KIND_LOGIN_METHOD_TAKEN);
      refusal.set_login_method(place.method);
      refusal.set_phone_number(place.phone);
    } else if (what == "held") {
      refusal.set_kind(v1::ImportRefusal::KIND_ACCOUNT_INFO_TAKEN);
    } else if (what == "external") {
      refusal.set_kind(v1::ImportRefusal::KIND_EXTERNAL_ID_TAKEN);
    } else {
      refusal.set_kind(v1::ImportRefusal::KIND_EXTERNAL_ID_IS_A_USER);
    }
    Refuse(outcomes[place.user], std::move(refusal));
  }
  std::vector<const ImportUser*> fresh;
  for (size_t i = 0; i < users.size(); ++i) {
    bool was_imported = false;
    for (const auto& method : users[i]->user->login_methods()) {
      was_imported = was_imported || there.contains(method.supertokens_user_id());
    }
    if (was_imported) {
      outcomes[i].reset();
    } else if (!outcomes[i].has_value()) {
      fresh.push_back(users[i]);
    }
  }
  return fresh;
}

absl::Status Write(db::Transaction& transaction, const Where& scope, const ImportRows& rows) {
  const std::string& app = scope.app_id();
  const auto execute = [&](const db::Statement& statement, const db::TextArray& column,
                           const db::Params& params) {
    return column.values.empty() ? absl::OkStatus()
                                 : transaction.Execute(statement, params).status();
  };
  RETURN_IF_ERROR(kAddUsers
                      .Execute(transaction, scope,
                               {app, rows.ids, rows.recipes, rows.leads, rows.linked, rows.joined,
                                rows.group_joined})
                      .status());
  RETURN_IF_ERROR(transaction.Execute(kHoldTenants, {app, rows.tenants}).status());
  RETURN_IF_ERROR(execute(kReserve, rows.held_leads,
                          {app, rows.held_tenants, rows.held_types, rows.held_values,
                           rows.held_leads}));
  RETURN_IF_ERROR(kAddTenants
                      .Execute(transaction, scope,
                               {app, rows.key_users, rows.key_tenants, rows.key_recipes,
                                rows.key_types, rows.key_values, rows.key_parties,
                                rows.key_party_users})
                      .status());
  RETURN_IF_ERROR(kAddInfos
                      .Execute(transaction, scope,
                               {app, rows.info_users, rows.info_recipes, rows.info_types,
                                rows.info_values, rows.info_parties, rows.info_party_users,
                                rows.info_leads})
                      .status());
  RETURN_IF_ERROR(execute(kAddPasswords, rows.password_users,
                          {app, rows.password_users, rows.password_emails, rows.password_hashes,
                           rows.password_joined}));
  RETURN_IF_ERROR(
      execute(kAddMappings, rows.mapped_users, {app, rows.mapped_users, rows.mapped_externals}));
  RETURN_IF_ERROR(execute(kAddVerified, rows.verified_users,
                          {app, rows.verified_users, rows.verified_emails}));
  return execute(kAddMetadata, rows.metadata_users, {app, rows.metadata_users, rows.metadata});
}

}  // namespace

absl::StatusOr<Outcomes> PgUserImportStore::Import(const Where& scope,
                                                   const std::vector<const ImportUser*>& users) {
  Outcomes outcomes;
  if (users.empty()) return outcomes;
  ASSIGN_OR_RETURN(db::Database * db, databases_.Of(*scope.tenant));
  const ImportRows all = ImportRows::Of(users);
  const absl::Status status =
      db->Transact(scope.deadline, [&](db::Transaction& transaction) -> absl::Status {
        outcomes.assign(users.size(), std::nullopt);
        RETURN_IF_ERROR(transaction.Execute(kPrepare, {scope.app_id()}).status());
        ASSIGN_OR_RETURN(
            const db::Result found,
            transaction.Execute(kCheck, {scope.app_id(), all.ids, all.key_tenants, all.key_recipes,
                                         all.key_types, all.key_values, all.key_parties,
                                         all.key_party_users, all.key_places, all.held_tenants,
                                         all.held_types, all.held_values, all.held_places,
                                         all.mapped_externals, all.mapped_places}));
        const std::vector<const ImportUser*> fresh = Judge(found, users, outcomes);
        if (fresh.empty()) return absl::OkStatus();
        return Write(transaction, scope,
                     fresh.size() == users.size() ? all : ImportRows::Of(fresh));
      });
  if (!status.ok()) return TenantGone(scope, status);
  return outcomes;
}

}  // namespace gatehouse::users

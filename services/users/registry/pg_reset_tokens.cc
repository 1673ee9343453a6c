#include "services/users/registry/pg_reset_tokens.h"

#include "libs/base/status.h"
#include "libs/db/database.h"

namespace gatehouse::users {
namespace {

// All code locks tokens in their order (docs/adr, decision 13).
#define GATEHOUSE_END_HELD_SQL \
  " DELETE FROM {emailpassword_pswd_reset_tokens} t USING held WHERE t.token = held.token"

// emailpassword_pswd_reset_tokens_user_id_index.
constexpr db::Statement kEndOwn = {
    "reset_tokens_end",
    "WITH held AS MATERIALIZED (SELECT token FROM {emailpassword_pswd_reset_tokens}"
    "  WHERE app_id = $1::varchar AND user_id = $2::bpchar"
    "  ORDER BY token FOR UPDATE)" GATEHOUSE_END_HELD_SQL};

// $1 app, $2 user, $3 primary user. A token keeps the email as the caller wrote it.
// idx_recipe_user_account_infos_app_recipe_user, idx_recipe_user_account_infos_app_primary_user.
constexpr db::Statement kEndOfGroup = {
    "reset_tokens_end_of_group",
    "WITH held AS MATERIALIZED (SELECT t.token FROM {emailpassword_pswd_reset_tokens} t"
    "  JOIN {recipe_user_account_infos} mine ON mine.app_id = t.app_id"
    " WHERE t.app_id = $1::varchar AND t.user_id = $3::bpchar"
    "  AND mine.recipe_user_id = $2::bpchar AND mine.account_info_type = 'email'"
    "  AND lower(t.email) = mine.account_info_value"
    "  AND NOT EXISTS (SELECT 1 FROM {recipe_user_account_infos} other"
    "   WHERE other.app_id = t.app_id AND other.primary_user_id = t.user_id"
    "    AND other.recipe_user_id <> mine.recipe_user_id AND other.account_info_type = 'email'"
    "    AND other.account_info_value = mine.account_info_value)"
    " ORDER BY t.token FOR UPDATE OF t)" GATEHOUSE_END_HELD_SQL};

}  // namespace

absl::Status EndResetTokens(db::Transaction& transaction, std::string_view app_id,
                            std::string_view user_id,
                            const std::optional<std::string>& primary_id) {
  RETURN_IF_ERROR(transaction.Execute(kEndOwn, {app_id, user_id}).status());
  if (!primary_id.has_value()) return absl::OkStatus();
  return EndResetTokensOfGroup(transaction, app_id, user_id, *primary_id);
}

absl::Status EndResetTokensOfGroup(db::Transaction& transaction, std::string_view app_id,
                                   std::string_view user_id, std::string_view primary_id) {
  if (user_id == primary_id) return absl::OkStatus();
  return transaction.Execute(kEndOfGroup, {app_id, user_id, primary_id}).status();
}

}  // namespace gatehouse::users

#pragma once

#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "gatehouse/users/v1/user_import_service.pb.h"
#include "libs/db/statement.h"
#include "services/users/registry/identity.h"

namespace gatehouse::users {

// A user to import, with the registry's rows of its login methods.
struct ImportUser {
  size_t place = 0;  // in the request
  const v1::UserToImport* user = nullptr;
  std::vector<std::vector<IdentityRow>> rows;  // by login method
  std::vector<std::string> password_hashes;    // by login method; empty: it has none

  bool is_group() const { return user->is_primary() || user->login_methods_size() > 1; }
  const std::string& id() const { return user->login_methods(0).supertokens_user_id(); }
  // The id under which data besides its login methods are stored.
  const std::string& data_id() const {
    return user->external_user_id().empty() ? id() : user->external_user_id();
  }
};

// Reads a user; BAD_INPUT for one that can't be stored, whatever is in the tables.
absl::StatusOr<ImportUser> ReadImportUser(const v1::UserToImport& user, size_t place);

// What of the tables' keys the user takes, so that two users of a batch that want the same are
// found. Every key is at most once in the result; nullopt: two of its login methods want the same.
std::optional<std::set<std::string>> KeysOf(const ImportUser& user);

// Columns, by row: what the statements of an import are given as arrays.
struct ImportRows {
  // app_id_to_user_id, by user id.
  db::TextArray ids, recipes, leads, linked, joined, group_joined;
  // recipe_user_tenants.
  db::TextArray key_users, key_recipes, key_tenants, key_types, key_values, key_parties,
      key_party_users, key_places;
  // recipe_user_account_infos.
  db::TextArray info_users, info_recipes, info_types, info_values, info_parties,
      info_party_users, info_leads;
  // primary_user_tenants.
  db::TextArray held_leads, held_tenants, held_types, held_values, held_places;
  // emailpassword_users.
  db::TextArray password_users, password_emails, password_hashes, password_joined;
  db::TextArray mapped_users, mapped_externals, mapped_places;
  db::TextArray verified_users, verified_emails;
  db::TextArray metadata_users, metadata;
  db::TextArray tenants;  // all of them, by id

  // Places are those of `users`, and for keys "<user>.<login method>.<1 for a phone number>".
  static ImportRows Of(const std::vector<const ImportUser*>& users);
};

}  // namespace gatehouse::users

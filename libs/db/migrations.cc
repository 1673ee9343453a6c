#include "libs/db/migrations.h"

namespace gatehouse::db {

const std::vector<std::string_view>& MigrationOrder() {
  static const auto* const order = new std::vector<std::string_view>{
      "tenants", "jwks", "users",     "thirdparty", "passwordless", "webauthn", "session",
      "roles",   "totp", "dashboard", "oauth",      "saml",         "accounts"};
  return *order;
}

std::vector<std::string_view> TablesOf(std::string_view service) {
  constexpr std::string_view kCreate = "CREATE TABLE IF NOT EXISTS {";
  std::vector<std::string_view> tables;
  for (const Migration& migration : EmbeddedMigrations()) {
    if (migration.service != service) continue;
    for (size_t at = migration.sql.find(kCreate); at != std::string_view::npos;
         at = migration.sql.find(kCreate, at + 1)) {
      const std::string_view rest = migration.sql.substr(at + kCreate.size());
      tables.push_back(rest.substr(0, rest.find('}')));
    }
  }
  return tables;
}

}  // namespace gatehouse::db

#pragma once

#include <string_view>
#include <vector>

namespace gatehouse {

// A row of services/services.json; described in services/README.md.
struct ServiceRow {
  std::string_view name;                // "session"
  bool planned;                         // has tables, but no code yet
  std::vector<std::string_view> calls;  // services that it calls, all of them earlier rows
  std::vector<std::string_view> tables;
  bool keeps_user_data;                   // it offers UserDataService
  std::string_view keeps_credentials_of;  // a recipe id: it offers CredentialsService; or empty
};

// All services, lower ones first: components and tables are created in this order; foreign keys
// point to earlier ones.
const std::vector<ServiceRow>& ServiceTable();

}  // namespace gatehouse

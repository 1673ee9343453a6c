#pragma once

#include <string_view>
#include <vector>

namespace gatehouse {

// A row of services/services.json; services/README.md says what is in it.
struct ServiceRow {
  std::string_view name;                // "session"
  bool planned;                         // has tables, and no code yet
  std::vector<std::string_view> calls;  // services that it calls, all of them earlier rows
  std::vector<std::string_view> tables;
  bool keeps_user_data;                   // it offers UserDataService
  std::string_view keeps_credentials_of;  // a recipe id: it offers CredentialsService; or empty
};

// All services, lower ones first: in this order they are made, and their tables too, whose foreign
// keys point backwards.
const std::vector<ServiceRow>& ServiceTable();

}  // namespace gatehouse

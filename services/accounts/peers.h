#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "gatehouse/common/v1/credentials_service.rpc.h"
#include "gatehouse/common/v1/user_data_service.rpc.h"
#include "gatehouse/users/v1/id_mapping_service.rpc.h"
#include "gatehouse/users/v1/linking_service.rpc.h"
#include "gatehouse/users/v1/registry_service.rpc.h"

namespace gatehouse::accounts {

// The services that accounts works with. All outlive the holder of this.
struct Peers {
  users::v1::LinkingService& linking;
  users::v1::IdMappingService& id_mapping;
  users::v1::RegistryService& registry;
  // Of session: removing a user there ends its sessions.
  common::v1::UserDataService& sessions;
  // Every service that keeps users' data, session among them, in the order they are asked.
  std::vector<std::reference_wrapper<common::v1::UserDataService>> user_data;
  // The services that keep credentials, by recipe id; users itself keeps those of the others.
  std::map<std::string, std::reference_wrapper<common::v1::CredentialsService>, std::less<>>
      credentials;
};

}  // namespace gatehouse::accounts

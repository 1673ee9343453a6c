#pragma once

#include "gatehouse/passwordless/v1/passwordless_service.rpc.h"
#include "gatehouse/roles/v1/roles_service.rpc.h"
#include "gatehouse/session/v1/session_service.rpc.h"
#include "gatehouse/thirdparty/v1/thirdparty_service.rpc.h"
#include "gatehouse/users/v1/id_mapping_service.rpc.h"
#include "gatehouse/users/v1/linking_service.rpc.h"
#include "gatehouse/users/v1/registry_service.rpc.h"

namespace gatehouse::accounts {

// The services that accounts works with. All outlive the holder of this.
struct Peers {
  users::v1::LinkingService& linking;
  users::v1::IdMappingService& id_mapping;
  users::v1::RegistryService& registry;
  session::v1::SessionService& sessions;
  roles::v1::RolesService& roles;
  thirdparty::v1::ThirdPartyService& third_party;
  passwordless::v1::PasswordlessService& passwordless;
};

}  // namespace gatehouse::accounts

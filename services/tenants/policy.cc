#include "services/tenants/policy.h"

namespace gatehouse::tenants {
namespace {

using namespace rpc::callers;  // NOLINT: the rows below are names of callers and nothing else

// Replies hold providers' secrets, and changes are for who holds the API key: the gateway checks
// it.
const std::vector<std::string_view> kEdge = {kGateway};
// Every process needs the directory, our own included.
const std::vector<std::string_view> kProcesses = {kGateway, kTenants,      kJwks,
                                                  kUsers,   kThirdParty,   kPasswordless,
                                                  kSession, kRoles,        kAccounts};

}  // namespace

rpc::Policy TenantsPolicy() {
  return {
      {"UpsertTenant", kEdge},
      {"GetTenant", kEdge},
      {"ListTenants", kEdge},
      {"RemoveTenant", kEdge},
      {"RemoveApp", kEdge},
      {"RemoveConnectionUriDomain", kEdge},
      {"PutThirdPartyProvider", kEdge},
      {"RemoveThirdPartyProvider", kEdge},
      {"CheckStorage", kEdge},
  };
}

rpc::Policy DirectoryPolicy() {
  return {
      {"WatchTenants", kProcesses},
      // Never queues behind the changes that wait for it.
      {"ConfirmTenants", kProcesses, /*never_blocks=*/true},
      {"GetDirectoryEntries", kProcesses},
  };
}

rpc::Policy AppSettingsPolicy() {
  return {
      {"GetOrCreateSetting", {kSession}},
      {"GetSetting", {kGateway, kJwks, kSession}},
      {"SetSetting", {kGateway}},
      {"DeleteSetting", {kJwks}},
  };
}

rpc::Policy ActivityLogPolicy() { return {{"AppendActivities", {kUsers, kSession}}}; }

}  // namespace gatehouse::tenants

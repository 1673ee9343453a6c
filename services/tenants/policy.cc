#include "services/tenants/policy.h"

#include "libs/base/service_table.h"

namespace gatehouse::tenants {
namespace {

using namespace rpc::callers;  // NOLINT: the rows below are names of callers and nothing else

// Replies contain providers' secrets, and changes require the API key: the gateway checks it.
const std::vector<std::string_view> kEdge = {kGateway};

// Every process needs the directory, this one included.
std::vector<std::string_view> Processes() {
  std::vector<std::string_view> all = {kGateway};
  for (const ServiceRow& service : ServiceTable()) {
    if (!service.planned) all.push_back(service.name);
  }
  return all;
}

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
  const std::vector<std::string_view> processes = Processes();
  return {
      {"WatchTenants", processes},
      {"GetDirectoryEntries", processes},
  };
}

rpc::Policy AppSettingsPolicy() {
  return {
      {"GetOrCreateSetting", {kSession, kSaml}},
      {"GetSetting", {kGateway, kJwks, kSaml}},
      {"SetSetting", {kGateway}},
      {"DeleteSetting", {kJwks}},
  };
}

rpc::Policy ActivityLogPolicy() { return {{"AppendActivities", {kUsers, kSession, kSaml}}}; }

}  // namespace gatehouse::tenants

#include "services/saml/policy.h"

namespace gatehouse::saml {

using rpc::callers::kGateway;

// Who changes a client decides who may sign in, and codes stand for people: for the gateway only,
// which checks the API key.
rpc::Policy SamlPolicy() {
  return {
      {.method = "PutClient", .callers = {kGateway}},
      {.method = "ListClients", .callers = {kGateway}},
      {.method = "RemoveClient", .callers = {kGateway}},
      {.method = "StartLogin", .callers = {kGateway}},
      {.method = "GetLoginForm", .callers = {kGateway}},
      {.method = "FinishLogin", .callers = {kGateway}},
      {.method = "ExchangeCode", .callers = {kGateway}},
      {.method = "CheckClientSecret", .callers = {kGateway}},
      {.method = "GetServiceMetadata", .callers = {kGateway}},
  };
}

}  // namespace gatehouse::saml

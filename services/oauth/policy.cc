#include "services/oauth/policy.h"

namespace gatehouse::oauth {

using rpc::callers::kClient;
using rpc::callers::kGateway;

rpc::Policy OAuthClientPolicy() {
  return {
      {.method = "CreateClient", .callers = {kGateway, kClient}},
      {.method = "GetClient", .callers = {kGateway, kClient}},
      {.method = "UpdateClient", .callers = {kGateway, kClient}},
      {.method = "ListClients", .callers = {kGateway, kClient}},
      {.method = "DeleteClient", .callers = {kGateway, kClient}},
  };
}

rpc::Policy OAuthFlowPolicy() {
  return {
      {.method = "Authorize", .callers = {kGateway, kClient}},
      {.method = "GetLoginRequest", .callers = {kGateway, kClient}},
      {.method = "AcceptLogin", .callers = {kGateway, kClient}},
      {.method = "RejectLogin", .callers = {kGateway, kClient}},
      {.method = "GetConsentRequest", .callers = {kGateway, kClient}},
      {.method = "AcceptConsent", .callers = {kGateway, kClient}},
      {.method = "RejectConsent", .callers = {kGateway, kClient}},
  };
}

rpc::Policy OAuthLogoutPolicy() {
  return {
      {.method = "RequestLogout", .callers = {kGateway, kClient}},
      {.method = "AcceptLogout", .callers = {kGateway, kClient}},
      {.method = "RejectLogout", .callers = {kGateway, kClient}},
  };
}

rpc::Policy OAuthTokenPolicy() {
  return {
      {.method = "IssueTokens", .callers = {kGateway, kClient}},
      {.method = "IntrospectToken", .callers = {kGateway, kClient}},
      {.method = "RevokeToken", .callers = {kGateway, kClient}},
      {.method = "RevokeTokensOfClient", .callers = {kGateway, kClient}},
      {.method = "RevokeTokensOfSession", .callers = {kGateway, kClient}},
  };
}

}  // namespace gatehouse::oauth

#include "gateway/routes/session_routes.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "gatehouse/session/v1/session_service.rpc.h"
#include "gateway/api/lent_scope.h"
#include "gateway/api/route_group.h"
#include "gateway/json_input.h"
#include "gateway/routes/app_checks.h"
#include "gateway/routes/session_json.h"
#include "libs/base/json.h"
#include "libs/base/may_block.h"
#include "libs/base/status.h"
#include "libs/base/steady_time.h"
#include "libs/config/refresh_limit.h"
#include "libs/tenancy/tenant_directory.h"

namespace gatehouse::gateway {
namespace {

namespace v1 = session::v1;
// The parts that the handlers use.
struct Backend {
  v1::SessionServiceClient service;
  const tenancy::TenantDirectory& tenants;

  v1::SessionService* operator->() { return &service; }
};

constexpr char kNoSession[] = "Session does not exist.";

bool IsLegacy(const ApiRequest& request) { return request.cdi < cdi::k2_21; }
bool RotatesEagerly(const ApiRequest& request) { return request.cdi >= cdi::k5_6; }

Reply Unauthorised(std::string_view message) {
  return JsonReply(json::Value::Object({{"status", "UNAUTHORISED"}, {"message", message}}));
}

// POST /recipe/session.
absl::StatusOr<Reply> Create(ApiRequest& request, Backend& sessions) {
  ASSIGN_OR_RETURN(const json::Value* body, request.JsonBody());
  v1::CreateSessionRequest call;
  ASSIGN_OR_RETURN(*call.mutable_user_id(), RequireString(*body, "userId"));
  ASSIGN_OR_RETURN(const bool anti_csrf, RequireBool(*body, "enableAntiCsrf"));
  call.set_enable_anti_csrf(anti_csrf);
  ASSIGN_OR_RETURN(const json::Value* in_jwt, RequireObject(*body, "userDataInJWT"));
  call.set_user_data_in_jwt_json(json::Serialize(*in_jwt));
  ASSIGN_OR_RETURN(const json::Value* in_database, RequireObject(*body, "userDataInDatabase"));
  call.set_user_data_in_database_json(json::Serialize(*in_database));
  if (RotatesEagerly(request)) {
    ASSIGN_OR_RETURN(const auto validity, OptionalInt64(*body, "accessTokenValidity"));
    if (validity.has_value()) call.set_access_token_validity_ms(*validity);
  }
  if (!IsLegacy(request)) {
    ASSIGN_OR_RETURN(const auto dynamic, OptionalBool(*body, "useDynamicSigningKey"));
    call.set_use_static_key(!dynamic.value_or(true));
  }
  call.set_access_token_version(AccessTokenVersionOf(request.cdi));
  call.set_legacy(IsLegacy(request));
  const LentScope lent(request, call);
  ASSIGN_OR_RETURN(const auto response, sessions->CreateSession(request.context, call));

  return ObjectReply([&](json::ObjectWriter& reply) {
    AddIssuedSession(response.issued(), request.cdi, reply);
    reply.Add("status", "OK");
    if (IsLegacy(request)) AddLegacyKeys(response.legacy_keys(), request.cdi, reply);
  });
}

// POST /recipe/session/verify.
absl::StatusOr<Reply> Verify(ApiRequest& request, Backend& sessions) {
  ASSIGN_OR_RETURN(const json::Value* body, request.JsonBody());
  v1::VerifySessionRequest call;
  ASSIGN_OR_RETURN(*call.mutable_access_token(), RequireString(*body, "accessToken"));
  ASSIGN_OR_RETURN(auto anti_csrf_token, OptionalString(*body, "antiCsrfToken"));
  if (anti_csrf_token.has_value()) call.set_anti_csrf_token(*std::move(anti_csrf_token));
  ASSIGN_OR_RETURN(const bool do_check, RequireBool(*body, "doAntiCsrfCheck"));
  call.set_do_anti_csrf_check(do_check);
  ASSIGN_OR_RETURN(const bool anti_csrf, RequireBool(*body, "enableAntiCsrf"));
  call.set_enable_anti_csrf(anti_csrf);
  if (RotatesEagerly(request)) {
    RETURN_IF_ERROR(RequireAppThenPublicTenant(sessions.tenants, request));
  }
  if (!IsLegacy(request)) {
    ASSIGN_OR_RETURN(const bool check_database, RequireBool(*body, "checkDatabase"));
    call.set_check_database(check_database);
    // All of it on a worker then: the I/O threads would do it twice, and keep others waiting.
    if (check_database && !MayBlock()) return WouldBlock();
  }
  call.set_stateless(RotatesEagerly(request));
  call.set_legacy(IsLegacy(request));
  const LentScope lent(request, call);
  ASSIGN_OR_RETURN(const auto response, sessions->VerifySession(request.context, call));

  if (response.has_unauthorised_message()) return Unauthorised(response.unauthorised_message());
  return ObjectReply([&](json::ObjectWriter& reply) {
    if (response.has_try_refresh_token_message()) {
      reply.Add("status", "TRY_REFRESH_TOKEN");
      if (IsLegacy(request)) AddLegacyKeys(response.legacy_keys(), request.cdi, reply);
      reply.Add("message", response.try_refresh_token_message());
      return;
    }
    const auto& verified = response.verified();
    AddSession(verified.session(), request.cdi, reply);
    if (verified.has_access_token()) AddToken("accessToken", verified.access_token(), reply);
    if (verified.has_payload_update_available()) {
      reply.Add("payloadUpdateAvailable", verified.payload_update_available());
    }
    reply.Add("status", "OK");
    if (IsLegacy(request)) AddLegacyKeys(response.legacy_keys(), request.cdi, reply);
  });
}

std::string_view ReuseSubtypeName(v1::ReuseSubtype subtype) {
  switch (subtype) {
    case v1::REUSE_SUBTYPE_RECENT_PREV:
      return "RECENT_PREV";
    case v1::REUSE_SUBTYPE_ORPHANED_BRANCH:
      return "ORPHANED_BRANCH";
    case v1::REUSE_SUBTYPE_STALE_LINEAGE:
      return "STALE_LINEAGE";
    default:
      return "";
  }
}

void AddReuseSubtype(v1::ReuseSubtype subtype, json::ObjectWriter& reply) {
  if (const auto name = ReuseSubtypeName(subtype); !name.empty()) {
    reply.Add("recentTokenReuseSubtype", name);
  }
}

// POST /recipe/session/refresh.
absl::StatusOr<Reply> Refresh(ApiRequest& request, Backend& sessions) {
  ASSIGN_OR_RETURN(const json::Value* body, request.JsonBody());
  v1::RefreshSessionRequest call;
  ASSIGN_OR_RETURN(*call.mutable_refresh_token(), RequireString(*body, "refreshToken"));
  ASSIGN_OR_RETURN(auto anti_csrf_token, OptionalString(*body, "antiCsrfToken"));
  if (anti_csrf_token.has_value()) call.set_anti_csrf_token(*std::move(anti_csrf_token));
  ASSIGN_OR_RETURN(const bool anti_csrf, RequireBool(*body, "enableAntiCsrf"));
  call.set_enable_anti_csrf(anti_csrf);
  if (request.cdi >= cdi::k5_0) {
    ASSIGN_OR_RETURN(const bool dynamic, RequireBool(*body, "useDynamicSigningKey"));
    call.set_use_static_key(!dynamic);
  } else if (request.cdi >= cdi::k3_0) {
    ASSIGN_OR_RETURN(const auto dynamic, OptionalBool(*body, "useDynamicSigningKey"));
    if (dynamic.has_value()) call.set_use_static_key(!*dynamic);
  }
  if (RotatesEagerly(request)) {
    ASSIGN_OR_RETURN(const auto validity, OptionalInt64(*body, "accessTokenValidity"));
    if (validity.has_value()) call.set_access_token_validity_ms(*validity);
  }
  call.set_access_token_version(AccessTokenVersionOf(request.cdi));
  call.set_eager_rotation(RotatesEagerly(request));
  call.set_legacy(IsLegacy(request));
  const LentScope lent(request, call);
  if (RotatesEagerly(request)) {
    const auto app = sessions.tenants.FindApp(request.scope, request.context.deadline);
    if (app.ok()) {
      request.context.deadline =
          std::min(request.context.deadline, SteadyNow() + config::RefreshLimit(*(*app)->config) +
                                                 config::kRefreshReplyMargin);
    }
  }
  ASSIGN_OR_RETURN(const auto response, sessions->RefreshSession(request.context, call));

  return ObjectReply([&](json::ObjectWriter& reply) {
    if (response.has_unauthorised()) {
      reply.Add("status", "UNAUTHORISED");
      reply.Add("message", response.unauthorised().message());
      AddReuseSubtype(response.unauthorised().reuse_subtype(), reply);
    } else if (response.has_token_theft()) {
      const auto& theft = response.token_theft();
      reply.Add("status", "TOKEN_THEFT_DETECTED");
      json::ObjectWriter session = reply.AddObject("session");
      session.Add("handle", theft.handle());
      session.Add("userId", theft.user_id());
      session.Add("recipeUserId", theft.recipe_user_id());
      session.End();
      AddReuseSubtype(theft.reuse_subtype(), reply);
    } else {
      AddIssuedSession(response.issued(), request.cdi, reply);
      reply.Add("status", "OK");
    }
  });
}

// POST /recipe/session/regenerate.
absl::StatusOr<Reply> Regenerate(ApiRequest& request, Backend& sessions) {
  ASSIGN_OR_RETURN(const json::Value* body, request.JsonBody());
  v1::RegenerateSessionRequest call;
  ASSIGN_OR_RETURN(*call.mutable_access_token(), RequireString(*body, "accessToken"));
  ASSIGN_OR_RETURN(const json::Value* in_jwt, OptionalObject(*body, "userDataInJWT"));
  if (in_jwt != nullptr) call.set_user_data_in_jwt_json(json::Serialize(*in_jwt));
  call.set_check_protected_claims(!IsLegacy(request));
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(const auto response, sessions->RegenerateSession(request.context, call));

  if (response.has_unauthorised_message()) return Unauthorised(response.unauthorised_message());
  const auto& regenerated = response.regenerated();
  return ObjectReply([&](json::ObjectWriter& reply) {
    AddSession(regenerated.session(), request.cdi, reply);
    if (regenerated.has_access_token()) AddToken("accessToken", regenerated.access_token(), reply);
    reply.Add("status", "OK");
  });
}

absl::StatusOr<v1::GetSessionResponse> Fetch(ApiRequest& request, Backend& sessions,
                                             bool resolve_user) {
  v1::GetSessionRequest call;
  ASSIGN_OR_RETURN(*call.mutable_handle(), request.RequireQuery("sessionHandle"));
  call.set_resolve_user(resolve_user);
  const LentScope lent(request, call);
  return sessions->GetSession(request.context, call);
}

// GET /recipe/session.
absl::StatusOr<Reply> Get(ApiRequest& request, Backend& sessions) {
  ASSIGN_OR_RETURN(const auto response, Fetch(request, sessions, /*resolve_user=*/true));
  if (!response.has_session()) return Unauthorised(kNoSession);
  const auto& session = response.session();
  return ObjectReply([&](json::ObjectWriter& reply) {
    reply.Add("sessionHandle", session.handle());
    reply.Add("userId", session.user_id());
    if (request.cdi >= cdi::k4_0) reply.Add("recipeUserId", session.recipe_user_id());
    reply.AddJson("userDataInDatabase", EmbeddedJson(session.user_data_in_database_json()));
    reply.Add("expiry", session.expiry_ms());
    reply.AddJson("userDataInJWT", EmbeddedJson(session.user_data_in_jwt_json()));
    reply.Add("timeCreated", session.created_ms());
    reply.Add("status", "OK");
    if (request.cdi >= cdi::k3_0) reply.Add("tenantId", session.tenant_id());
  });
}

// GET /recipe/session/data.
absl::StatusOr<Reply> GetSessionData(ApiRequest& request, Backend& sessions) {
  ASSIGN_OR_RETURN(const auto response, Fetch(request, sessions, /*resolve_user=*/false));
  if (!response.has_session()) return Unauthorised(kNoSession);
  return ObjectReply([&](json::ObjectWriter& reply) {
    reply.Add("status", "OK");
    reply.AddJson("userDataInDatabase", EmbeddedJson(response.session().user_data_in_database_json()));
  });
}

// GET /recipe/jwt/data.
absl::StatusOr<Reply> GetJwtData(ApiRequest& request, Backend& sessions) {
  ASSIGN_OR_RETURN(const auto response, Fetch(request, sessions, /*resolve_user=*/false));
  if (!response.has_session()) return Unauthorised(kNoSession);
  return ObjectReply([&](json::ObjectWriter& reply) {
    reply.Add("status", "OK");
    reply.AddJson("userDataInJWT", EmbeddedJson(response.session().user_data_in_jwt_json()));
  });
}

absl::StatusOr<Reply> Update(ApiRequest& request, Backend& sessions,
                             v1::UpdateSessionRequest& call) {
  const LentScope lent(request, call);
  ASSIGN_OR_RETURN(const auto response, sessions->UpdateSession(request.context, call));
  return response.found() ? StatusReply("OK") : Unauthorised(kNoSession);
}

// PUT /recipe/session/data.
absl::StatusOr<Reply> PutSessionData(ApiRequest& request, Backend& sessions) {
  ASSIGN_OR_RETURN(const json::Value* body, request.JsonBody());
  v1::UpdateSessionRequest call;
  ASSIGN_OR_RETURN(*call.mutable_handle(), RequireString(*body, "sessionHandle"));
  ASSIGN_OR_RETURN(const json::Value* data, RequireObject(*body, "userDataInDatabase"));
  call.set_user_data_in_database_json(json::Serialize(*data));
  return Update(request, sessions, call);
}

// PUT /recipe/jwt/data.
absl::StatusOr<Reply> PutJwtData(ApiRequest& request, Backend& sessions) {
  ASSIGN_OR_RETURN(const json::Value* body, request.JsonBody());
  v1::UpdateSessionRequest call;
  ASSIGN_OR_RETURN(*call.mutable_handle(), RequireString(*body, "sessionHandle"));
  ASSIGN_OR_RETURN(const json::Value* data, RequireObject(*body, "userDataInJWT"));
  call.set_user_data_in_jwt_json(json::Serialize(*data));
  if (!IsLegacy(request)) call.set_protected_claims_of(AccessTokenVersionOf(request.cdi));
  return Update(request, sessions, call);
}

json::Value HandleList(const google::protobuf::RepeatedPtrField<std::string>& handles) {
  json::Array list;
  for (const std::string& handle : handles) list.emplace_back(handle);
  return json::Value::Array(std::move(list));
}

bool QueryFlag(const ApiRequest& request, std::string_view name) {
  const auto value = request.Query(name);
  return !value.has_value() || absl::EqualsIgnoreCase(std::string(*value), "true");
}

// GET /recipe/session/user.
absl::StatusOr<Reply> ListOfUser(ApiRequest& request, Backend& sessions) {
  v1::ListUserSessionsRequest call;
  ASSIGN_OR_RETURN(*call.mutable_user_id(), request.RequireQuery("userId"));
  call.set_across_all_tenants(QueryFlag(request, "fetchAcrossAllTenants"));
  call.set_include_linked(QueryFlag(request, "fetchSessionsForAllLinkedAccounts"));
  if (call.across_all_tenants())
    RETURN_IF_ERROR(RequireAppThenPublicTenant(sessions.tenants, request));
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(const auto response, sessions->ListUserSessions(request.context, call));
  return JsonReply(
      json::Value::Object({{"status", "OK"}, {"sessionHandles", HandleList(response.handles())}}));
}

Reply Revoked(const google::protobuf::RepeatedPtrField<std::string>& handles) {
  return JsonReply(
      json::Value::Object({{"status", "OK"}, {"sessionHandlesRevoked", HandleList(handles)}}));
}

// POST /recipe/session/remove.
absl::StatusOr<Reply> Remove(ApiRequest& request, Backend& sessions) {
  ASSIGN_OR_RETURN(const json::Value* body, request.JsonBody());
  ASSIGN_OR_RETURN(auto user_id, OptionalString(*body, "userId"));
  ASSIGN_OR_RETURN(auto handles, OptionalStringArray(*body, "sessionHandles"));
  if (user_id.has_value() == handles.has_value()) {
    return BadInput("Invalid JSON input - use one of userId or sessionHandles array");
  }
  ASSIGN_OR_RETURN(const auto across, OptionalBool(*body, "revokeAcrossAllTenants"));
  if (!user_id.has_value() && across.has_value()) {
    return BadInput("Invalid JSON input - revokeAcrossAllTenants can only be set if userId is set");
  }
  ASSIGN_OR_RETURN(const auto linked, OptionalBool(*body, "revokeSessionsForLinkedAccounts"));
  if (!user_id.has_value() && linked.has_value()) {
    return BadInput(
        "Invalid JSON input - revokeSessionsForLinkedAccounts can only be set if userId is set");
  }

  if (handles.has_value()) {
    v1::RevokeSessionsRequest call;
    for (std::string& handle : *handles) call.add_handles(std::move(handle));
    *call.mutable_scope() = request.scope;
    ASSIGN_OR_RETURN(const auto response, sessions->RevokeSessions(request.context, call));
    return Revoked(response.revoked_handles());
  }
  v1::RevokeUserSessionsRequest call;
  call.set_user_id(*std::move(user_id));
  call.set_across_all_tenants(across.value_or(true));
  call.set_include_linked(linked.value_or(true));
  if (call.across_all_tenants())
    RETURN_IF_ERROR(RequireAppThenPublicTenant(sessions.tenants, request));
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(const auto response, sessions->RevokeUserSessions(request.context, call));
  return Revoked(response.revoked_handles());
}

// POST /recipe/handshake.
absl::StatusOr<Reply> Handshake(ApiRequest& request, Backend& sessions) {
  if (!IsLegacy(request)) return MakeError(ErrorReason::kNotFound, "Not found");
  v1::GetHandshakeRequest call;
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(const auto response, sessions->GetHandshake(request.context, call));
  return ObjectReply([&](json::ObjectWriter& reply) {
    reply.Add("status", "OK");
    AddLegacyKeys(response.legacy_keys(), request.cdi, reply);
    reply.Add("accessTokenBlacklistingEnabled", response.access_token_blacklisting());
    reply.Add("accessTokenValidity", response.access_token_validity_ms());
    reply.Add("refreshTokenValidity", response.refresh_token_validity_ms());
  });
}

}  // namespace

void AddSessionRoutes(RouteTable& routes, rpc::Channel& session,
                      const tenancy::TenantDirectory& tenants) {
  const RouteGroup group(
      routes, "session",
      std::make_shared<Backend>(Backend{v1::SessionServiceClient(session), tenants}));
  group.Add(HttpMethod::kPost, "/recipe/session", Create);
  group.Add(HttpMethod::kGet, "/recipe/session", Get);
  group.Add(HttpMethod::kPost, "/recipe/session/verify", Verify, {.from_memory = true});
  group.Add(HttpMethod::kPost, "/recipe/session/refresh", Refresh);
  group.Add(HttpMethod::kPost, "/recipe/session/regenerate", Regenerate);
  group.Add(HttpMethod::kGet, "/recipe/session/data", GetSessionData);
  group.Add(HttpMethod::kPut, "/recipe/session/data", PutSessionData);
  group.Add(HttpMethod::kGet, "/recipe/jwt/data", GetJwtData);
  group.Add(HttpMethod::kPut, "/recipe/jwt/data", PutJwtData);
  group.Add(HttpMethod::kGet, "/recipe/session/user", ListOfUser);
  group.Add(HttpMethod::kPost, "/recipe/session/remove", Remove);
  group.Add(HttpMethod::kPost, "/recipe/handshake", Handshake);
}

}  // namespace gatehouse::gateway

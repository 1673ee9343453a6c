#include "gateway/routes/webauthn_routes.h"

#include <cmath>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gatehouse/webauthn/v1/webauthn_service.rpc.h"
#include "gateway/api/route_group.h"
#include "gateway/json_input.h"
#include "gateway/routes/user_json.h"
#include "libs/base/status.h"
#include "libs/crypto/bytes.h"

namespace gatehouse::gateway {
namespace {

namespace v1 = webauthn::v1;
using json::Value;

struct Clients {
  v1::WebauthnServiceClient webauthn;
};

// COSE's numbers of EdDSA, ES256 and RS256.
constexpr int64_t kDefaultAlgorithms[] = {-8, -7, -257};
constexpr size_t kMaxAlgorithms = 1000;

Reply ReasonReply(std::string_view status, std::string_view reason) {
  return JsonReply(Value::Object({{"status", status}, {"reason", reason}}));
}

Reply RefusalReply(const v1::Refusal& refusal) {
  switch (refusal.kind()) {
    case v1::Refusal::KIND_INVALID_OPTIONS:
      return ReasonReply("INVALID_OPTIONS_ERROR", refusal.reason());
    case v1::Refusal::KIND_INVALID_CREDENTIAL:
      return ReasonReply("INVALID_CREDENTIALS_ERROR", refusal.reason());
    default:
      return ReasonReply("INVALID_AUTHENTICATOR_ERROR", refusal.reason());
  }
}

// From 5.5 on, options can be used once. Before, SDKs verify an assertion twice.
bool UsesUpOptions(const ApiRequest& request) { return request.cdi >= cdi::k5_5; }

absl::StatusOr<v1::RelyingParty> ReadRelyingParty(const Value& body) {
  v1::RelyingParty relying_party;
  ASSIGN_OR_RETURN(*relying_party.mutable_name(), RequireString(body, "relyingPartyName"));
  ASSIGN_OR_RETURN(*relying_party.mutable_id(), RequireString(body, "relyingPartyId"));
  ASSIGN_OR_RETURN(*relying_party.mutable_origin(), RequireString(body, "origin"));
  return relying_party;
}

// A number as Gson reads a long; nullopt: a string that is none. Other types are BAD_INPUT.
absl::StatusOr<std::optional<int64_t>> ReadAlgorithm(const Value& value) {
  if (value.is_array() && value.size() == 1) return ReadAlgorithm(value.elements().front());
  std::optional<std::string_view> text = value.AsString();
  if (!text.has_value()) text = value.AsNumberText();
  if (text.has_value()) {
    if (const auto integer = Value::NumberText(std::string(*text)).AsInt64()) return integer;
    const auto number = value.AsDouble();
    if (number.has_value() && std::abs(*number) < 1e15) return static_cast<int64_t>(*number);
    return std::nullopt;
  }
  if (value.is_bool()) return std::nullopt;
  return InvalidField("supportedAlgorithmIDs");
}

// The reason why it is none, or the list.
struct Algorithms {
  std::vector<int64_t> ids;
  std::optional<std::string> invalid;
};
absl::StatusOr<Algorithms> ReadAlgorithms(const Value* list) {
  Algorithms algorithms;
  if (list == nullptr) {
    algorithms.ids.assign(std::begin(kDefaultAlgorithms), std::end(kDefaultAlgorithms));
    return algorithms;
  }
  if (list->size() > kMaxAlgorithms) return InvalidField("supportedAlgorithmIDs");
  for (const Value& element : list->elements()) {
    ASSIGN_OR_RETURN(const std::optional<int64_t> id, ReadAlgorithm(element));
    if (!id.has_value()) {
      algorithms.invalid = "An algorithm id is no number";
      return algorithms;
    }
    algorithms.ids.push_back(*id);
  }
  return algorithms;
}

// POST /recipe/webauthn/options/register {email, displayName?, relyingPartyName, relyingPartyId,
// origin, timeout?, attestation?, residentKey?, userVerification?, userPresence?,
// supportedAlgorithmIDs?}
absl::StatusOr<Reply> CreateRegistrationOptions(ApiRequest& request, Clients& clients) {
  ASSIGN_OR_RETURN(const Value* body, request.JsonBody());
  v1::CreateRegistrationOptionsRequest call;
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(*call.mutable_email(), RequireString(*body, "email"));
  ASSIGN_OR_RETURN(const auto display_name, OptionalString(*body, "displayName"));
  ASSIGN_OR_RETURN(*call.mutable_relying_party(), ReadRelyingParty(*body));
  v1::Demands& demands = *call.mutable_demands();
  ASSIGN_OR_RETURN(const auto timeout, OptionalInt64(*body, "timeout"));
  ASSIGN_OR_RETURN(const auto attestation, OptionalString(*body, "attestation"));
  ASSIGN_OR_RETURN(const auto resident_key, OptionalString(*body, "residentKey"));
  ASSIGN_OR_RETURN(const auto verification, OptionalString(*body, "userVerification"));
  ASSIGN_OR_RETURN(const auto presence, OptionalBool(*body, "userPresence"));
  ASSIGN_OR_RETURN(const Value* list, OptionalArray(*body, "supportedAlgorithmIDs"));
  ASSIGN_OR_RETURN(const Algorithms algorithms, ReadAlgorithms(list));
  if (algorithms.invalid) return ReasonReply("INVALID_OPTIONS_ERROR", *algorithms.invalid);
  if (timeout) demands.set_timeout_ms(*timeout);
  if (attestation) call.set_attestation(*attestation);
  if (resident_key) call.set_resident_key(*resident_key);
  if (verification) demands.set_user_verification(*verification);
  demands.set_user_presence(presence.value_or(false));
  ASSIGN_OR_RETURN(const auto reply,
                   clients.webauthn.CreateRegistrationOptions(request.context, call));
  if (!reply.has_created()) return ReasonReply("INVALID_OPTIONS_ERROR", reply.invalid());
  const auto& created = reply.created();
  const v1::Options& options = created.options();
  Value parameters = Value::Array();
  for (const int64_t id : algorithms.ids) {
    parameters.Append(Value::Object({{"alg", id}, {"type", "public-key"}}));
  }
  const bool has_name = display_name.has_value() && !display_name->empty();
  return JsonReply(Value::Object(
      {{"webauthnGeneratedOptionsId", options.id()},
       {"rp", Value::Object({{"id", options.relying_party().id()},
                             {"name", options.relying_party().name()}})},
       {"user", Value::Object({{"id", crypto::Base64UrlEncode(created.user_handle())},
                               {"name", options.email()},
                               {"displayName", has_name ? *display_name : options.email()}})},
       {"email", options.email()},
       {"timeout", options.expires_at_ms() - options.created_at_ms()},
       {"challenge", options.challenge()},
       {"attestation", created.attestation()},
       {"createdAt", options.created_at_ms()},
       {"expiresAt", options.expires_at_ms()},
       {"pubKeyCredParams", std::move(parameters)},
       {"excludeCredentials", Value::Array()},
       {"authenticatorSelection",
        Value::Object({{"requireResidentKey", created.resident_key() == "required"},
                       {"residentKey", created.resident_key()},
                       {"userVerification", options.user_verification()}})},
       {"status", "OK"}}));
}

// POST /recipe/webauthn/options/signin {relyingPartyId, relyingPartyName, origin, timeout?,
// userVerification?, userPresence?}
absl::StatusOr<Reply> CreateSignInOptions(ApiRequest& request, Clients& clients) {
  ASSIGN_OR_RETURN(const Value* body, request.JsonBody());
  v1::CreateSignInOptionsRequest call;
  *call.mutable_scope() = request.scope;
  v1::RelyingParty& relying_party = *call.mutable_relying_party();
  ASSIGN_OR_RETURN(*relying_party.mutable_id(), RequireString(*body, "relyingPartyId"));
  ASSIGN_OR_RETURN(*relying_party.mutable_name(), RequireString(*body, "relyingPartyName"));
  ASSIGN_OR_RETURN(*relying_party.mutable_origin(), RequireString(*body, "origin"));
  ASSIGN_OR_RETURN(const auto timeout, OptionalInt64(*body, "timeout"));
  ASSIGN_OR_RETURN(const auto verification, OptionalString(*body, "userVerification"));
  ASSIGN_OR_RETURN(const auto presence, OptionalBool(*body, "userPresence"));
  if (timeout) call.mutable_demands()->set_timeout_ms(*timeout);
  if (verification) call.mutable_demands()->set_user_verification(*verification);
  call.mutable_demands()->set_user_presence(presence.value_or(false));
  ASSIGN_OR_RETURN(const auto reply, clients.webauthn.CreateSignInOptions(request.context, call));
  if (!reply.has_options()) return ReasonReply("INVALID_OPTIONS_ERROR", reply.invalid());
  const v1::Options& options = reply.options();
  return JsonReply(Value::Object({{"webauthnGeneratedOptionsId", options.id()},
                                  {"relyingPartyId", options.relying_party().id()},
                                  {"challenge", options.challenge()},
                                  {"timeout", options.expires_at_ms() - options.created_at_ms()},
                                  {"userVerification", options.user_verification()},
                                  {"userPresence", options.user_presence()},
                                  {"createdAt", options.created_at_ms()},
                                  {"expiresAt", options.expires_at_ms()},
                                  {"status", "OK"}}));
}

// GET /recipe/webauthn/options?webauthnGeneratedOptionsId
absl::StatusOr<Reply> GetOptions(ApiRequest& request, Clients& clients) {
  v1::GetOptionsRequest call;
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(*call.mutable_options_id(), request.RequireQuery("webauthnGeneratedOptionsId"));
  ASSIGN_OR_RETURN(const auto reply, clients.webauthn.GetOptions(request.context, call));
  if (!reply.has_options()) return StatusReply("OPTIONS_NOT_FOUND_ERROR");
  const v1::Options& options = reply.options();
  return JsonReply(
      Value::Object({{"status", "OK"},
                     {"webauthnGeneratedOptionsId", options.id()},
                     {"relyingPartyId", options.relying_party().id()},
                     {"relyingPartyName", options.relying_party().name()},
                     {"challenge", options.challenge()},
                     {"timeout", options.expires_at_ms() - options.created_at_ms()},
                     {"origin", options.relying_party().origin()},
                     {"email", options.has_email() ? Value(options.email()) : Value::Null()},
                     {"createdAt", options.created_at_ms()},
                     {"expiresAt", options.expires_at_ms()},
                     {"userVerification", options.user_verification()},
                     {"userPresence", options.user_presence()}}));
}

// DELETE /recipe/webauthn/options/remove?webauthnGeneratedOptionsId
absl::StatusOr<Reply> RemoveOptions(ApiRequest& request, Clients& clients) {
  v1::RemoveOptionsRequest call;
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(*call.mutable_options_id(), request.RequireQuery("webauthnGeneratedOptionsId"));
  ASSIGN_OR_RETURN(const auto reply, clients.webauthn.RemoveOptions(request.context, call));
  return StatusReply(reply.existed() ? "OK" : "OPTIONS_NOT_FOUND_ERROR");
}

// POST /recipe/webauthn/signup {webauthnGeneratedOptionsId, credential}
absl::StatusOr<Reply> SignUp(ApiRequest& request, Clients& clients) {
  ASSIGN_OR_RETURN(const Value* body, request.JsonBody());
  v1::SignUpRequest call;
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(*call.mutable_options_id(), RequireString(*body, "webauthnGeneratedOptionsId"));
  ASSIGN_OR_RETURN(const Value* credential, RequireObject(*body, "credential"));
  call.set_credential_json(json::Serialize(*credential));
  call.set_use_up_options(UsesUpOptions(request));
  ASSIGN_OR_RETURN(const auto reply, clients.webauthn.SignUp(request.context, call));
  if (reply.has_refusal()) return RefusalReply(reply.refusal());
  if (reply.has_options_not_found()) return StatusReply("OPTIONS_NOT_FOUND_ERROR");
  if (!reply.has_signed_up()) return StatusReply("EMAIL_ALREADY_EXISTS_ERROR");
  const auto& signed_up = reply.signed_up();
  return ObjectReply([&](json::ObjectWriter& out) {
    out.Add("status", "OK");
    AppendWholeUser(signed_up.user(), request.cdi, out.AddValue("user"));
    out.Add("webauthnCredentialId", signed_up.credential_id());
    out.Add("relyingPartyId", signed_up.relying_party().id());
    out.Add("relyingPartyName", signed_up.relying_party().name());
    out.Add("recipeUserId", signed_up.recipe_user_id());
  });
}

// POST /recipe/webauthn/signin {webauthnGeneratedOptionsId, credential}
absl::StatusOr<Reply> SignIn(ApiRequest& request, Clients& clients) {
  ASSIGN_OR_RETURN(const Value* body, request.JsonBody());
  v1::SignInRequest call;
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(*call.mutable_options_id(), RequireString(*body, "webauthnGeneratedOptionsId"));
  ASSIGN_OR_RETURN(const Value* credential, RequireObject(*body, "credential"));
  call.set_credential_json(json::Serialize(*credential));
  call.set_use_up_options(UsesUpOptions(request));
  ASSIGN_OR_RETURN(const auto reply, clients.webauthn.SignIn(request.context, call));
  if (reply.has_refusal()) return RefusalReply(reply.refusal());
  if (reply.has_options_not_found()) return StatusReply("OPTIONS_NOT_FOUND_ERROR");
  if (reply.has_credential_not_found()) return StatusReply("CREDENTIAL_NOT_FOUND_ERROR");
  if (!reply.has_signed_in()) return StatusReply("UNKNOWN_USER_ID_ERROR");
  return ObjectReply([&](json::ObjectWriter& out) {
    out.Add("status", "OK");
    AppendWholeUser(reply.signed_in().user(), request.cdi, out.AddValue("user"));
    out.Add("recipeUserId", reply.signed_in().recipe_user_id());
  });
}

// POST /recipe/webauthn/user/credential/register {recipeUserId, webauthnGeneratedOptionsId,
// credential}
absl::StatusOr<Reply> RegisterCredential(ApiRequest& request, Clients& clients) {
  ASSIGN_OR_RETURN(const Value* body, request.JsonBody());
  v1::RegisterCredentialRequest call;
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(*call.mutable_recipe_user_id(), RequireString(*body, "recipeUserId"));
  ASSIGN_OR_RETURN(*call.mutable_options_id(), RequireString(*body, "webauthnGeneratedOptionsId"));
  ASSIGN_OR_RETURN(const Value* credential, RequireObject(*body, "credential"));
  call.set_credential_json(json::Serialize(*credential));
  call.set_use_up_options(UsesUpOptions(request));
  ASSIGN_OR_RETURN(const auto reply, clients.webauthn.RegisterCredential(request.context, call));
  if (reply.has_refusal()) return RefusalReply(reply.refusal());
  if (reply.has_options_not_found()) return StatusReply("OPTIONS_NOT_FOUND_ERROR");
  if (reply.has_credential_already_exists()) return StatusReply("CREDENTIAL_ALREADY_EXISTS_ERROR");
  if (!reply.has_registered()) return StatusReply("UNKNOWN_USER_ID_ERROR");
  const auto& registered = reply.registered();
  return JsonReply(
      Value::Object({{"status", "OK"},
                     {"webauthnCredentialId", registered.credential_id()},
                     {"recipeUserId", call.recipe_user_id()},
                     {"email", registered.has_email() ? Value(registered.email()) : Value::Null()},
                     {"relyingPartyId", registered.relying_party().id()},
                     {"relyingPartyName", registered.relying_party().name()}}));
}

Value CredentialJson(const v1::Credential& credential, const std::string& recipe_user_id) {
  return Value::Object({{"webauthnCredentialId", credential.id()},
                        {"recipeUserId", recipe_user_id},
                        {"relyingPartyId", credential.relying_party_id()},
                        {"createdAt", credential.created_at_ms()}});
}

// GET /recipe/webauthn/user/credential/list?recipeUserId
absl::StatusOr<Reply> ListCredentials(ApiRequest& request, Clients& clients) {
  v1::ListCredentialsRequest call;
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(*call.mutable_recipe_user_id(), request.RequireQuery("recipeUserId"));
  ASSIGN_OR_RETURN(const auto reply, clients.webauthn.ListCredentials(request.context, call));
  Value credentials = Value::Array();
  for (const v1::Credential& credential : reply.credentials()) {
    credentials.Append(CredentialJson(credential, call.recipe_user_id()));
  }
  return JsonReply(Value::Object({{"credentials", std::move(credentials)}, {"status", "OK"}}));
}

// GET /recipe/webauthn/user/credential?recipeUserId&webauthnCredentialId
absl::StatusOr<Reply> GetCredential(ApiRequest& request, Clients& clients) {
  v1::GetCredentialRequest call;
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(*call.mutable_recipe_user_id(), request.RequireQuery("recipeUserId"));
  ASSIGN_OR_RETURN(*call.mutable_credential_id(), request.RequireQuery("webauthnCredentialId"));
  ASSIGN_OR_RETURN(const auto reply, clients.webauthn.GetCredential(request.context, call));
  if (!reply.has_credential()) return StatusReply("CREDENTIAL_NOT_FOUND_ERROR");
  Value json = CredentialJson(reply.credential(), call.recipe_user_id());
  json.Set("updatedAt", reply.credential().updated_at_ms());
  json.Set("status", "OK");
  return JsonReply(json);
}

// DELETE /recipe/webauthn/user/credential/remove?recipeUserId&webauthnCredentialId
absl::StatusOr<Reply> RemoveCredential(ApiRequest& request, Clients& clients) {
  v1::RemoveCredentialRequest call;
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(*call.mutable_recipe_user_id(), request.RequireQuery("recipeUserId"));
  ASSIGN_OR_RETURN(*call.mutable_credential_id(), request.RequireQuery("webauthnCredentialId"));
  ASSIGN_OR_RETURN(const auto reply, clients.webauthn.RemoveCredential(request.context, call));
  return StatusReply(reply.existed() ? "OK" : "CREDENTIAL_NOT_FOUND_ERROR");
}

// POST /recipe/webauthn/user/recover/token {email, userId}
absl::StatusOr<Reply> CreateRecoveryToken(ApiRequest& request, Clients& clients) {
  ASSIGN_OR_RETURN(const Value* body, request.JsonBody());
  v1::CreateRecoveryTokenRequest call;
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(*call.mutable_email(), RequireString(*body, "email"));
  ASSIGN_OR_RETURN(*call.mutable_user_id(), RequireString(*body, "userId"));
  ASSIGN_OR_RETURN(const auto reply, clients.webauthn.CreateRecoveryToken(request.context, call));
  if (reply.token().empty()) return StatusReply("UNKNOWN_USER_ID_ERROR");
  return JsonReply(Value::Object({{"status", "OK"}, {"token", reply.token()}}));
}

// GET /recipe/webauthn/user/recover?token
absl::StatusOr<Reply> GetRecoveryUser(ApiRequest& request, Clients& clients) {
  v1::GetRecoveryUserRequest call;
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(*call.mutable_token(), request.RequireQuery("token"));
  ASSIGN_OR_RETURN(const auto reply, clients.webauthn.GetRecoveryUser(request.context, call));
  if (!reply.has_user()) return StatusReply("RECOVER_ACCOUNT_TOKEN_INVALID_ERROR");
  return ObjectReply([&](json::ObjectWriter& out) {
    out.Add("status", "OK");
    if (reply.recipe_user_id().empty()) {
      out.AddJson("recipeUserId", "null");
    } else {
      out.Add("recipeUserId", reply.recipe_user_id());
    }
    AppendWholeUser(reply.user(), request.cdi, out.AddValue("user"));
  });
}

// POST /recipe/webauthn/user/recover/token/consume {token}
absl::StatusOr<Reply> ConsumeRecoveryToken(ApiRequest& request, Clients& clients) {
  ASSIGN_OR_RETURN(const Value* body, request.JsonBody());
  v1::ConsumeRecoveryTokenRequest call;
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(*call.mutable_token(), RequireString(*body, "token"));
  ASSIGN_OR_RETURN(const auto reply, clients.webauthn.ConsumeRecoveryToken(request.context, call));
  if (!reply.has_consumed()) return StatusReply("RECOVER_ACCOUNT_TOKEN_INVALID_ERROR");
  return JsonReply(Value::Object({{"status", "OK"},
                                  {"userId", reply.consumed().user_id()},
                                  {"email", reply.consumed().email()}}));
}

// PUT /recipe/webauthn/user/email {recipeUserId, email}
absl::StatusOr<Reply> UpdateEmail(ApiRequest& request, Clients& clients) {
  using Response = v1::UpdateEmailResponse;
  ASSIGN_OR_RETURN(const Value* body, request.JsonBody());
  v1::UpdateEmailRequest call;
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(*call.mutable_recipe_user_id(), RequireString(*body, "recipeUserId"));
  ASSIGN_OR_RETURN(*call.mutable_email(), RequireString(*body, "email"));
  ASSIGN_OR_RETURN(const Response reply, clients.webauthn.UpdateEmail(request.context, call));
  switch (reply.outcome()) {
    case Response::OUTCOME_UPDATED:
      return StatusReply("OK");
    case Response::OUTCOME_EMAIL_ALREADY_EXISTS:
      return StatusReply("EMAIL_ALREADY_EXISTS_ERROR");
    case Response::OUTCOME_EMAIL_CHANGE_NOT_ALLOWED:
      return StatusReply("USER_WITH_EMAIL_ALREADY_EXISTS_ERROR");
    default:
      return StatusReply("UNKNOWN_USER_ID_ERROR");
  }
}

}  // namespace

void AddWebauthnRoutes(RouteTable& routes, rpc::Channel& webauthn) {
  const RouteGroup group(routes, "webauthn",
                         std::make_shared<Clients>(Clients{v1::WebauthnServiceClient(webauthn)}));
  constexpr HttpMethod kGet = HttpMethod::kGet, kPost = HttpMethod::kPost, kPut = HttpMethod::kPut,
                       kDelete = HttpMethod::kDelete;
  group.Add(kPost, "/recipe/webauthn/options/register", CreateRegistrationOptions);
  group.Add(kPost, "/recipe/webauthn/options/signin", CreateSignInOptions);
  group.Add(kGet, "/recipe/webauthn/options", GetOptions);
  group.Add(kDelete, "/recipe/webauthn/options/remove", RemoveOptions);
  group.Add(kPost, "/recipe/webauthn/signup", SignUp);
  group.Add(kPost, "/recipe/webauthn/signin", SignIn);
  group.Add(kPost, "/recipe/webauthn/user/credential/register", RegisterCredential);
  group.Add(kGet, "/recipe/webauthn/user/credential/list", ListCredentials);
  group.Add(kGet, "/recipe/webauthn/user/credential", GetCredential);
  group.Add(kDelete, "/recipe/webauthn/user/credential/remove", RemoveCredential);
  group.Add(kPost, "/recipe/webauthn/user/recover/token", CreateRecoveryToken);
  group.Add(kGet, "/recipe/webauthn/user/recover", GetRecoveryUser);
  group.Add(kPost, "/recipe/webauthn/user/recover/token/consume", ConsumeRecoveryToken);
  group.Add(kPut, "/recipe/webauthn/user/email", UpdateEmail);
}

}  // namespace gatehouse::gateway

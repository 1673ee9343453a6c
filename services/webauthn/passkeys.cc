#include "services/webauthn/passkeys.h"

#include <utility>

#include "libs/base/json.h"
#include "libs/base/problem.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "services/webauthn/ceremony.h"
#include "services/webauthn/ceremony_options.h"
#include "services/webauthn/credential_json.h"

namespace gatehouse::webauthn {
namespace {

using users::v1::LoginMethod;

constexpr char kRecipeId[] = "webauthn";

// A round is in vain when the user is deleted, or its passkey used, in the middle of it.
constexpr int kMaxRounds = 5;

// The members of a credential, two levels deep; extensions' results may be larger.
constexpr json::ParseLimits kLimits = {.max_depth = 32, .max_values = 10'000};

absl::Status TooManyChanges() {
  return MakeError(ErrorReason::kOverloaded, "The user is being changed by many requests at once");
}

v1::Refusal Refuse(v1::Refusal::Kind kind, std::string reason) {
  v1::Refusal refusal;
  refusal.set_kind(kind);
  refusal.set_reason(std::move(reason));
  return refusal;
}

// What a failed check means to the client; a fault, which has a reason, is passed on.
absl::StatusOr<v1::Refusal> RefusalOf(const absl::Status& status) {
  if (ReasonOf(status) != ErrorReason::kUnspecified) return status;
  if (absl::IsInvalidArgument(status)) {
    return Refuse(v1::Refusal::KIND_INVALID_CREDENTIAL, std::string(status.message()));
  }
  if (absl::IsPermissionDenied(status)) {
    return Refuse(v1::Refusal::KIND_INVALID_AUTHENTICATOR, std::string(status.message()));
  }
  return status;
}

absl::StatusOr<json::Value> ReadJson(const std::string& text) {
  absl::StatusOr<json::Value> value = json::Parse(text, kLimits);
  if (value.ok() && value->is_object()) return value;
  return absl::InvalidArgumentError("The value of credential is no JSON object");
}

// A registration that was made for these options and no others.
struct Verified {
  std::string id;  // as the client wrote it
  Registration registration;
};
absl::StatusOr<Verified> Verify(const CeremonyOptions& options, const json::Value& credential,
                                const CredentialHead& head) {
  ASSIGN_OR_RETURN(const RegistrationResponse response, ReadRegistrationResponse(credential));
  ASSIGN_OR_RETURN(Registration registration,
                   VerifyRegistration(ExpectationOf(options), head, response));
  return Verified{head.id, std::move(registration)};
}

bool IsExpired(const CeremonyOptions& options, const Clock& clock) {
  return options.expires_at_ms < clock.NowMs();
}

// Loads the options and verifies; or fills in `response` and returns nullopt.
template <typename Response>
absl::StatusOr<std::optional<std::pair<CeremonyOptions, Verified>>> VerifyWith(
    PgOptionsStore& store, const Where& where, const Clock& clock, const std::string& options_id,
    const std::string& credential_json, Response& response) {
  ASSIGN_OR_RETURN(std::optional<CeremonyOptions> options, store.Find(where, options_id));
  if (!options.has_value()) {
    response.set_options_not_found(true);
    return std::nullopt;
  }
  absl::StatusOr<Verified> verified = [&]() -> absl::StatusOr<Verified> {
    ASSIGN_OR_RETURN(const json::Value credential, ReadJson(credential_json));
    ASSIGN_OR_RETURN(const CredentialHead head, ReadCredentialHead(credential));
    if (IsExpired(*options, clock)) return Verified();
    return Verify(*options, credential, head);
  }();
  if (!verified.ok()) {
    ASSIGN_OR_RETURN(*response.mutable_refusal(), RefusalOf(verified.status()));
    return std::nullopt;
  }
  if (IsExpired(*options, clock)) {
    *response.mutable_refusal() = Refuse(v1::Refusal::KIND_INVALID_OPTIONS, "Options expired");
    return std::nullopt;
  }
  return std::make_pair(*std::move(options), *std::move(verified));
}

Credential CredentialOf(const CeremonyOptions& options, const Verified& verified,
                        const std::string& user_id, int64_t now_ms) {
  Credential credential;
  credential.id = verified.id;
  credential.rp_id = options.rp_id;
  credential.user_id = user_id;
  credential.attested = verified.registration.attested;
  credential.transports = verified.registration.transports;
  credential.counter = verified.registration.counter;
  credential.created_at_ms = now_ms;
  return credential;
}

absl::Status RegisteredAlready() {
  return BadInput(Problem::kStillInUse, "The passkey is registered already",
                  {{"field", "credential"}});
}

absl::Status TooManyPasskeys() {
  const std::string max = std::to_string(kMaxCredentials);
  return BadInput(Problem::kTooMany, StrCat("A user can have ", max, " passkeys at most"),
                  {{"field", "credential"}, {"max", max}});
}

// Whether a login method that has no row here can only be what an interrupted sign-up left.
bool IsUntouched(const users::v1::User& user, const LoginMethod& method) {
  return !user.is_primary_user() && user.login_methods_size() == 1 && !method.verified() &&
         method.recipe_user_id() == method.supertokens_user_id();
}

}  // namespace

absl::StatusOr<v1::SignUpResponse> Passkeys::SignUp(const tenancy::TenantPtr& tenant,
                                                    rpc::CallContext& context,
                                                    const v1::SignUpRequest& request) {
  const Where where = {tenant, context.deadline};
  v1::SignUpResponse response;
  ASSIGN_OR_RETURN(const auto verified, VerifyWith(options_, where, clock_, request.options_id(),
                                                   request.credential_json(), response));
  if (!verified.has_value()) return response;
  const auto& [options, passkey] = *verified;
  RETURN_IF_ERROR(CheckWidth("credential.id", passkey.id));
  if (!options.email.has_value()) {
    return BadInput(Problem::kMissing, "The options are for signing in", {{"field", "email"}});
  }
  ASSIGN_OR_RETURN(const std::optional<Credential> known,
                   credentials_.Find(where, options.rp_id, passkey.id));

  users::v1::SignInOrUpRequest call;
  *call.mutable_scope() = tenant->scope();
  call.mutable_identity()->set_recipe_id(kRecipeId);
  call.mutable_identity()->set_email(*options.email);
  call.set_only_new(true);
  if (known.has_value()) {
    // Nothing is registered, but an email that is taken is what the client can do something about.
    users::v1::FindUsersRequest find;
    *find.mutable_scope() = tenant->scope();
    find.set_email(*options.email);
    ASSIGN_OR_RETURN(const users::v1::FindUsersResponse found, users_.FindUsers(context, find));
    for (const users::v1::User& user : found.users()) {
      for (const LoginMethod& method : user.login_methods()) {
        if (method.recipe_id() != kRecipeId || method.email() != *options.email) continue;
        response.set_email_already_exists(true);
        return response;
      }
    }
    return RegisteredAlready();
  }
  for (int round = 0; round < kMaxRounds; ++round) {
    ASSIGN_OR_RETURN(users::v1::SignInOrUpResponse registered, registry_.SignInOrUp(context, call));
    auto& signed_up = *registered.mutable_signed_in();
    if (!signed_up.created() && !IsUntouched(signed_up.user(), signed_up.method())) {
      response.set_email_already_exists(true);
      return response;
    }
    const std::string user_id = signed_up.method().supertokens_user_id();
    const PasskeyUser user = {user_id, *options.email, options.rp_id,
                              signed_up.method().time_joined_ms()};
    const absl::StatusOr<SaveOutcome> saved =
        credentials_.AddUser(where, user, CredentialOf(options, passkey, user_id, clock_.NowMs()),
                             request.use_up_options() ? options.id : std::string());
    RETURN_IF_ERROR(saved.status());
    switch (*saved) {
      case SaveOutcome::kUnknownUser:
        continue;
      case SaveOutcome::kUserTaken:
        response.set_email_already_exists(true);
        return response;
      case SaveOutcome::kOptionsGone:
        response.set_options_not_found(true);
        return response;
      case SaveOutcome::kSaved:
        break;
      default:
        return RegisteredAlready();
    }
    auto& reply = *response.mutable_signed_up();
    *reply.mutable_user() = std::move(*signed_up.mutable_user());
    for (LoginMethod& method : *reply.mutable_user()->mutable_login_methods()) {
      if (method.supertokens_user_id() == user_id) method.add_webauthn_credential_ids(passkey.id);
    }
    reply.set_recipe_user_id(signed_up.method().recipe_user_id());
    reply.set_credential_id(passkey.id);
    *reply.mutable_relying_party() = RelyingPartyMessage(options);
    return response;
  }
  return TooManyChanges();
}

absl::StatusOr<v1::SignInResponse> Passkeys::SignIn(const tenancy::TenantPtr& tenant,
                                                    rpc::CallContext& context,
                                                    const v1::SignInRequest& request) {
  const Where where = {tenant, context.deadline};
  v1::SignInResponse response;
  for (int round = 0; round < kMaxRounds; ++round) {
    ASSIGN_OR_RETURN(const std::optional<CeremonyOptions> options,
                     options_.Find(where, request.options_id()));
    if (!options.has_value()) {
      response.set_options_not_found(true);
      return response;
    }
    std::optional<Credential> credential;
    bool expired = false;
    const absl::StatusOr<uint32_t> counter = [&]() -> absl::StatusOr<uint32_t> {
      ASSIGN_OR_RETURN(const json::Value given, ReadJson(request.credential_json()));
      ASSIGN_OR_RETURN(const CredentialHead head, ReadCredentialHead(given));
      ASSIGN_OR_RETURN(credential, credentials_.Find(where, options->rp_id, head.id));
      if (!credential.has_value()) return 0;
      expired = IsExpired(*options, clock_);
      if (expired) return 0;
      ASSIGN_OR_RETURN(const AssertionResponse assertion, ReadAssertionResponse(given));
      return VerifyAssertion(ExpectationOf(*options), credential->attested, credential->counter,
                             head, assertion);
    }();
    if (!counter.ok()) {
      ASSIGN_OR_RETURN(*response.mutable_refusal(), RefusalOf(counter.status()));
      return response;
    }
    if (!credential.has_value()) {
      response.set_credential_not_found(true);
      return response;
    }
    if (expired) {
      *response.mutable_refusal() = Refuse(v1::Refusal::KIND_INVALID_OPTIONS, "Options expired");
      return response;
    }
    users::v1::GetUserRequest find;
    *find.mutable_scope() = tenant->scope();
    find.set_supertokens_user_id(credential->user_id);
    find.set_home_tenant_id(tenant->tenant_id);
    ASSIGN_OR_RETURN(users::v1::GetUserResponse found, users_.GetUser(context, find));
    std::string recipe_user_id;
    for (const LoginMethod& method : found.user().login_methods()) {
      if (method.recipe_id() == kRecipeId && method.supertokens_user_id() == credential->user_id) {
        recipe_user_id = method.recipe_user_id();
      }
    }
    if (recipe_user_id.empty()) {
      response.set_unknown_user(true);
      return response;
    }
    // Last, so that an attempt that is interrupted can be repeated.
    ASSIGN_OR_RETURN(const CountOutcome counted,
                     credentials_.CountSignIn(where, *credential, *counter, clock_.NowMs(),
                                              request.use_up_options() ? options->id : ""));
    if (counted == CountOutcome::kCredentialChanged) continue;  // judged again as it is now
    if (counted == CountOutcome::kOptionsGone) {
      response.set_options_not_found(true);
      return response;
    }
    users::v1::RecordActivityRequest active;
    *active.mutable_scope() = tenant->scope();
    active.set_supertokens_user_id(found.user().supertokens_user_id());
    (void)registry_.RecordActivity(context, active);  // best effort
    *response.mutable_signed_in()->mutable_user() = std::move(*found.mutable_user());
    response.mutable_signed_in()->set_recipe_user_id(recipe_user_id);
    return response;
  }
  return TooManyChanges();
}

absl::StatusOr<v1::RegisterCredentialResponse> Passkeys::RegisterCredential(
    const tenancy::TenantPtr& tenant, rpc::CallContext& context,
    const v1::RegisterCredentialRequest& request) {
  const Where where = {tenant, context.deadline};
  v1::RegisterCredentialResponse response;
  ASSIGN_OR_RETURN(const auto verified, VerifyWith(options_, where, clock_, request.options_id(),
                                                   request.credential_json(), response));
  if (!verified.has_value()) return response;
  const auto& [options, passkey] = *verified;
  RETURN_IF_ERROR(CheckWidth("credential.id", passkey.id));
  ASSIGN_OR_RETURN(const std::optional<LoginMethod> method,
                   FindMethod(tenant, context, request.recipe_user_id()));
  if (!method.has_value()) {
    ASSIGN_OR_RETURN(const std::optional<Credential> known,
                     credentials_.Find(where, options.rp_id, passkey.id));
    if (known.has_value()) {
      response.set_credential_already_exists(true);
    } else {
      response.set_unknown_user(true);
    }
    return response;
  }
  ASSIGN_OR_RETURN(
      const SaveOutcome saved,
      credentials_.AddCredential(
          where, CredentialOf(options, passkey, method->supertokens_user_id(), clock_.NowMs()),
          request.use_up_options() ? options.id : ""));
  switch (saved) {
    case SaveOutcome::kCredentialTaken:
      response.set_credential_already_exists(true);
      return response;
    case SaveOutcome::kOptionsGone:
      response.set_options_not_found(true);
      return response;
    case SaveOutcome::kTooMany:
      return TooManyPasskeys();
    case SaveOutcome::kSaved:
      break;
    default:
      response.set_unknown_user(true);
      return response;
  }
  auto& reply = *response.mutable_registered();
  reply.set_credential_id(passkey.id);
  if (options.email.has_value()) reply.set_email(*options.email);
  *reply.mutable_relying_party() = RelyingPartyMessage(options);
  return response;
}

absl::StatusOr<std::optional<LoginMethod>> Passkeys::FindMethod(const tenancy::TenantPtr& tenant,
                                                                rpc::CallContext& context,
                                                                const std::string& id) {
  users::v1::GetUserRequest request;
  *request.mutable_scope() = tenant->scope();
  request.set_user_id(id);
  request.set_recipe_id(kRecipeId);
  request.set_home_tenant_id(tenant->tenant_id);
  ASSIGN_OR_RETURN(const users::v1::GetUserResponse response, users_.GetUser(context, request));
  if (response.user().login_methods().empty()) return std::nullopt;
  return response.user().login_methods(0);
}

}  // namespace gatehouse::webauthn

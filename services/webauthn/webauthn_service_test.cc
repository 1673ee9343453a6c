// The webauthn service on a real database, with the users service faked at its interface. The
// ceremonies are the W3C's test vectors.

#include "services/webauthn/webauthn_service.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "libs/base/status.h"
#include "libs/crypto/digest.h"
#include "libs/db/database.h"
#include "libs/rpc/user_data_policy.h"
#include "libs/testing/fake_clock.h"
#include "libs/testing/pg_test_server.h"
#include "libs/testing/policy_check.h"
#include "libs/testing/test_tenants.h"
#include "services/webauthn/pg_cleanup.h"
#include "services/webauthn/policy.h"
#include "services/webauthn/test_ceremonies.h"

namespace gatehouse::webauthn {
namespace {

constexpr db::Statement kInsertUser = {
    "test_insert_user",
    "INSERT INTO {app_id_to_user_id} (app_id, user_id, recipe_id, primary_or_recipe_user_id)"
    " VALUES ('public', $1, 'webauthn', $1) ON CONFLICT DO NOTHING"};
constexpr db::Statement kCredentials = {
    "test_credentials",
    "SELECT rp_id || '|' || id || '|' || user_id || '|' || counter || '|' || encode(public_key, "
    "'hex')"
    " || '|' || transports || '|' || created_at || '|' || updated_at FROM {webauthn_credentials}"};
constexpr db::Statement kUsers = {
    "test_users",
    "SELECT user_id || '|' || email || '|' || rp_id || '|' || time_joined FROM {webauthn_users}"};
constexpr db::Statement kCopies = {
    "test_copies",
    "SELECT string_agg(user_id || '|' || rp_id || '|' || credential_id, E'\\n' ORDER BY 1)"
    " FROM {gatehouse_passkeys}"};
constexpr db::Statement kTokens = {
    "test_tokens", "SELECT string_agg(token, ',') FROM {webauthn_account_recovery_tokens}"};
constexpr db::Statement kCountOptions = {"test_count_options",
                                         "SELECT count(*) FROM {webauthn_generated_options}"};
constexpr db::Statement kManyCredentials = {
    "test_many_credentials",
    "INSERT INTO {webauthn_credentials} (id, rp_id, user_id, counter, public_key, transports,"
    " created_at, updated_at) SELECT 'many' || n, 'example.org', $1, 0, '', '[]', 0, 0"
    " FROM generate_series(1, $2::int) AS n"};

constexpr char kUser[] = "11111111-1111-4111-8111-111111111111";

// One user, whose login method a test sets.
class FakeUsers final : public users::v1::RegistryService, public users::v1::UserDirectoryService {
 public:
  explicit FakeUsers(db::Database& database) : database_(database) {
    users::v1::LoginMethod& method = *user.add_login_methods();
    method.set_supertokens_user_id(kUser);
    method.set_recipe_user_id(kUser);
    method.set_recipe_id("webauthn");
    method.add_tenant_ids("public");
    method.set_email("a@x.io");
    method.set_time_joined_ms(5);
    user.set_id(kUser);
    user.set_supertokens_user_id(kUser);
  }
  users::v1::LoginMethod& method() { return *user.mutable_login_methods(0); }

  absl::StatusOr<users::v1::ResolveUserIdsResponse> ResolveUserIds(
      rpc::CallContext&, const users::v1::ResolveUserIdsRequest&) override {
    return absl::UnimplementedError("");
  }
  absl::StatusOr<users::v1::RecordActivityResponse> RecordActivity(
      rpc::CallContext&, const users::v1::RecordActivityRequest&) override {
    ++active;
    return MakeError(ErrorReason::kDependencyDown, "nobody waits for it");
  }
  absl::StatusOr<users::v1::SignInOrUpResponse> SignInOrUp(
      rpc::CallContext& context, const users::v1::SignInOrUpRequest& request) override {
    EXPECT_TRUE(request.only_new());
    EXPECT_EQ(request.identity().recipe_id(), "webauthn");
    users::v1::SignInOrUpResponse response;
    auto& reply = *response.mutable_signed_in();
    reply.set_created(database_.Execute(context.deadline, kInsertUser, {kUser})->affected() > 0);
    *reply.mutable_user() = user;
    *reply.mutable_method() = user.login_methods(0);
    if (cut_off) return MakeError(ErrorReason::kDependencyDown, "cut off");
    return response;
  }
  absl::StatusOr<users::v1::ChangeIdentityResponse> ChangeIdentity(
      rpc::CallContext&, const users::v1::ChangeIdentityRequest& request) override {
    users::v1::ChangeIdentityResponse response;
    if (request.recipe_user_id() != kUser) {
      response.set_unknown_user(true);
      return response;
    }
    response.mutable_changed()->set_previous_email(method().email());
    method().set_email(request.email().value());
    *response.mutable_changed()->mutable_method() = method();
    return response;
  }
  absl::StatusOr<users::v1::GetUserResponse> GetUser(
      rpc::CallContext&, const users::v1::GetUserRequest& request) override {
    users::v1::GetUserResponse response;
    const std::string& id = request.supertokens_user_id();
    if (!gone && (id == kUser || (id.empty() && (request.user_id() == kUser ||
                                                 request.user_id() == "external")))) {
      *response.mutable_user() = user;
    }
    return response;
  }
  absl::StatusOr<users::v1::FindUsersResponse> FindUsers(
      rpc::CallContext&, const users::v1::FindUsersRequest& request) override {
    users::v1::FindUsersResponse response;
    if (request.email() == method().email() && found) *response.add_users() = user;
    return response;
  }
  absl::StatusOr<users::v1::ListUsersResponse> ListUsers(
      rpc::CallContext&, const users::v1::ListUsersRequest&) override {
    return absl::UnimplementedError("");
  }
  absl::StatusOr<users::v1::CountUsersResponse> CountUsers(
      rpc::CallContext&, const users::v1::CountUsersRequest&) override {
    return absl::UnimplementedError("");
  }
  absl::StatusOr<users::v1::CountActiveUsersResponse> CountActiveUsers(
      rpc::CallContext&, const users::v1::CountActiveUsersRequest&) override {
    return absl::UnimplementedError("");
  }

  users::v1::User user;
  bool cut_off = false, gone = false, found = false;
  int active = 0;

 private:
  db::Database& database_;
};

TEST(WebauthnPolicyTest, IsEnforced) {
  testing::ExpectPolicyIsEnforced(v1::WebauthnService::Info(), WebauthnPolicy());
  testing::ExpectPolicyIsEnforced(common::v1::CredentialsService::Info(), rpc::CredentialsPolicy(),
                                  "webauthn");
}

class WebauthnServiceTest : public ::testing::Test {
 protected:
  WebauthnServiceTest() { context.deadline = testing::Soon(); }

  template <typename Request>
  Request In() {
    Request request;
    *request.mutable_scope() = testing::ScopeOf("public");
    return request;
  }
  // Options as if they had been made with a vector's challenge.
  std::string Options(const char* challenge, std::optional<std::string> email,
                      const std::string& rp_id = "example.org") {
    CeremonyOptions options;
    options.id = crypto::NewUuid4();
    options.challenge = Base64Url(challenge);
    options.email = std::move(email);
    options.rp_id = rp_id;
    options.rp_name = "Example";
    options.origin = "https://example.org";
    options.created_at_ms = clock.NowMs();
    options.expires_at_ms = clock.NowMs() + 6000;
    options.user_verification = "preferred";
    EXPECT_TRUE(options_store
                    .Save({*tenants.directory().Find(testing::ScopeOf("public"), context.deadline),
                           context.deadline},
                          options)
                    .ok());
    return options.id;
  }
  absl::StatusOr<v1::SignUpResponse> SignUp(const W3cVector& vector, bool use_up = false,
                                            const std::string& email = "a@x.io") {
    auto request = In<v1::SignUpRequest>();
    request.set_options_id(Options(vector.registration_challenge, email));
    request.set_credential_json(json::Serialize(RegistrationJson(vector)));
    request.set_use_up_options(use_up);
    return service.SignUp(context, request);
  }
  absl::StatusOr<v1::SignInResponse> SignIn(const W3cVector& vector, const std::string& options_id,
                                            bool use_up = false) {
    auto request = In<v1::SignInRequest>();
    request.set_options_id(options_id);
    request.set_credential_json(json::Serialize(AssertionJson(vector)));
    request.set_use_up_options(use_up);
    return service.SignIn(context, request);
  }
  absl::StatusOr<v1::RegisterCredentialResponse> Add(const W3cVector& vector,
                                                     const std::string& user = kUser,
                                                     bool use_up = false) {
    auto request = In<v1::RegisterCredentialRequest>();
    request.set_recipe_user_id(user);
    request.set_options_id(Options(vector.registration_challenge, "a@x.io"));
    request.set_credential_json(json::Serialize(RegistrationJson(vector)));
    request.set_use_up_options(use_up);
    return service.RegisterCredential(context, request);
  }
  std::string Text(const db::Statement& statement) {
    const auto rows = database->Execute(context.deadline, statement);
    EXPECT_TRUE(rows.ok()) << rows.status();
    return rows->empty() ? "" : std::string(rows->front().Text(0));
  }
  std::string Sql(const std::string& sql) {
    const absl::Status status = database->ExecuteScript(context.deadline, sql);
    return status.ok() ? "" : std::string(status.message());
  }

  const std::unique_ptr<db::Database> database = testing::TestPostgres::Shared().CreateDatabase();
  testing::TestTenants tenants{*database};
  FakeUsers users{*database};
  PgOptionsStore options_store{tenants};
  PgCredentialStore credentials{tenants};
  PgRecoveryStore recovery{tenants};
  testing::FakeClock clock;
  WebauthnServiceImpl service{tenants.directory(), users,    users, options_store,
                              credentials,         recovery, clock};
  rpc::CallContext context;
  const W3cVector& vector = Vector("none-es256");
  const std::string id = Base64Url(vector.credential_id);
};

TEST_F(WebauthnServiceTest, SigningUpKeepsTheBytesAsTheyCame) {
  const auto response = SignUp(vector);
  ASSERT_TRUE(response.ok()) << response.status();
  ASSERT_TRUE(response->has_signed_up()) << response->ShortDebugString();
  EXPECT_EQ(response->signed_up().credential_id(), id);
  EXPECT_EQ(response->signed_up().recipe_user_id(), kUser);
  EXPECT_EQ(response->signed_up().user().login_methods(0).webauthn_credential_ids(0), id);
  const std::string now = std::to_string(clock.NowMs());
  // The attested credential data is the end of the vector's object: from its aaguid on.
  const std::string object = vector.attestation_object;
  const std::string attested = object.substr(object.find("8446ccb9ab1db374750b2367ff6f3a1f"));
  EXPECT_EQ(Text(kCredentials), "example.org|" + id + "|" + kUser + "|0|" + attested +
                                    R"(|["internal","hybrid"]|)" + now + "|" + now);
  EXPECT_EQ(Text(kUsers), std::string(kUser) + "|a@x.io|example.org|5");
  EXPECT_EQ(Text(kCopies), std::string(kUser) + "|example.org|" + id);
  EXPECT_EQ(Text(kCountOptions), "1");
}

TEST_F(WebauthnServiceTest, OptionsCanBeUsedUp) {
  EXPECT_TRUE(SignUp(vector, true)->has_signed_up());
  EXPECT_EQ(Text(kCountOptions), "0");
  const std::string options = Options(vector.challenge, std::nullopt);
  EXPECT_TRUE(SignIn(vector, options, false)->has_signed_in());
  EXPECT_TRUE(SignIn(vector, options, true)->has_signed_in());
  EXPECT_TRUE(SignIn(vector, options, true)->options_not_found());
  EXPECT_TRUE(Add(Vector("packed-es384"), kUser, true)->has_registered());
  EXPECT_EQ(Text(kCountOptions), "0");
  EXPECT_EQ(users.active, 2);
}

TEST_F(WebauthnServiceTest, EveryAlgorithmSignsUpAndIn) {
  for (const char* name :
       {"packed-es256", "packed-es384", "packed-es512", "packed-rs256", "packed-eddsa", "tpm-es256",
        "android-key-es256", "apple-es256", "fido-u2f-es256"}) {
    SCOPED_TRACE(name);
    ASSERT_TRUE(SignUp(Vector(name))->has_signed_up());
    const auto signed_in = SignIn(Vector(name), Options(Vector(name).challenge, std::nullopt));
    ASSERT_TRUE(signed_in->has_signed_in()) << signed_in->ShortDebugString();
    EXPECT_EQ(Sql("DELETE FROM app_id_to_user_id"), "");
    EXPECT_EQ(Text(kCopies), "");
  }
}

TEST_F(WebauthnServiceTest, WhatIsNotThereAndWhatIsTooLate) {
  ASSERT_TRUE(SignUp(vector)->has_signed_up());
  EXPECT_TRUE(SignIn(vector, "unknown")->options_not_found());
  EXPECT_TRUE(SignIn(vector, Options(vector.challenge, std::nullopt, "other.org"))
                  ->credential_not_found());  // found for its relying party only
  EXPECT_TRUE(SignIn(Vector("packed-es384"), Options(vector.challenge, std::nullopt))
                  ->credential_not_found());
  const std::string options = Options(vector.challenge, std::nullopt);
  users.gone = true;
  EXPECT_TRUE(SignIn(vector, options)->unknown_user());
  users.gone = false;
  clock.AdvanceMs(6000);
  EXPECT_TRUE(SignIn(vector, options)->has_signed_in());  // valid at its last millisecond
  clock.AdvanceMs(1);
  const auto late = SignIn(vector, options);
  EXPECT_EQ(late->refusal().kind(), v1::Refusal::KIND_INVALID_OPTIONS);
  EXPECT_EQ(late->refusal().reason(), "Options expired");
}

TEST_F(WebauthnServiceTest, RefusalsSayWhatIsWrong) {
  ASSERT_TRUE(SignUp(vector)->has_signed_up());
  const std::string options = Options(vector.registration_challenge, std::nullopt);
  EXPECT_EQ(SignIn(vector, options)->refusal().kind(), v1::Refusal::KIND_INVALID_AUTHENTICATOR);
  auto request = In<v1::SignInRequest>();
  request.set_options_id(options);
  for (const char* text :
       {"", "[]", "{}", R"({"id":"AAAA"})", R"({"id":"!","type":"public-key"})"}) {
    request.set_credential_json(text);
    EXPECT_EQ(service.SignIn(context, request)->refusal().kind(),
              v1::Refusal::KIND_INVALID_CREDENTIAL)
        << text;
  }
  request.set_credential_json(R"({"id":")" + id + R"(","type":"public-key"})");
  EXPECT_EQ(ReasonOf(service.SignIn(context, request).status()), ErrorReason::kBadInput);
  EXPECT_EQ(Text(kCountOptions), "2");  // nothing was used up
}

TEST_F(WebauthnServiceTest, AnEmailSignsUpOnce) {
  ASSERT_TRUE(SignUp(vector)->has_signed_up());
  EXPECT_TRUE(SignUp(Vector("packed-es384"))->email_already_exists());
  EXPECT_EQ(Text(kCopies), std::string(kUser) + "|example.org|" + id);
  // A passkey that is registered signs nobody else up, and the registry is not asked.
  users.cut_off = true;
  EXPECT_EQ(ReasonOf(SignUp(vector, false, "b@x.io").status()), ErrorReason::kBadInput);
  users.found = true;
  EXPECT_TRUE(SignUp(vector)->email_already_exists());
}

TEST_F(WebauthnServiceTest, AnInterruptedSignUpIsTakenOver) {
  users.cut_off = true;
  EXPECT_EQ(ReasonOf(SignUp(vector).status()), ErrorReason::kDependencyDown);
  EXPECT_EQ(Text(kUsers), "");
  users.cut_off = false;
  // Not by others than the next sign-up of nobody's user.
  users.user.set_is_primary_user(true);
  EXPECT_TRUE(SignUp(vector)->email_already_exists());
  users.user.set_is_primary_user(false);
  users.method().set_verified(true);
  EXPECT_TRUE(SignUp(vector)->email_already_exists());
  users.method().set_verified(false);
  users.method().set_recipe_user_id("external");
  EXPECT_TRUE(SignUp(vector)->email_already_exists());
  users.method().set_recipe_user_id(kUser);
  EXPECT_TRUE(SignUp(vector)->has_signed_up());
}

TEST_F(WebauthnServiceTest, FurtherPasskeysAndTheirRemoval) {
  ASSERT_TRUE(SignUp(vector)->has_signed_up());
  EXPECT_TRUE(Add(vector)->credential_already_exists());
  EXPECT_TRUE(Add(vector, "nobody")->credential_already_exists());
  EXPECT_TRUE(Add(Vector("packed-es384"), "nobody")->unknown_user());
  clock.AdvanceMs(1000);
  const auto added = Add(Vector("packed-es384"));
  EXPECT_EQ(added->registered().email(), "a@x.io");
  auto list = In<v1::ListCredentialsRequest>();
  list.set_recipe_user_id("external");
  const auto listed = service.ListCredentials(context, list);
  ASSERT_EQ(listed->credentials_size(), 2);
  EXPECT_EQ(listed->credentials(0).id(), id);
  EXPECT_EQ(listed->credentials(1).created_at_ms(), clock.NowMs());
  auto get = In<v1::GetCredentialRequest>();
  get.set_recipe_user_id(kUser);
  get.set_credential_id(id);
  EXPECT_EQ(service.GetCredential(context, get)->credential().relying_party_id(), "example.org");
  auto remove = In<v1::RemoveCredentialRequest>();
  remove.set_recipe_user_id("nobody");
  remove.set_credential_id(id);
  EXPECT_FALSE(service.RemoveCredential(context, remove)->existed());
  remove.set_recipe_user_id(kUser);
  EXPECT_TRUE(service.RemoveCredential(context, remove)->existed());
  EXPECT_FALSE(service.RemoveCredential(context, remove)->existed());
  EXPECT_FALSE(service.GetCredential(context, get)->has_credential());
  EXPECT_TRUE(SignIn(vector, Options(vector.challenge, std::nullopt))->credential_not_found());
}

TEST_F(WebauthnServiceTest, AUserHasABoundedNumberOfPasskeys) {
  ASSERT_TRUE(SignUp(vector)->has_signed_up());
  ASSERT_TRUE(
      database->Execute(context.deadline, kManyCredentials, {kUser, kMaxCredentials - 1}).ok());
  const absl::Status refused = Add(Vector("packed-es384")).status();
  EXPECT_EQ(ReasonOf(refused), ErrorReason::kBadInput);
  EXPECT_EQ(refused.message(), "A user can have 200 passkeys at most");
}

TEST_F(WebauthnServiceTest, AnIdThatIsTooLongForItsColumnIsRefused) {
  EXPECT_EQ(ReasonOf(SignUp(Vector("none-es256-long-credential-id")).status()),
            ErrorReason::kBadInput);
}

TEST_F(WebauthnServiceTest, RecoveryTokensWorkOnceAndEndWithTheirEmail) {
  ASSERT_TRUE(SignUp(vector)->has_signed_up());
  auto create = In<v1::CreateRecoveryTokenRequest>();
  create.set_user_id(kUser);
  create.set_email(" A@x.io");
  const std::string token = service.CreateRecoveryToken(context, create)->token();
  const std::string other = service.CreateRecoveryToken(context, create)->token();
  EXPECT_EQ(token.size(), 43u);
  const std::string stored = Text(kTokens);
  EXPECT_NE(stored.find(crypto::Sha256Hex(token)), std::string::npos);
  EXPECT_EQ(stored.find(token), std::string::npos);
  auto get = In<v1::GetRecoveryUserRequest>();
  get.set_token(token);
  EXPECT_EQ(service.GetRecoveryUser(context, get)->recipe_user_id(), kUser);
  auto consume = In<v1::ConsumeRecoveryTokenRequest>();
  consume.set_token(token);
  const auto consumed = service.ConsumeRecoveryToken(context, consume);
  EXPECT_EQ(consumed->consumed().user_id(), kUser);
  EXPECT_EQ(consumed->consumed().email(), "a@x.io");
  EXPECT_FALSE(service.ConsumeRecoveryToken(context, consume)->has_consumed());
  consume.set_token(other);  // of the same email
  EXPECT_FALSE(service.ConsumeRecoveryToken(context, consume)->has_consumed());

  consume.set_token(service.CreateRecoveryToken(context, create)->token());
  auto update = In<v1::UpdateEmailRequest>();
  update.set_recipe_user_id(kUser);
  update.set_email("new@x.io");
  EXPECT_EQ(service.UpdateEmail(context, update)->outcome(),
            v1::UpdateEmailResponse::OUTCOME_UPDATED);
  EXPECT_EQ(Text(kUsers), std::string(kUser) + "|new@x.io|example.org|5");
  EXPECT_FALSE(service.ConsumeRecoveryToken(context, consume)->has_consumed());
  update.set_recipe_user_id("nobody");
  EXPECT_EQ(service.UpdateEmail(context, update)->outcome(),
            v1::UpdateEmailResponse::OUTCOME_UNKNOWN_USER);

  create.set_email("new@x.io");
  consume.set_token(service.CreateRecoveryToken(context, create)->token());
  clock.AdvanceMs(3600001);
  EXPECT_FALSE(service.ConsumeRecoveryToken(context, consume)->has_consumed());
  create.set_user_id("nobody");
  EXPECT_EQ(service.CreateRecoveryToken(context, create)->token(), "");
}

TEST_F(WebauthnServiceTest, RemovedUsersLeaveNothing) {
  ASSERT_TRUE(SignUp(vector)->has_signed_up());
  auto remove = In<common::v1::RemoveCredentialsRequest>();
  remove.set_supertokens_user_id(kUser);
  EXPECT_TRUE(service.RemoveCredentials(context, remove).ok());
  EXPECT_TRUE(service.RemoveCredentials(context, remove).ok());
  EXPECT_EQ(Text(kUsers) + Text(kCredentials) + Text(kCopies), "");
}

TEST_F(WebauthnServiceTest, ExpiredRowsGo) {
  ASSERT_TRUE(SignUp(vector)->has_signed_up());
  auto create = In<v1::CreateRecoveryTokenRequest>();
  create.set_user_id(kUser);
  create.set_email("a@x.io");
  ASSERT_FALSE(service.CreateRecoveryToken(context, create)->token().empty());
  for (int i = 0; i < 600; ++i) Options(vector.challenge, std::nullopt);  // more than a batch
  ASSERT_TRUE(DeleteExpired(tenants.directory(), tenants, clock, testing::Soon()).ok());
  EXPECT_EQ(Text(kCountOptions), "601");
  clock.AdvanceMs(7000);
  ASSERT_TRUE(DeleteExpired(tenants.directory(), tenants, clock, testing::Soon()).ok());
  EXPECT_EQ(Text(kCountOptions), "0");
  EXPECT_NE(Text(kTokens), "");
  clock.AdvanceMs(7200000);
  ASSERT_TRUE(DeleteExpired(tenants.directory(), tenants, clock, testing::Soon()).ok());
  EXPECT_EQ(Text(kTokens), "");
}

// docs/adr/0014: the registry's copy follows every write to webauthn_credentials.
TEST_F(WebauthnServiceTest, TheCopyOfIdsFollowsEveryWriter) {
  ASSERT_TRUE(SignUp(vector)->has_signed_up());
  const std::string user = kUser, own = user + "|example.org|" + id;
  EXPECT_EQ(Sql("INSERT INTO webauthn_credentials SELECT 'x', app_id, 'other.org', user_id, 0, '',"
                " '[]', 0, 0 FROM webauthn_credentials"),
            "");
  EXPECT_EQ(Text(kCopies), own + "\n" + user + "|other.org|x");
  EXPECT_EQ(Sql("UPDATE webauthn_credentials SET id = 'y' WHERE id = 'x'"), "");
  EXPECT_EQ(Text(kCopies), own + "\n" + user + "|other.org|y");
  EXPECT_EQ(Sql("UPDATE webauthn_credentials SET user_id = NULL WHERE id = 'y'"), "");
  EXPECT_EQ(Text(kCopies), own);
  EXPECT_EQ(Sql("UPDATE webauthn_credentials SET user_id = '" + user + "' WHERE id = 'y'"), "");
  EXPECT_EQ(Sql("DELETE FROM webauthn_credentials WHERE id = 'y'"), "");
  EXPECT_EQ(Text(kCopies), own);
  EXPECT_EQ(Sql("DELETE FROM gatehouse_passkeys; SELECT gatehouse_recount_passkeys()"), "");
  EXPECT_EQ(Text(kCopies), own);
  EXPECT_EQ(Sql("TRUNCATE webauthn_credentials"), "");
  EXPECT_EQ(Text(kCopies), "");
}

}  // namespace
}  // namespace gatehouse::webauthn

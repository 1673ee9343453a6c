// Email verification, metadata, id mapping and linking as callers see them, on a real database.

#include <gtest/gtest.h>

#include "gatehouse/users/v1/user_import_service.rpc.h"
#include "libs/base/json.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/testing/fake_activity_log.h"
#include "libs/testing/fake_clock.h"
#include "libs/testing/policy_check.h"
#include "services/users/emailverification/email_verification_service.h"
#include "services/users/emailverification/pg_email_verification_store.h"
#include "services/users/idmapping/id_mapping_service.h"
#include "services/users/idmapping/pg_id_mapping_store.h"
#include "services/users/linking/linking_service.h"
#include "services/users/linking/linking_test_env.h"
#include "services/users/metadata/metadata.h"
#include "services/users/metadata/metadata_service.h"
#include "services/users/metadata/pg_metadata_store.h"
#include "services/users/policy.h"
#include "services/users/registry/pg_activity_store.h"

namespace gatehouse::users {
namespace {

TEST(UserTopicsPolicyTest, IsEnforced) {
  testing::ExpectPolicyIsEnforced(v1::LinkingService::Info(), LinkingPolicy());
  testing::ExpectPolicyIsEnforced(v1::IdMappingService::Info(), IdMappingPolicy());
  testing::ExpectPolicyIsEnforced(v1::EmailVerificationService::Info(), EmailVerificationPolicy());
  testing::ExpectPolicyIsEnforced(v1::MetadataService::Info(), MetadataPolicy());
  testing::ExpectPolicyIsEnforced(v1::UserImportService::Info(), UserImportPolicy());
}

class UserTopicsTest : public ::testing::Test {
 protected:
  UserTopicsTest() { context_.deadline = testing::Soon(); }
  ~UserTopicsTest() override { EXPECT_EQ(env_.Violations(), ""); }

  template <typename Request>
  Request In(const std::string& tenant = "public") {
    env_.Scope(tenant);
    Request request;
    *request.mutable_scope() = testing::ScopeOf("public", tenant);
    return request;
  }
  template <typename Response>
  static Response Ok(absl::StatusOr<Response> response) {
    EXPECT_TRUE(response.ok()) << response.status() << db::DatabaseCause(response.status());
    return response.ok() ? *std::move(response) : Response();
  }

  v1::CreateEmailVerificationTokenResponse CreateToken(const std::string& user,
                                                       const std::string& email,
                                                       const std::string& tenant = "public") {
    auto request = In<v1::CreateEmailVerificationTokenRequest>(tenant);
    request.set_user_id(user);
    request.set_email(email);
    return Ok(verification_.CreateEmailVerificationToken(context_, request));
  }
  v1::VerifyEmailResponse Verify(const std::string& token, const std::string& tenant = "public") {
    auto request = In<v1::VerifyEmailRequest>(tenant);
    request.set_token(token);
    rpc::CallContext context = context_;
    return Ok(verification_.VerifyEmail(context, request));
  }
  bool IsVerified(const std::string& user, const std::string& email) {
    auto request = In<v1::IsEmailVerifiedRequest>();
    request.set_user_id(user);
    request.set_email(email);
    return Ok(verification_.IsEmailVerified(context_, request)).verified();
  }
  std::string Update(const std::string& user, const std::string& update) {
    auto request = In<v1::UpdateMetadataRequest>();
    request.set_user_id(user);
    request.set_update_json(update);
    rpc::CallContext context = context_;
    return Ok(metadata_.UpdateMetadata(context, request)).metadata_json();
  }
  std::string Metadata(const std::string& user) {
    auto request = In<v1::GetMetadataRequest>();
    request.set_user_id(user);
    return Ok(metadata_.GetMetadata(context_, request)).metadata_json();
  }
  v1::CreateUserIdMappingResponse Map(const std::string& user, const std::string& external,
                                      bool move = false) {
    auto request = In<v1::CreateUserIdMappingRequest>();
    request.set_supertokens_user_id(user);
    request.set_external_user_id(external);
    request.set_move_email_verification(move);
    return Ok(mapping_.CreateUserIdMapping(context_, request));
  }
  v1::FindUserIdMappingResponse FindMapping(const std::string& id,
                                            v1::UserIdType type = v1::USER_ID_TYPE_UNSPECIFIED) {
    auto request = In<v1::FindUserIdMappingRequest>();
    request.set_user_id(id);
    request.set_type(type);
    request.set_include_uses(true);
    return Ok(mapping_.FindUserIdMapping(context_, request));
  }

  rpc::CallContext context_;
  testing::FakeClock clock_;
  LinkingTestEnv env_;
  PgEmailVerificationStore verification_store_{env_.tenants()};
  EmailVerification verification_rules_{verification_store_, clock_};
  EmailVerificationServiceImpl verification_{env_.tenants().directory(), env_.users,
                                             verification_store_, verification_rules_};
  PgMetadataStore metadata_store_{env_.tenants()};
  MetadataServiceImpl metadata_{env_.tenants().directory(), env_.users, metadata_store_};
  PgIdMappingStore mapping_store_{env_.tenants()};
  IdMappingServiceImpl mapping_{env_.tenants().directory(), mapping_store_};
  PgActivityStore activity_store_{env_.tenants()};
  testing::FakeActivityLog audit_;
  activity::ActivityLog audit_log_{audit_, clock_};
  ActivityRecorder activity_{activity_store_, audit_log_, clock_};
  LinkingServiceImpl linking_{env_.tenants().directory(), env_.users, env_.store, activity_};
};

TEST_F(UserTopicsTest, ATokenVerifiesOnceInItsTenant) {
  const std::string token = CreateToken("u", " A@x.io ", "t1").token();
  EXPECT_EQ(token.size(), 128u);
  const std::string sibling = CreateToken("u", "a@x.io", "t1").token();
  EXPECT_TRUE(Verify(token).invalid_token());  // of another tenant
  const v1::VerifyEmailResponse verified = Verify(token, "t1");
  EXPECT_EQ(verified.verified().user_id(), "u");
  EXPECT_EQ(verified.verified().email(), "a@x.io");
  EXPECT_TRUE(Verify(token, "t1").invalid_token());
  EXPECT_TRUE(Verify(sibling, "t1").invalid_token());
  EXPECT_TRUE(IsVerified("u", "a@x.io"));
  EXPECT_FALSE(IsVerified("u", "A@x.io"));
  EXPECT_TRUE(CreateToken("u", "a@x.io").already_verified());

  auto unverify = In<v1::UnverifyEmailRequest>();
  unverify.set_user_id("u");
  unverify.set_email("A@x.io");
  EXPECT_TRUE(verification_.UnverifyEmail(context_, unverify).ok());
  EXPECT_FALSE(IsVerified("u", "a@x.io"));
}

TEST_F(UserTopicsTest, TokensExpireAndAreRevoked) {
  const std::string expired = CreateToken("u", "a@x.io").token();
  clock_.AdvanceMs(86'400'001);
  const std::string live = CreateToken("v", "a@x.io").token();
  auto database = env_.tenants().Of(*env_.Scope().tenant);
  ASSERT_TRUE(database.ok());
  int64_t deleted = 0;
  EXPECT_TRUE((*database)
                  ->Transact(testing::Soon(),
                             [&](db::Transaction& transaction) -> absl::Status {
                               ASSIGN_OR_RETURN(deleted, DeleteExpiredEmailVerificationTokens(
                                                             transaction, clock_.NowMs(), 100));
                               return absl::OkStatus();
                             })
                  .ok());
  EXPECT_EQ(deleted, 1);
  EXPECT_TRUE(Verify(expired).invalid_token());

  const std::string late = CreateToken("w", "a@x.io").token();
  clock_.AdvanceMs(86'400'001);
  EXPECT_TRUE(Verify(late).invalid_token());
  EXPECT_FALSE(IsVerified("w", "a@x.io"));

  clock_.AdvanceMs(-86'400'001);
  auto revoke = In<v1::RevokeEmailVerificationTokensRequest>();
  revoke.set_user_id("v");
  revoke.set_email("a@x.io");
  EXPECT_TRUE(verification_.RevokeEmailVerificationTokens(context_, revoke).ok());
  EXPECT_TRUE(Verify(live).invalid_token());
}

TEST_F(UserTopicsTest, OneOfManyUsesOfATokenSucceeds) {
  const std::string token = CreateToken("u", "a@x.io").token();
  std::atomic<int> verified = 0;
  AtOnce(50, [&](int) { verified += Verify(token).has_verified(); });
  EXPECT_EQ(verified, 1);
}

TEST_F(UserTopicsTest, MetadataIsMergedShallowly) {
  EXPECT_EQ(Metadata("u"), "{}");
  EXPECT_EQ(Update("u", R"({"a":1.0,"b":{"c":1,"d":null},"n":null})"),
            R"({"a":1.0,"b":{"c":1,"d":null}})");
  EXPECT_EQ(Update("u", R"({"b":{"e":1e3},"a":null,"z":12345678901234567890123})"),
            R"({"b":{"e":1e3},"z":12345678901234567890123})");
  EXPECT_EQ(Metadata("u"), R"({"b":{"e":1e3},"z":12345678901234567890123})");

  auto list = In<v1::ListMetadataRequest>();
  for (const char* id : {"u", "none", "u"}) list.add_user_ids(id);
  const v1::ListMetadataResponse listed = Ok(metadata_.ListMetadata(context_, list));
  ASSERT_EQ(listed.users_size(), 3);
  EXPECT_EQ(listed.users(0).metadata_json(), listed.users(2).metadata_json());
  EXPECT_FALSE(listed.users(1).has_metadata_json());
  for (int i = 0; i < 500; ++i) list.add_user_ids("u");
  EXPECT_EQ(ReasonOf(metadata_.ListMetadata(context_, list).status()), ErrorReason::kBadInput);

  auto remove = In<v1::DeleteMetadataRequest>();
  remove.set_user_id("u");
  EXPECT_TRUE(metadata_.DeleteMetadata(context_, remove).ok());
  EXPECT_EQ(Metadata("u"), "{}");

  auto bad = In<v1::UpdateMetadataRequest>();
  bad.set_user_id("u");
  for (const char* update : {"[]", "", "{"}) {
    bad.set_update_json(update);
    EXPECT_EQ(ReasonOf(metadata_.UpdateMetadata(context_, bad).status()), ErrorReason::kBadInput);
  }
  EXPECT_EQ(Metadata("u"), "{}");
}

TEST_F(UserTopicsTest, NoMergeOfManyIsLost) {
  AtOnce(50, [&](int i) { Update("u", StrCat("{\"k", std::to_string(i), "\":1}")); });
  EXPECT_EQ(json::Parse(Metadata("u"))->size(), 50u);
}

TEST(MergeMetadataTest, ManyMembersTakeLinearTime) {
  json::Value many = json::Value::Object();
  for (int i = 0; i < 100'000; ++i) many.Set(StrCat("k", std::to_string(i)), i);
  const std::string text = json::Serialize(many);
  EXPECT_EQ(*MergeMetadata(text, many), text);
  EXPECT_FALSE(MergeMetadata("[]", many).ok());
}

TEST_F(UserTopicsTest, MappingsOfIds) {
  const std::string user = env_.SignUp("a@x.io"), other = env_.SignUp("b@x.io");
  EXPECT_TRUE(Map("nobody", "ext").unknown_user_id());
  EXPECT_TRUE(Map(user, "ext").created());
  v1::MappingConflict conflict = Map(user, "ext").conflict();
  EXPECT_TRUE(conflict.supertokens_user_id_is_mapped() && conflict.external_user_id_is_mapped());
  conflict = Map(other, "ext").conflict();
  EXPECT_TRUE(!conflict.supertokens_user_id_is_mapped() && conflict.external_user_id_is_mapped());
  conflict = Map(user, "ext2").conflict();
  EXPECT_TRUE(conflict.supertokens_user_id_is_mapped() && !conflict.external_user_id_is_mapped());

  EXPECT_EQ(FindMapping("ext").mapping().supertokens_user_id(), user);
  EXPECT_EQ(FindMapping(user).mapping().external_user_id(), "ext");
  EXPECT_FALSE(FindMapping("ext", v1::USER_ID_TYPE_SUPERTOKENS).has_mapping());
  EXPECT_FALSE(FindMapping(user, v1::USER_ID_TYPE_EXTERNAL).has_mapping());

  auto info = In<v1::SetExternalUserIdInfoRequest>();
  info.set_user_id("ext");
  info.set_external_user_id_info("note");
  EXPECT_TRUE(Ok(mapping_.SetExternalUserIdInfo(context_, info)).mapping_found());
  EXPECT_EQ(FindMapping(user).mapping().external_user_id_info(), "note");
  info.set_type(v1::USER_ID_TYPE_SUPERTOKENS);
  EXPECT_FALSE(Ok(mapping_.SetExternalUserIdInfo(context_, info)).mapping_found());

  auto remove = In<v1::DeleteUserIdMappingRequest>();
  remove.set_user_id("ext");
  EXPECT_TRUE(Ok(mapping_.DeleteUserIdMapping(context_, remove)).existed());
  EXPECT_FALSE(Ok(mapping_.DeleteUserIdMapping(context_, remove)).existed());

  auto too_long = In<v1::CreateUserIdMappingRequest>();
  too_long.set_supertokens_user_id(user);
  too_long.set_external_user_id(std::string(129, 'x'));
  EXPECT_EQ(ReasonOf(mapping_.CreateUserIdMapping(context_, too_long).status()),
            ErrorReason::kBadInput);
}

TEST_F(UserTopicsTest, EmailVerificationGoesOverToTheExternalId) {
  const std::string user = env_.SignUp("a@x.io");
  ASSERT_TRUE(Verify(CreateToken(user, "a@x.io").token()).has_verified());
  const std::string token = CreateToken(user, "b@x.io").token();

  auto check = In<v1::CheckUserIdMappingRequest>();
  check.set_supertokens_user_id(user);
  check.set_external_user_id("ext");
  v1::CheckUserIdMappingResponse checked = Ok(mapping_.CheckUserIdMapping(context_, check));
  EXPECT_TRUE(checked.possible().has_email_verification());
  EXPECT_FALSE(checked.possible().has_metadata());

  EXPECT_TRUE(Map(user, "ext", /*move=*/true).created());
  EXPECT_TRUE(IsVerified("ext", "a@x.io"));
  EXPECT_FALSE(IsVerified(user, "a@x.io"));
  EXPECT_EQ(Verify(token).verified().user_id(), "ext");
  EXPECT_TRUE(FindMapping("ext").external_id_has_email_verification());
  checked = Ok(mapping_.CheckUserIdMapping(context_, check));
  EXPECT_TRUE(checked.conflict().supertokens_user_id_is_mapped());
  auto found = env_.users.FindById(env_.Scope(), "ext");
  ASSERT_TRUE(found.ok() && found->has_value());
  EXPECT_TRUE((*found)->login_methods(0).verified());
}

TEST_F(UserTopicsTest, AnIdThatIsTwoUsersMeansTheOneThatClientsSee) {
  const std::string first = env_.SignUp("a@x.io"), second = env_.SignUp("b@x.io");
  ASSERT_TRUE(Map(first, second).created());
  EXPECT_TRUE(FindMapping(second).external_id_is_a_user());
  EXPECT_EQ((*env_.users.FindById(env_.Scope(), second))->login_methods(0).email(), "a@x.io");
  // The data under the id belong to the second one: they stay when the first is removed.
  Update(second, R"({"k":1})");
  auto remove = In<v1::RemoveUserRequest>();
  remove.set_user_id(first);
  const v1::RemoveUserResponse removed = Ok(linking_.RemoveUser(context_, remove));
  ASSERT_EQ(removed.users_size(), 1);
  EXPECT_EQ(removed.users(0).supertokens_user_id(), first);
  EXPECT_EQ(removed.users(0).data_user_id(), "");
  EXPECT_EQ(Metadata(second), R"({"k":1})");
  EXPECT_EQ((*env_.users.FindById(env_.Scope(), second))->login_methods(0).email(), "b@x.io");
}

TEST_F(UserTopicsTest, ALinkedUserIsActiveAsItsPrimaryUserOnly) {
  const std::string primary = env_.Primary("a@x.io"), user = env_.SignUp("b@x.io");
  activity_.Note(env_.Scope(), user);
  EXPECT_EQ(*activity_.CountSince(env_.Scope(), 0), 1);
  auto link = In<v1::LinkUsersRequest>();
  link.set_recipe_user_id(user);
  link.set_primary_user_id(primary);
  EXPECT_FALSE(Ok(linking_.LinkUsers(context_, link)).linked().already_linked());
  EXPECT_EQ(*activity_.CountSince(env_.Scope(), 0), 1);
  auto remove = In<v1::RemoveUserRequest>();
  remove.set_user_id(primary);
  remove.set_whole_group(true);
  EXPECT_EQ(Ok(linking_.RemoveUser(context_, remove)).users_size(), 2);
  EXPECT_EQ(*activity_.CountSince(env_.Scope(), 0), 0);
}

TEST_F(UserTopicsTest, RefusalsSayWhyInTheOriginalsWords) {
  const std::string primary = env_.Primary("a@x.io");
  const std::string same = env_.SignUpThirdParty("a@x.io", "1"), linked = env_.SignUp("c@x.io");
  ASSERT_TRUE(Map(primary, "ext").created());
  auto make = In<v1::MakePrimaryUserRequest>();
  make.set_recipe_user_id(same);
  const v1::LinkRefusal taken = Ok(linking_.MakePrimaryUser(context_, make)).refused();
  EXPECT_EQ(taken.primary_user_id(), "ext");
  EXPECT_EQ(taken.description(), "This user's email is already associated with another user ID");
  ASSERT_EQ(env_.Link(linked, primary), LinkResult::kDone);
  make.set_recipe_user_id(linked);
  EXPECT_EQ(Ok(linking_.MakePrimaryUser(context_, make)).refused().description(),
            "This user ID is already linked to another user ID");
  const std::string second = env_.Primary("d@x.io");
  auto link = In<v1::LinkUsersRequest>();
  link.set_recipe_user_id(linked);
  link.set_primary_user_id(second);
  const v1::LinkRefusal refused = Ok(linking_.LinkUsers(context_, link)).refused();
  EXPECT_EQ(refused.description(), "The input recipe user ID is already linked to another user ID");
  EXPECT_EQ(refused.user().id(), "ext");
  make.set_recipe_user_id("nobody");
  const absl::Status unknown = linking_.MakePrimaryUser(context_, make).status();
  EXPECT_EQ(ReasonOf(unknown), ErrorReason::kBadInput);
  EXPECT_EQ(unknown.message(), "Unknown user ID provided");
  make.mutable_scope()->set_app_id("nowhere");
  EXPECT_EQ(ReasonOf(linking_.MakePrimaryUser(context_, make).status()),
            ErrorReason::kTenantNotFound);
}

}  // namespace
}  // namespace gatehouse::users

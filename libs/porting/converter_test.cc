// An example of each kind of export, made by us after the vendors' documentation.

#include "libs/porting/converter.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "libs/crypto/password.h"

namespace gatehouse::porting {
namespace {

std::string TemporaryFile(const std::string& text) {
  const std::string path = testing::TempDir() + "converter-" +
                           testing::UnitTest::GetInstance()->current_test_info()->name();
  std::ofstream(path, std::ios::binary) << text;
  return path;
}

Converted Convert(std::string_view format, std::string_view record, ConvertOptions options = {}) {
  const absl::StatusOr<Format> found = FindFormat(format, "");
  const auto convert = found->make(options);
  EXPECT_TRUE(convert.ok()) << convert.status();
  return ConvertRecord(*convert, record);
}

std::string Problems(const Converted& converted) {
  std::string text;
  for (const std::string& problem : converted.problems) text += problem + "\n";
  return text;
}

// Compares as JSON, whatever the order of members.
void ExpectUser(const Converted& converted, std::string_view expected) {
  EXPECT_EQ(Problems(converted), "");
  EXPECT_TRUE(converted.user == *json::Parse(expected)) << json::Serialize(converted.user);
}

const json::Value& Method(const Converted& converted, size_t index) {
  return converted.user.Find("loginMethods")->elements().at(index);
}

TEST(ConverterTest, KnowsItsFormats) {
  EXPECT_EQ(FindFormat("cognito", "x.csv")->layout, Records::Layout::kCsv);
  EXPECT_EQ(FindFormat("cognito", "x.json")->layout, Records::Layout::kArray);
  EXPECT_TRUE(absl::IsInvalidArgument(FindFormat("okta", "").status()));
  EXPECT_EQ(Problems(Convert("gatehouse", "[1]")), "no JSON object\n");
  EXPECT_NE(Problems(Convert("gatehouse", "{\"loginMethods\":")).find("no JSON: "),
            std::string::npos);
  // What is in its own format is left to the server.
  ExpectUser(Convert("gatehouse", R"({"loginMethods":[],"x":1})"), R"({"loginMethods":[],"x":1})");
}

TEST(ConverterTest, Auth0WithHashesBesideIt) {
  ConvertOptions options{.tenant = "t1"};
  options.hashes_path = TemporaryFile(
      R"({"_id":{"$oid":"5dea9f"},"email_verified":false,"email":"ada@example.com",)"
      R"("passwordHash":"$2b$10$GzEm3vKoAqnJCTWesRARCe/ovjt/07qjvcH9jbLUg44Fn77gMZkmm",)"
      R"("connection":"Username-Password-Authentication"})"
      "\n");
  ExpectUser(Convert("auth0",
                     R"({"user_id":"auth0|5dea9f","email":"ada@example.com","email_verified":true,
      "created_at":"2019-12-06T18:36:12.412Z","name":"Ada","identities":[
      {"connection":"Username-Password-Authentication","provider":"auth0","user_id":"5dea9f"},
      {"connection":"google-oauth2","provider":"google-oauth2","user_id":"1077","isSocial":true,
       "profileData":{"email":"ada@gmail.com","email_verified":true}}],
      "user_metadata":{"color":"green"},"app_metadata":{"plan":"gold"}})",
                     options),
             R"({"externalUserId":"auth0|5dea9f","loginMethods":[
      {"recipeId":"emailpassword","tenantIds":["t1"],"isVerified":true,"email":"ada@example.com",
       "passwordHash":"$2b$10$GzEm3vKoAqnJCTWesRARCe/ovjt/07qjvcH9jbLUg44Fn77gMZkmm",
       "hashingAlgorithm":"bcrypt","timeJoinedInMSSinceEpoch":1575657372412,"isPrimary":true},
      {"recipeId":"thirdparty","tenantIds":["t1"],"isVerified":true,"thirdPartyId":"google",
       "thirdPartyUserId":"1077","email":"ada@gmail.com",
       "timeJoinedInMSSinceEpoch":1575657372412}],
      "userMetadata":{"color":"green","app_metadata":{"plan":"gold"},"name":"Ada"}})");
  std::filesystem::remove(options.hashes_path);
}

TEST(ConverterTest, Auth0TheFileOfHashesAlone) {
  const Converted converted =
      Convert("auth0", R"({"_id":{"$oid":"5dea"},"alt_id":"euclid","passwordHash":"$2b$10$abc",
      "identifiers":[{"type":"email","value":"e@example.com","verified":true}]})");
  EXPECT_EQ(Problems(converted), "");
  EXPECT_EQ(converted.user.FindString("externalUserId"), "auth0|euclid");
  EXPECT_EQ(Method(converted, 0).FindString("email"), "e@example.com");
  EXPECT_TRUE(Method(converted, 0).Find("isVerified")->AsBool().value());
}

TEST(ConverterTest, Auth0Passwordless) {
  const Converted converted =
      Convert("auth0", R"({"user_id":"sms|5","phone_number":"+14155552671"})");
  EXPECT_EQ(Method(converted, 0).FindString("recipeId"), "passwordless");
  EXPECT_EQ(Method(converted, 0).FindString("phoneNumber"), "+14155552671");
}

TEST(ConverterTest, UsersWhoCouldSignInHereAndNotThere) {
  EXPECT_NE(Problems(Convert("auth0", R"({"user_id":"email|5","email":"a@b.c","blocked":true})"))
                .find("blocked"),
            std::string::npos);
  EXPECT_NE(Problems(Convert("firebase", R"({"localId":"u","email":"a@b.c","disabled":true})"))
                .find("disabled"),
            std::string::npos);
  EXPECT_NE(Problems(Convert("keycloak", R"({"id":"u","email":"a@b.c","enabled":false})"))
                .find("disabled"),
            std::string::npos);
  EXPECT_NE(Problems(Convert("cognito", R"({"Username":"u","Enabled":false,"Attributes":[]})"))
                .find("disabled"),
            std::string::npos);
}

TEST(ConverterTest, WithoutAHashOnlyWhenAsked) {
  const std::string record = R"({"user_id":"auth0|1","email":"a@b.c"})";
  EXPECT_NE(Problems(Convert("auth0", record)).find("no password hash (--reset-passwords"),
            std::string::npos);
  const Converted converted = Convert("auth0", record, {.reset_passwords = true});
  EXPECT_EQ(Problems(converted), "");
  EXPECT_EQ(converted.notes.size(), 1u);
  const std::string hash(Method(converted, 0).FindString("passwordHash").value());
  EXPECT_TRUE(crypto::IsBcryptFormat(hash));
}

TEST(ConverterTest, Firebase) {
  ConvertOptions options;
  options.hash_config_path = TemporaryFile(
      "hash_config {\n  algorithm: SCRYPT,\n  base64_signer_key: never+read==,\n"
      "  base64_salt_separator: Bw==,\n  rounds: 8,\n  mem_cost: 14,\n}\n");
  // The vector of Firebase's scrypt, with its parameters; URL-safe base64 is taken too.
  ExpectUser(Convert("firebase",
                     R"({"localId":"uid1","email":"ada@example.com","emailVerified":true,
      "passwordHash":"lSrfV15cpx95_sZS2W9c9Kp6i_LVgQNDNC_qzrCnh1SAyZvqmZqAjTdn3aoItz-VHjoZilo78198JAdRuid5lQ==",
      "salt":"42xEC-ixf3L2lw==","createdAt":"1486324170000","displayName":"Ada",
      "phoneNumber":"+14155552671","customAttributes":"{\"admin\":true}","providerUserInfo":[
      {"providerId":"password","rawId":"ada@example.com","email":"ada@example.com"},
      {"providerId":"google.com","rawId":"1077","email":"ada@example.com"},
      {"providerId":"phone","rawId":"+14155552671"}]})",
                     options),
             R"({"externalUserId":"uid1","loginMethods":[
      {"recipeId":"emailpassword","tenantIds":["public"],"isVerified":true,
       "email":"ada@example.com","passwordHash":"$f_scrypt$lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==$42xEC+ixf3L2lw==$m=14$r=8$s=Bw==",
       "hashingAlgorithm":"firebase_scrypt","timeJoinedInMSSinceEpoch":1486324170000,
       "isPrimary":true},
      {"recipeId":"thirdparty","tenantIds":["public"],"isVerified":true,"thirdPartyId":"google",
       "thirdPartyUserId":"1077","email":"ada@example.com",
       "timeJoinedInMSSinceEpoch":1486324170000},
      {"recipeId":"passwordless","tenantIds":["public"],"isVerified":true,
       "phoneNumber":"+14155552671","timeJoinedInMSSinceEpoch":1486324170000}],
      "userMetadata":{"customClaims":{"admin":true},"displayName":"Ada"}})");
  EXPECT_NE(Problems(Convert("firebase", R"({"localId":"u","email":"a@b.c","passwordHash":"aa",
      "salt":"bb"})"))
                .find("--hash-config"),
            std::string::npos);
  const Converted by_link = Convert("firebase", R"({"localId":"u","email":"a@b.c",
      "providerUserInfo":[{"providerId":"password"}]})");
  EXPECT_EQ(Method(by_link, 0).FindString("recipeId"), "passwordless");
  std::ofstream(options.hash_config_path) << "algorithm: BCRYPT";
  EXPECT_FALSE(FindFormat("firebase", "")->make(options).ok());
  std::filesystem::remove(options.hash_config_path);
}

TEST(ConverterTest, Cognito) {
  ConvertOptions options{.reset_passwords = true};
  const Converted own = Convert("cognito",
                                R"({"Username":"ada","Attributes":[
      {"Name":"sub","Value":"eb0e"},{"Name":"email_verified","Value":"true"},
      {"Name":"email","Value":"ada@example.com"},{"Name":"given_name","Value":"Ada"},
      {"Name":"custom:plan","Value":"gold"}],"UserCreateDate":1548217184.031,"Enabled":true,
      "UserStatus":"CONFIRMED"})",
                                options);
  EXPECT_EQ(Problems(own), "");
  EXPECT_EQ(own.user.FindString("externalUserId"), "eb0e");
  EXPECT_EQ(Method(own, 0).FindString("recipeId"), "emailpassword");
  EXPECT_EQ(Method(own, 0).Find("timeJoinedInMSSinceEpoch")->AsInt64(), 1548217184031);
  EXPECT_EQ(json::Serialize(*own.user.Find("userMetadata")),
            R"({"given_name":"Ada","custom:plan":"gold"})");
  const Converted external = Convert("cognito",
                                     R"({"Username":"Google_1077","Attributes":[
      {"Name":"sub","Value":"ff01"},{"Name":"email","Value":"ada@gmail.com"},
      {"Name":"identities","Value":"[{\"userId\":\"1077\",\"providerName\":\"Google\",)"
                                     R"(\"providerType\":\"Google\",\"primary\":true}]"}],
      "UserCreateDate":"2021-03-09T20:34:21.045000+00:00","Enabled":true,
      "UserStatus":"EXTERNAL_PROVIDER"})",
                                     options);
  EXPECT_EQ(Problems(external), "");
  EXPECT_EQ(Method(external, 0).FindString("thirdPartyId"), "google");
  EXPECT_EQ(Method(external, 0).FindString("thirdPartyUserId"), "1077");
  EXPECT_EQ(Method(external, 0).Find("timeJoinedInMSSinceEpoch")->AsInt64(), 1615322061045);
  // A row of CSV.
  const Converted row = Convert("cognito", R"({"cognito:username":"bob","email":"bob@example.com",
      "email_verified":"TRUE","cognito:mfa_enabled":"true"})",
                                options);
  EXPECT_EQ(row.user.FindString("externalUserId"), "bob");
  EXPECT_EQ(row.notes.size(), 2u);  // the password, and the factor
}

TEST(ConverterTest, Keycloak) {
  const Converted converted = Convert("keycloak",
                                      R"({"id":"c43a","createdTimestamp":1588087437361,
      "username":"ada","enabled":true,"emailVerified":true,"email":"ada@example.com",
      "credentials":[
       {"type":"password","secretData":"{\"value\":\"aGFzaA==\",\"salt\":\"c2FsdHNhbHQ=\"}",
        "credentialData":"{\"hashIterations\":5,\"algorithm\":\"argon2\",\"additionalParameters\":)"
                                      R"({\"hashLength\":[\"4\"],\"memory\":[\"7168\"],)"
                                      R"(\"type\":[\"id\"],\"version\":[\"1.3\"],)"
                                      R"(\"parallelism\":[\"1\"]}}"},
       {"type":"otp","userLabel":"phone","secretData":"{\"value\":\"12345678901234567890\"}",
        "credentialData":"{\"subType\":\"totp\",\"digits\":6,\"period\":30,)"
                                      R"(\"algorithm\":\"HmacSHA1\"}"},
       {"type":"otp","userLabel":"big","secretData":"{\"value\":\"x\"}",
        "credentialData":"{\"subType\":\"totp\",\"digits\":8,\"period\":30,)"
                                      R"(\"algorithm\":\"HmacSHA1\"}"}],
      "federatedIdentities":[{"identityProvider":"github","userId":"77","userName":"ada"}],
      "realmRoles":["default-roles-x","offline_access","editor"]})");
  ExpectUser(converted, R"({"externalUserId":"c43a","loginMethods":[
      {"recipeId":"emailpassword","tenantIds":["public"],"isVerified":true,
       "email":"ada@example.com","passwordHash":"$argon2id$v=19$m=7168,t=5,p=1$c2FsdHNhbHQ$aGFzaA",
       "hashingAlgorithm":"argon2","timeJoinedInMSSinceEpoch":1588087437361,"isPrimary":true},
      {"recipeId":"thirdparty","tenantIds":["public"],"isVerified":true,"thirdPartyId":"github",
       "thirdPartyUserId":"77","email":"ada@example.com",
       "timeJoinedInMSSinceEpoch":1588087437361}],
      "totpDevices":[{"deviceName":"phone","secretKey":"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ",
       "period":30,"skew":1}],
      "userRoles":[{"role":"editor","tenantIds":["public"]}],"userMetadata":{"username":"ada"}})");
  EXPECT_EQ(converted.notes.size(), 1u);
  EXPECT_NE(Problems(Convert("keycloak", R"({"id":"x","email":"a@b.c","credentials":[
      {"type":"password","secretData":"{\"value\":\"aa\"}",
       "credentialData":"{\"hashIterations\":27500,\"algorithm\":\"pbkdf2-sha256\"}"}]})"))
                .find("other than argon2"),
            std::string::npos);
}

TEST(ConverterTest, TextsHaveNoValuesOfUsers) {
  const std::string texts =
      Problems(Convert("keycloak", R"({"id":"secret-id","username":"secret",
          "credentials":[{"type":"password"}],"serviceAccountClientId":"secret"})")) +
      Problems(Convert("auth0", R"({"user_id":"facebook|secret","blocked":true})")) +
      Problems(Convert("gatehouse", R"({"email":"secret@example.com"x})"));
  EXPECT_EQ(texts.find("secret"), std::string::npos) << texts;
}

}  // namespace
}  // namespace gatehouse::porting

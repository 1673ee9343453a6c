#include "services/accounts/bulkimport/read_user.h"

#include <gtest/gtest.h>

#include <memory>

#include "libs/base/status.h"

namespace gatehouse::accounts {
namespace {

constexpr int64_t kNow = 1'700'000'000'000;

tenancy::TenantPtr MakeTenant(const std::string& id, const std::string& database_id = "") {
  auto tenant = std::make_shared<tenancy::Tenant>();
  tenant->app_id = "public";
  tenant->tenant_id = id;
  tenant->database_id = database_id;
  tenant->config = *config::CoreConfig::Resolve(config::BaseConfig());
  return tenant;
}

class ReadUserTest : public ::testing::Test {
 protected:
  UserReader Reader(UserReader::Source source = UserReader::Source::kRequest) {
    return UserReader(
        {.tenant = MakeTenant("public"),
         .has_role = [](const std::string& role) -> absl::StatusOr<bool> { return role == "r"; },
         .find_tenant = [this](const std::string& id) -> absl::StatusOr<tenancy::TenantPtr> {
           ++look_ups_;
           if (id == "down") return MakeError(ErrorReason::kDependencyDown, "down");
           if (id == "public" || id == "t1") return MakeTenant(id);
           if (id == "far") return MakeTenant(id, "elsewhere");
           return tenancy::TenantPtr();
         },
         .now_ms = kNow},
        source);
  }
  std::vector<std::string> Read(UserReader& reader, const std::string& text) {
    auto errors = reader.Read(*json::Parse(text), user_);
    EXPECT_TRUE(errors.ok()) << errors.status();
    return errors.ok() ? *errors : std::vector<std::string>();
  }
  std::vector<std::string> Read(const std::string& text) {
    UserReader reader = Reader();
    return Read(reader, text);
  }
  static std::string Methods(const std::string& methods) {
    return R"({"loginMethods":[)" + methods + "]}";
  }

  BulkUser user_;
  int look_ups_ = 0;
};

using Errors = std::vector<std::string>;

TEST_F(ReadUserTest, TheLeaderIsMarkedOrTheOldest) {
  const std::string a = R"({"recipeId":"passwordless","email":"a@x.io","timeJoinedInMSSinceEpoch":9)";
  const std::string b = R"({"recipeId":"passwordless","email":"b@x.io","timeJoinedInMSSinceEpoch":5)";
  EXPECT_EQ(Read(Methods(a + "}," + b + "}")), Errors());
  EXPECT_EQ(user_.leader(), 1u);
  EXPECT_EQ(Read(Methods(a + R"(,"isPrimary":true},)" + b + "}")), Errors());
  EXPECT_EQ(user_.leader(), 0u);
}

TEST_F(ReadUserTest, WhatIsStoredReadsTheSame) {
  EXPECT_EQ(Read(R"({"externalUserId":" e ","userMetadata":{"a":{"b":null},"n":1.50},)"
                 R"("userRoles":[{"role":" r ","tenantIds":["public"]}],"totpDevices":[{"secretKey":"AA"}],)"
                 R"("loginMethods":[{"recipeId":"emailpassword","email":" A@X.io","plainTextPassword":"p"},)"
                 R"({"recipeId":"passwordless","phoneNumber":"+1 415 555 2671","tenantIds":[" T1 "]}]})"),
            Errors());
  const std::string stored = json::Serialize(StoredJson(user_));
  const std::string id = user_.id();
  UserReader reader = Reader(UserReader::Source::kTable);
  EXPECT_EQ(Read(reader, stored), Errors());
  EXPECT_EQ(json::Serialize(StoredJson(user_)), stored);
  EXPECT_EQ(user_.id(), id);
  EXPECT_EQ(*user_.external_user_id, "e");
  EXPECT_EQ(*user_.login_methods[0].email, "a@x.io");
  EXPECT_EQ(*user_.login_methods[1].phone_number, "+14155552671");
  EXPECT_EQ(user_.login_methods[1].tenant_ids, Errors{"t1"});
  EXPECT_EQ((*user_.roles)[0].role, "r");
  EXPECT_EQ((*user_.totp_devices)[0].period_s, 30);
}

TEST_F(ReadUserTest, LengthsCountAsInJava) {
  // An emoji is two.
  std::string emojis;
  for (int i = 0; i < 64; ++i) emojis += "\xF0\x9F\x98\x80";
  const std::string method = R"("loginMethods":[{"recipeId":"passwordless","email":"a@x.io"}])";
  EXPECT_EQ(Read(R"({"externalUserId":")" + emojis + R"(",)" + method + "}"), Errors());
  EXPECT_EQ(Read(R"({"externalUserId":")" + emojis + R"(a",)" + method + "}"),
            Errors{"externalUserId " + emojis + "a is too long. Max length is 128."});
}

TEST_F(ReadUserTest, ErrorsHoldNoSecret) {
  const std::string secret(300, 'S');
  for (const std::string& text :
       {R"({"totpDevices":[{"secretKey":")" + secret +
            R"("}],"loginMethods":[{"recipeId":"passwordless","email":"a@x.io"}]})",
        Methods(R"({"recipeId":"emailpassword","email":"a@x.io","plainTextPassword":")" + secret +
                R"(","tenantIds":[]})"),
        Methods(R"({"recipeId":"emailpassword","email":"a@x.io","hashingAlgorithm":"bcrypt",)"
                R"("passwordHash":")" +
                secret + R"("})")}) {
    const Errors errors = Read(text);
    EXPECT_FALSE(errors.empty());
    for (const std::string& error : errors) EXPECT_EQ(error.find("SSS"), std::string::npos) << error;
  }
}

TEST_F(ReadUserTest, TenantsOfOneUserAreInOneDatabase) {
  EXPECT_EQ(Read(Methods(R"({"recipeId":"passwordless","email":"a@x.io","tenantIds":["t1","far"]})")),
            Errors{"All tenants for a user must share the same database for passwordless recipe."});
  EXPECT_EQ(Read(Methods(R"({"recipeId":"passwordless","email":"a@x.io","tenantIds":["no"]})")),
            (Errors{"Invalid tenantId: no for passwordless recipe.", "LoginMethod has no tenantId"}));
}

TEST_F(ReadUserTest, ATenantIsLookedUpOnce) {
  UserReader reader = Reader();
  for (int i = 0; i < 3; ++i) {
    Read(reader, Methods(R"({"recipeId":"passwordless","email":"a@x.io","tenantIds":["t1","no"]})"));
  }
  EXPECT_EQ(look_ups_, 2);
}

TEST_F(ReadUserTest, ATenantThatCannotBeLookedUpIsNobodysMistake) {
  UserReader reader = Reader();
  const auto errors = reader.Read(
      *json::Parse(Methods(R"({"recipeId":"passwordless","email":"a@x.io","tenantIds":["down"]})")),
      user_);
  EXPECT_EQ(ReasonOf(errors.status()), ErrorReason::kDependencyDown);
}

TEST_F(ReadUserTest, AnotherInstancesClockMayBeAhead) {
  const std::string method = R"({"recipeId":"passwordless","email":"a@x.io","superTokensUserId":)"
                             R"("00000000-0000-4000-8000-000000000000","timeJoinedInMSSinceEpoch":)" +
                             std::to_string(kNow + 5000) + "}";
  EXPECT_EQ(Read(Methods(method)), Errors{"timeJoined cannot be in future for a loginMethod."});
  UserReader reader = Reader(UserReader::Source::kTable);
  EXPECT_EQ(Read(reader, Methods(method)), Errors());
}

TEST_F(ReadUserTest, WhatOneUserHasIsBounded) {
  const auto times = [](int count, const std::function<std::string(int)>& element) {
    std::string list;
    for (int i = 0; i < count; ++i) list += (i > 0 ? "," : "") + element(i);
    return list;
  };
  const auto roles = [&](int count) {
    return R"({"userRoles":[)" +
           times(count, [](int) { return R"({"role":"r","tenantIds":["public"]})"; }) +
           R"(],"loginMethods":[{"recipeId":"passwordless","email":"a@x.io"}]})";
  };
  const auto methods = [&](int count, const char* more) {
    return Methods(times(count, [more](int i) {
      return R"({"recipeId":"emailpassword","email":"a)" + std::to_string(i) + R"(@x.io",)" + more + "}";
    }));
  };
  const char* plain = R"("plainTextPassword":"p")";
  const char* hashed =
      R"("passwordHash":"$2a$10$GzEm3vKoAqnJCTWesRARCe/ovjt/07qjvcH9jbLUg44Fn77gMZkmm","hashingAlgorithm":"bcrypt")";
  EXPECT_EQ(Read(roles(10'000)), Errors());
  EXPECT_EQ(Read(roles(10'001)), Errors{"A user cannot have more than 10000 roles in tenants."});
  EXPECT_EQ(Read(methods(1000, hashed)), Errors());
  EXPECT_EQ(Read(methods(1001, hashed)), Errors{"A user cannot have more than 1000 loginMethods."});
  EXPECT_EQ(Read(methods(20, plain)), Errors());
  EXPECT_EQ(Read(methods(21, plain)),
            Errors{"A user cannot have more than 20 loginMethods with a plainTextPassword."});
}

TEST_F(ReadUserTest, NulIsNoText) {
  EXPECT_EQ(Read(Methods(R"({"recipeId":"passwordless","email":"a\u0000@x.io"})")),
            (Errors{"email should be of type string for a passwordless recipe.",
                    "Either email or phoneNumber is required for a passwordless recipe."}));
}

}  // namespace
}  // namespace gatehouse::accounts

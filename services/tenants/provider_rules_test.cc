#include "services/tenants/provider_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "libs/base/status.h"

namespace gatehouse::tenants {
namespace {

v1::ThirdPartyProvider Provider(const char* id, const char* additional_config = nullptr) {
  v1::ThirdPartyProvider provider;
  provider.set_third_party_id(id);
  auto* client = provider.add_clients();
  client->set_client_id("client");
  if (additional_config != nullptr) client->set_additional_config_json(additional_config);
  return provider;
}

absl::Status Check(const v1::ThirdPartyProvider& provider) {
  return CheckProviders(std::vector{provider});
}

TEST(ProviderRulesTest, CompleteProvidersPass) {
  EXPECT_TRUE(Check(Provider("google")).ok());
  EXPECT_TRUE(Check(Provider("apple", R"({"keyId":"k","teamId":"t","privateKey":"p"})")).ok());
  EXPECT_TRUE(Check(Provider("google-workspaces", R"({"hd":"*"})")).ok());
  EXPECT_TRUE(Check(Provider("boxy-saml")).ok());
}

TEST(ProviderRulesTest, WhatAProviderNeedsIsDemanded) {
  for (const char* config :
       {R"({})", R"({"keyId":"k","teamId":"t"})", R"({"keyId":"k","teamId":"t","privateKey":""})",
        R"({"keyId":1,"teamId":"t","privateKey":"p"})"}) {
    EXPECT_EQ(ReasonOf(Check(Provider("apple", config))), ErrorReason::kBadInput) << config;
  }
  EXPECT_FALSE(Check(Provider("google-workspaces", R"({"hd":1})")).ok());
  EXPECT_FALSE(Check(Provider("boxy-saml", R"({"boxyURL":null})")).ok());
  EXPECT_EQ(Check(Provider("")).message(),
            "Invalid third party config: thirdPartyId cannot be null or empty");
}

TEST(ProviderRulesTest, NothingComesTwice) {
  EXPECT_EQ(CheckProviders(std::vector{Provider("a"), Provider("a")}).message(),
            "Invalid third party config: Duplicate ThirdPartyId was specified in the providers "
            "list.");
  v1::ThirdPartyProvider provider = Provider("a");
  provider.add_clients()->set_client_id("second");
  EXPECT_EQ(Check(provider).message(),
            "Invalid third party config: Duplicate clientType was specified in the clients list.");
  EXPECT_FALSE(CheckStorable(provider).ok()) << "the key of the table";
}

TEST(ProviderRulesTest, ClientsAreJudgedOneAfterTheOther) {
  v1::ThirdPartyProvider provider = Provider("apple", "{}");
  provider.add_clients();
  EXPECT_THAT(std::string(Check(provider).message()), ::testing::HasSubstr("Apple provider"));
  provider = Provider("a");
  provider.add_clients();  // of no type either, and without an id
  EXPECT_THAT(std::string(Check(provider).message()), ::testing::HasSubstr("Duplicate clientType"));
}

TEST(ProviderRulesTest, AClientNeedsAnId) {
  v1::ThirdPartyProvider provider = Provider("a");
  provider.mutable_clients(0)->clear_client_id();
  EXPECT_EQ(Check(provider).message(), "Invalid third party config: clientId cannot be null");
  EXPECT_FALSE(CheckStorable(provider).ok());
}

}  // namespace
}  // namespace gatehouse::tenants

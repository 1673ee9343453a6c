#include "services/saml/saml_service.h"

#include <gtest/gtest.h>

#include "gatehouse/tenants/v1/activity_log_service.rpc.h"
#include "gatehouse/tenants/v1/app_settings_service.rpc.h"
#include "libs/activity/activity_log.h"
#include "libs/testing/fake_clock.h"
#include "libs/testing/pg_test_server.h"
#include "libs/testing/policy_check.h"
#include "libs/testing/test_tenants.h"
#include "services/saml/pg_cleanup.h"
#include "services/saml/policy.h"
#include "services/saml/test_provider.h"

namespace gatehouse::saml {
namespace {

// Keeps settings in memory.
class FakeSettings final : public tenants::v1::AppSettingsService {
 public:
  absl::StatusOr<tenants::v1::GetOrCreateSettingResponse> GetOrCreateSetting(
      rpc::CallContext&, const tenants::v1::GetOrCreateSettingRequest& request) override {
    tenants::v1::GetOrCreateSettingResponse response;
    response.set_value(values.emplace(request.name(), request.proposed_value()).first->second);
    return response;
  }
  absl::StatusOr<tenants::v1::GetSettingResponse> GetSetting(
      rpc::CallContext&, const tenants::v1::GetSettingRequest& request) override {
    tenants::v1::GetSettingResponse response;
    if (values.contains(request.name())) response.set_value(values[request.name()]);
    return response;
  }
  absl::StatusOr<tenants::v1::SetSettingResponse> SetSetting(
      rpc::CallContext&, const tenants::v1::SetSettingRequest&) override {
    return absl::UnimplementedError("");
  }
  absl::StatusOr<tenants::v1::DeleteSettingResponse> DeleteSetting(
      rpc::CallContext&, const tenants::v1::DeleteSettingRequest&) override {
    return absl::UnimplementedError("");
  }
  std::map<std::string, std::string> values;
};

class NoActivityLog final : public tenants::v1::ActivityLogService {
 public:
  absl::StatusOr<tenants::v1::AppendActivitiesResponse> AppendActivities(
      rpc::CallContext&, const tenants::v1::AppendActivitiesRequest&) override {
    return tenants::v1::AppendActivitiesResponse();
  }
};

class SamlServiceTest : public ::testing::Test {
 protected:
  SamlServiceTest() { context.deadline = testing::Soon(); }

  v1::PutClientRequest Request(const std::string& id, const std::string& metadata) {
    v1::PutClientRequest request;
    *request.mutable_scope() = app;
    request.set_client_id(id);
    request.set_default_redirect_uri("https://app.example.com");
    request.set_redirect_uris_json(R"(["https://app.example.com"])");
    request.set_metadata_xml(metadata);
    return request;
  }

  const std::unique_ptr<db::Database> database =
      testing::TestPostgres::Shared().CreateDatabase(/*pool_size=*/8);
  testing::TestTenants tenants{*database};
  const common::v1::Scope app = tenants.Add("app", "public", "{}")->scope();
  testing::FakeClock clock;
  PgClientStore clients{tenants};
  PgLoginStore logins{tenants};
  FakeSettings settings;
  ServiceKeys keys{settings, clock};
  NoActivityLog no_activity;
  activity::ActivityLog activities{no_activity, clock};
  SignOn sign_on{clients, logins, keys, clock, Leniencies(), "https://login.example.com"};
  SamlServiceImpl service{tenants.directory(), clients, sign_on, keys, activities, clock};
  rpc::CallContext context;
};

TEST(SamlPolicyTest, IsEnforced) {
  testing::ExpectPolicyIsEnforced(v1::SamlService::Info(), SamlPolicy());
}

// A core of the original may change a client at any time. What only we know of it does not outlive
// that.
TEST_F(SamlServiceTest, TheOriginalsChangesWin) {
  v1::PutClientRequest request = Request("c", TestProvider::Genuine().Metadata());
  request.add_leniencies(v1::LENIENCY_ANY_REQUEST);
  ASSERT_TRUE(service.PutClient(context, request).ok());
  const tenancy::Where where = {*tenants.directory().Find(app), testing::Soon()};
  EXPECT_TRUE((*clients.Find(where, "c"))->leniencies.any_request);
  ASSERT_TRUE(
      database
          ->Execute(testing::Soon(), {"test_update_client",
                                      "UPDATE {saml_clients} SET idp_signing_certificate = 'other',"
                                      " updated_at = updated_at + 5"})
          .ok());
  const auto changed = clients.Find(where, "c");
  ASSERT_TRUE(changed.ok() && changed->has_value());
  EXPECT_FALSE((*changed)->leniencies.any_request);
  EXPECT_EQ((*changed)->idp_signing_certificates, std::vector<std::string>{"other"});
  // And ours wins over it again, with an older clock too.
  clock.SetMs(1);
  ASSERT_TRUE(service.PutClient(context, request).ok());
  EXPECT_TRUE((*clients.Find(where, "c"))->leniencies.any_request);
}

// SAML 2.0 Bindings, 3.4.4.1: the signature is over the parameters as they are sent.
TEST_F(SamlServiceTest, RequestsSignedByTheirParameters) {
  v1::PutClientRequest put = Request("c", TestProvider::Genuine().Metadata());
  put.set_enable_request_signing(true);
  put.set_sign_in_query(true);
  ASSERT_TRUE(service.PutClient(context, put).ok());
  v1::StartLoginRequest start;
  *start.mutable_scope() = app;
  start.set_client_id("c");
  start.set_redirect_uri("https://app.example.com");
  start.set_acs_url(kTestAcs);
  const auto started = service.StartLogin(context, start);
  ASSERT_TRUE(started.ok()) << started.status();
  const std::string url = started->sso_redirect_uri();
  const size_t query = url.find("SAMLRequest=");
  const size_t end = url.find("&Signature=");
  ASSERT_NE(end, std::string::npos) << url;
  const std::string signature = *crypto::Base64Decode(
      absl::StrReplaceAll(url.substr(end + 11), {{"%2B", "+"}, {"%2F", "/"}, {"%3D", "="}}));
  const std::string& pair = settings.values["saml_key_pair"];
  const auto key = crypto::RsaPublicKey::FromSpkiBase64(pair.substr(pair.find('\n') + 1));
  ASSERT_TRUE(key.ok()) << key.status();
  EXPECT_TRUE(key->VerifySha256(url.substr(query, end - query), signature));
  EXPECT_TRUE(url.substr(0, end).ends_with(
      "&SigAlg=http%3A%2F%2Fwww.w3.org%2F2001%2F04%2Fxmldsig-more%23rsa-sha256"));
  EXPECT_TRUE(service
                  .ListClients(context,
                               [&] {
                                 v1::ListClientsRequest list;
                                 *list.mutable_scope() = app;
                                 return list;
                               }())
                  ->clients(0)
                  .sign_in_query());
}

v1::StartLoginRequest StartOf(const common::v1::Scope& app) {
  v1::StartLoginRequest start;
  *start.mutable_scope() = app;
  start.set_client_id("c");
  start.set_redirect_uri("https://app.example.com");
  start.set_acs_url(kTestAcs);
  return start;
}

// SAML 2.0 Bindings, 3.5: the request as it is, in base64, signed within.
TEST_F(SamlServiceTest, RequestsThatArePosted) {
  v1::PutClientRequest put =
      Request("c", Replaced(TestProvider::Genuine().Metadata(), "HTTP-Redirect", "HTTP-POST"));
  put.set_enable_request_signing(true);
  put.set_sign_in_query(true);
  const auto stored = service.PutClient(context, put);
  ASSERT_TRUE(stored.ok()) << stored.status();
  EXPECT_TRUE(stored->client().post_requests());
  const auto started = service.StartLogin(context, StartOf(app));
  ASSERT_TRUE(started.ok()) << started.status();
  const std::string url = started->sso_redirect_uri();
  const std::string page = "https://login.example.com/appid-app/recipe/saml/login/form?relayState=";
  ASSERT_TRUE(url.starts_with(page)) << url;
  v1::GetLoginFormRequest get;
  *get.mutable_scope() = app;
  get.set_relay_state(url.substr(page.size()));
  const auto form = service.GetLoginForm(context, get);
  ASSERT_TRUE(form.ok() && form->has_form()) << form.status();
  EXPECT_EQ(form->form().action(), "https://idp.example.com/sso");
  const auto request = XmlDocument::Parse(*crypto::Base64Decode(form->form().saml_request()));
  ASSERT_TRUE(request.ok()) << request.status();
  EXPECT_EQ(request->root().Attribute("Destination"), "https://idp.example.com/sso");
  EXPECT_EQ(request->root().Attribute("AssertionConsumerServiceURL"), kTestAcs);
  const std::string certificate = *crypto::Base64Decode(settings.values["saml_certificate"]);
  EXPECT_TRUE(VerifySignature(*request, request->root(), {certificate}, false).ok());
  // The same each time, for as long as the login may take.
  clock.AdvanceMs(1000);
  EXPECT_EQ(service.GetLoginForm(context, get)->form().saml_request(),
            form->form().saml_request());
  get.set_relay_state("other");
  EXPECT_TRUE(service.GetLoginForm(context, get)->invalid_relay_state());
  get.set_relay_state(url.substr(page.size()));
  clock.AdvanceMs(300'000);
  EXPECT_TRUE(service.GetLoginForm(context, get)->invalid_relay_state());
}

TEST_F(SamlServiceTest, PostingIsTheProvidersOnlyWayOrTheClientsChoice) {
  const std::string redirect = TestProvider::Genuine().Metadata();
  const std::string post_service =
      "<md:SingleSignOnService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\""
      " Location=\"https://idp.example.com/post\"/></md:IDPSSODescriptor>";
  const std::string both = Replaced(redirect, "</md:IDPSSODescriptor>", post_service);
  v1::PutClientRequest put = Request("c", both);
  EXPECT_FALSE(service.PutClient(context, put)->client().post_requests());
  const auto started = service.StartLogin(context, StartOf(app));
  ASSERT_TRUE(started.ok());
  EXPECT_TRUE(started->sso_redirect_uri().starts_with("https://idp.example.com/sso?"));
  // Only those that are asked so have a form.
  v1::GetLoginFormRequest get;
  *get.mutable_scope() = app;
  const std::string& url = started->sso_redirect_uri();
  get.set_relay_state(url.substr(url.find("RelayState=") + 11));
  EXPECT_TRUE(service.GetLoginForm(context, get)->invalid_relay_state());
  put.set_post_requests(true);
  EXPECT_TRUE(service.PutClient(context, put)->client().post_requests());
  EXPECT_EQ(service.GetLoginForm(context, get)->form().action(), "https://idp.example.com/post");
  put.set_metadata_xml(redirect);
  EXPECT_TRUE(absl::IsInvalidArgument(service.PutClient(context, put).status()));
  // Without the URL of the page there is no such way.
  SignOn without{clients, logins, keys, clock, Leniencies(), ""};
  SamlServiceImpl other{tenants.directory(), clients, without, keys, activities, clock};
  put.set_metadata_xml(both);
  EXPECT_TRUE(absl::IsInvalidArgument(other.PutClient(context, put).status()));
  put.set_post_requests(false);
  put.set_metadata_xml(Replaced(redirect, "HTTP-Redirect", "HTTP-POST"));
  EXPECT_TRUE(absl::IsInvalidArgument(other.PutClient(context, put).status()));
}

// A code is that of the client that its response was verified for, and goes with it: one of the
// same name that is put afterwards has none.
TEST_F(SamlServiceTest, CodesGoWithTheirClient) {
  const tenancy::Where where = {*tenants.directory().Find(app), testing::Soon()};
  const v1::PutClientRequest put = Request("c", TestProvider::Genuine().Metadata());
  ASSERT_TRUE(service.PutClient(context, put).ok());
  VerifiedLogin login;
  login.client_id = "c";
  login.client_created_ms = (*clients.Find(where, "c"))->created_ms;
  login.assertion_hash = std::string(64, '1');
  login.code = "first";
  login.claims_json = "{}";
  login.assertion_until_ms = login.code_until_ms = clock.NowMs() + 60'000;
  ASSERT_EQ(*logins.Finish(where, login, clock.NowMs()), PgLoginStore::Finished::kDone);
  ASSERT_TRUE(*clients.Remove(where, "c"));
  clock.AdvanceMs(1);
  ASSERT_TRUE(service.PutClient(context, put).ok());
  EXPECT_FALSE(logins.TakeCode(where, "first", clock.NowMs())->has_value());
  // A response that was verified before that.
  login.assertion_hash = std::string(64, '2');
  login.code = "second";
  EXPECT_EQ(*logins.Finish(where, login, clock.NowMs()), PgLoginStore::Finished::kUnknownClient);
  EXPECT_FALSE(logins.TakeCode(where, "second", clock.NowMs())->has_value());
  // A client that is put again, and not removed, keeps its codes.
  login.client_created_ms = (*clients.Find(where, "c"))->created_ms;
  login.assertion_hash = std::string(64, '3');
  login.code = "third";
  ASSERT_EQ(*logins.Finish(where, login, clock.NowMs()), PgLoginStore::Finished::kDone);
  clock.AdvanceMs(1);
  ASSERT_TRUE(service.PutClient(context, put).ok());
  EXPECT_TRUE(logins.TakeCode(where, "third", clock.NowMs())->has_value());
}

// What has expired goes; assertions an hour later, for instances whose clocks are behind.
TEST_F(SamlServiceTest, ExpiredRowsGo) {
  const tenancy::Where where = {*tenants.directory().Find(app), testing::Soon()};
  ASSERT_TRUE(service.PutClient(context, Request("c", TestProvider::Genuine().Metadata())).ok());
  const int64_t now_ms = clock.NowMs();
  for (const int64_t until_ms : {now_ms + 1000, now_ms + 100'000}) {
    const std::string name = std::to_string(until_ms);
    ASSERT_TRUE(
        logins.Begin(where, {name, "c", std::nullopt, "r", "_1", "a", now_ms}, until_ms).ok());
    ASSERT_TRUE(
        logins.Begin(where, {"x" + name, "c", std::nullopt, "r", "_1", "a", now_ms}, until_ms)
            .ok());
    const auto finished =
        logins.Finish(where,
                      {"x" + name, "c", now_ms, std::string(64 - name.size(), '0') + name, until_ms,
                       name, "{}", until_ms},
                      now_ms);
    ASSERT_TRUE(finished.ok()) << finished.status();
    ASSERT_EQ(*finished, PgLoginStore::Finished::kDone);
  }
  const auto rows = [&] {
    const auto counts =
        database->Execute(testing::Soon(), {"test_count_rows",
                                            "SELECT (SELECT count(*) FROM {saml_relay_state}),"
                                            " (SELECT count(*) FROM {gatehouse_saml_logins}),"
                                            " (SELECT count(*) FROM {saml_claims}),"
                                            " (SELECT count(*) FROM {gatehouse_saml_assertions})"});
    EXPECT_TRUE(counts.ok()) << counts.status();
    std::vector<int64_t> all;
    for (int i = 0; i < 4; ++i) all.push_back(counts->front().Int64(i));
    return all;
  };
  EXPECT_EQ(rows(), (std::vector<int64_t>{2, 2, 2, 2}));
  clock.AdvanceMs(2000);
  ASSERT_TRUE(DeleteExpired(tenants.directory(), tenants, clock, testing::Soon()).ok());
  EXPECT_EQ(rows(), (std::vector<int64_t>{1, 1, 1, 2}));
  clock.AdvanceMs(3'600'000);
  ASSERT_TRUE(DeleteExpired(tenants.directory(), tenants, clock, testing::Soon()).ok());
  EXPECT_EQ(rows(), (std::vector<int64_t>{0, 0, 0, 1}));
}

}  // namespace
}  // namespace gatehouse::saml

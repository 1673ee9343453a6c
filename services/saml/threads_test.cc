// libxml2 and libxmlsec1 keep state for the process and for each thread. The first use of each is
// by several threads at once, and so are good and bad documents: under the thread sanitizer this
// says whether what we set up is set up once.

#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <thread>
#include <vector>

#include "services/saml/authn_request.h"
#include "services/saml/metadata.h"
#include "services/saml/test_encryption.h"
#include "services/saml/test_provider.h"

namespace gatehouse::saml {
namespace {

constexpr int kThreads = 8;
constexpr int kRounds = 5;

TEST(ThreadsTest, ReadVerifyDecryptAndSign) {
  std::barrier start(kThreads);
  std::atomic<int> good = 0;
  std::vector<std::jthread> threads;
  for (int number = 0; number < kThreads; ++number) {
    threads.emplace_back([&start, &good, number] {
      start.arrive_and_wait();
      // Made by each thread, for the first one to be the library's first use.
      const TestProvider& provider = TestProvider::Genuine();
      Expectations expected = TestExpectations();
      expected.decryption_key = TestServiceKey();
      ResponseParts parts;
      parts.response_id = StrCat("_r", std::to_string(number));
      for (int round = 0; round < kRounds; ++round) {
        parts.assertion_id = StrCat("_a", std::to_string(round));
        const std::string clear = SignedResponse(parts);
        good += Judged(clear, expected) == "OK";
        good += Judged(Replaced(clear, "user@", "root@"), expected) == "SIGNATURE_VALUE";
        good += Judged(clear.substr(0, clear.size() / 2), expected) == "WELL_FORMED";
        const std::string encrypted = SignParts(
            ResponseXml(parts, provider.key(),
                        EncryptedXml("EncryptedAssertion", AssertionXml(parts, provider.key()))),
            provider.key());
        good += Judged(encrypted, expected) == "OK";
        good += ReadIdpMetadata(provider.Metadata()).ok();
        good += WriteAuthnRequest({.id = "_1",
                                   .issuer = kTestAudience,
                                   .destination = "https://idp.example.com",
                                   .acs_url = kTestAcs,
                                   .issued_ms = kTestNowMs},
                                  &provider.key())
                    .ok();
      }
    });
  }
  threads.clear();
  EXPECT_EQ(good, kThreads * kRounds * 6);
}

}  // namespace
}  // namespace gatehouse::saml

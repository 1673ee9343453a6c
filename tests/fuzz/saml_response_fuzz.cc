// Responses as browsers post them. Whatever is changed in one: it is believed only as long as it
// says what the provider has signed.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "libs/crypto/bytes.h"
#include "services/saml/assertion_claims.h"
#include "services/saml/metadata.h"
#include "services/saml/response.h"
#include "tests/fuzz/check.h"

namespace gatehouse::saml {
namespace {

// That of tests/integration/identity_provider.py, which has signed the corpus.
constexpr char kCertificate[] =
    "MIIDCTCCAfGgAwIBAgIUCOWQE67HPvbmKxKDL0bZknwGjW0wDQYJKoZIhvcNAQELBQAwEzERMA8GA1UEAwwIaWRw"
    "LXRlc3QwIBcNMjYxMTMwMDAwNjM3WhgPMjEyNjExMDYwMDA2MzdaMBMxETAPBgNVBAMMCGlkcC10ZXN0MIIBIjAN"
    "BgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA4YpI9KDw+EljqQuQgwJt4J2ke+/sKIMsQq9FVwuf2QetJV2pG8f7"
    "S1/BsNKvob19yuJkbykp4NgcJYQVJLGhjxLOyMWtNS4FfDh7WXkHoJWMO+FuvI2kyFzNoPcNvzRzYUGcPXu0iAE/"
    "agmiu9m3kbADxCDPpEi1xo7LdcM97S+yA106LiK6J1Bq5I0dl3uRxDzukrqMQS+mrbx4EC/U7eo499Cp3/g1B85y"
    "BDBMsjiRrQXE/vc5kywH3GADKKiRTINTvpo9nwUmK+32yAZSK1IQXXq8UuSTpYCRooug7hoL6jkvJD+ovXnqIKej"
    "d+owPnrRsvMp99ec5blRjYscWQIDAQABo1MwUTAdBgNVHQ4EFgQUK36sHMCPgHWgWdf4DuHQFZp3MC4wHwYDVR0j"
    "BBgwFoAUK36sHMCPgHWgWdf4DuHQFZp3MC4wDwYDVR0TAQH/BAUwAwEB/zANBgkqhkiG9w0BAQsFAAOCAQEAvobo"
    "lOGuQXYK5P8jA9OihQR8cSDNN8NTseX2zgWkZw2zMcB0/xEPjXt9t7ywRuutzTQWm4YJWXqq0rQHgR2kLPlRwWOZ"
    "OB3grIPiOSwT81rc5jOqo3zT+CcjyBgoGAtkxfPdKsHpRd2gDMWw2nOKx/d8Tchtz8pveU8ZbZ3IwIg/jgGtHipk"
    "HZUKQrPDR+aFtkpE7EeH11WaMMLeLnczSgR47fCRky0/tNSdn4/93l1ykZhO+H+RwzsuWz2b+/RFU3xCJvpyqohM"
    "gWvt4/lG3N5ohO0Y0UumpNn+nhWHpmUABz8kIut9w2bW5gqRQq4DlDeq55RN9seC1kFW/P5SPg==";
constexpr int64_t kNowMs = 1795000000000;

const Expectations& Expected() {
  static const Expectations expected = [] {
    Expectations made;
    made.idp_entity_id = "https://idp.example.com/metadata";
    made.certificates_der = {*CertificateDer(kCertificate)};
    made.audience = "https://saml.supertokens.com";
    made.acs_urls = {"https://api.example.com/auth/saml/callback"};
    made.now_ms = kNowMs;
    return made;
  }();
  return expected;
}

void CheckResponse(std::string_view xml) {
  const auto response = ReadResponse(crypto::Base64Encode(xml));
  if (!response.ok()) {
    FUZZ_CHECK(absl::IsInvalidArgument(response.status()));
    return;
  }
  ClaimedIssuer(*response);
  const auto verified = VerifyResponse(*response, Expected());
  if (!verified.ok()) {
    FUZZ_CHECK(absl::IsInvalidArgument(verified.status()));
    return;
  }
  FUZZ_CHECK(verified->id == "_a1");
  FUZZ_CHECK(UserOf(verified->claims).sub == "user@example.com");
  FUZZ_CHECK(Serialize(verified->claims) == R"({"NameID":["user@example.com"],"role":["a","b"]})");
}

}  // namespace
}  // namespace gatehouse::saml

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  gatehouse::saml::CheckResponse({reinterpret_cast<const char*>(data), size});
  return 0;
}

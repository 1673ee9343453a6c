// Responses as browsers post them. Whatever is changed in one: it is believed only as long as it
// says what the provider has signed, whether in clear or encrypted for us.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "libs/crypto/bytes.h"
#include "libs/crypto/rsa_key.h"
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
// Its key, which is ours too here: assertions of the corpus are encrypted for it. For tests only.
constexpr char kKeyPair[] =
    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA4YpI9KDw+EljqQuQgwJt4J2ke+/sKIMsQq9FVwuf2QetJV2p"
    "G8f7S1/BsNKvob19yuJkbykp4NgcJYQVJLGhjxLOyMWtNS4FfDh7WXkHoJWMO+FuvI2kyFzNoPcNvzRzYUGcPXu0iAE/"
    "agmiu9m3kbADxCDPpEi1xo7LdcM97S+yA106LiK6J1Bq5I0dl3uRxDzukrqMQS+mrbx4EC/U7eo499Cp3/g1B85yBDBM"
    "sjiRrQXE/vc5kywH3GADKKiRTINTvpo9nwUmK+32yAZSK1IQXXq8UuSTpYCRooug7hoL6jkvJD+ovXnqIKejd+owPnrR"
    "svMp99ec5blRjYscWQIDAQAB|MIIEvwIBADANBgkqhkiG9w0BAQEFAASCBKkwggSlAgEAAoIBAQDhikj0oPD4SWOpC5C"
    "DAm3gnaR77+wogyxCr0VXC5/ZB60lXakbx/tLX8Gw0q+hvX3K4mRvKSng2BwlhBUksaGPEs7Ixa01LgV8OHtZeQeglYw"
    "74W68jaTIXM2g9w2/NHNhQZw9e7SIAT9qCaK72beRsAPEIM+kSLXGjst1wz3tL7IDXTouIronUGrkjR2Xe5HEPO6Suox"
    "BL6atvHgQL9Tt6jj30Knf+DUHznIEMEyyOJGtBcT+9zmTLAfcYAMoqJFMg1O+mj2fBSYr7fbIBlIrUhBderxS5JOlgJG"
    "ii6DuGgvqOS8kP6i9eeogp6N36jA+etGy8yn315zluVGNixxZAgMBAAECggEAHB3LHoP5xloPzIEekNZ6sCe226R7Qkm"
    "n+OA0urc+RCYK1b+pV0dE8o6LbOm272jaB7LVZm4xRFBsodinch2a0GU91hWelCSalnPMHMlTxBcglk5yKZtW0YuQLuL"
    "dmdqGD7fILHoBdXsCVsvAt75afhT9QzP77rUJxCkFADdIvwqZJWYdD4MKwgG2RnBJQAQaz6Yxi8iyT1kZDQ5L60j3ye0"
    "BZkOm2RfG6nzPeEM7Y814LzsWr/dNXaXa9qiJxpES36AUqAANm687ORp0/3dCzOb6HoD9rpIE6WGJglaNb1g55D1FavN"
    "1VXE7df3Kyu+Q8KwR6ol+Wg3FxnQkzV2pAQKBgQD6xpTlq1ax2ckQ69QQQSzH5QieMX6Zb6krUXgHrg0xezO0mQrBv1V"
    "iivX7+EGSQZWg6/2PI+Nkd2F5d5eWshWRHSCOZ6w0iVkCXMNhrXl5RIdoN5aEcjUQMrhNbCDLqPejbKJsAoKZCVO2yS1"
    "fsRtifUQe7nc9P35UhQJ61xQxUQKBgQDmPR58EPz3yckE3QGBo9lCdBKfp+qaJDQPgOLVevygubD18rMyXbfQ2ZprvEJ"
    "Ws8o73xKttQnDiBtA+3P+8nFdiflqp/ANmuEA5HvMIP81ZRNB473cBQrma5/BPV8fCKuM4uMaW+4PHIlwV6BXrqtWXTn"
    "gPuTNtqcfQqLO5QM4iQKBgQDF0ToJRbQYjVRXPcBFpjPd5yR6LU7RWEyY+CX34OtVWfs6ffMHTJfdKQLLZVTMO2H908p"
    "rTIMGcEl62MTCQe5TTyesTcmAk8ub2nLhLUeCSnWJ1zereK+0/F137VCddscJqhshmoVMlRftOxrIvlt8wJWo1LFIpjp"
    "QD7AaGGk8UQKBgQCyK8IXiJ36szDYjp7H0CAlCOYQn0Uxm6qeBMOFKPOu/YQwEG0UIOpKuNqDXOCJcACkbHBr9Jlls0J"
    "D+1M8jCmmlUtqeiOOo7hTlH0o7rAQhfNtHeyjA1P4FHlAdVnTDkaTdFEC6PlEwHSrd2Qh9o2o++P54TH2785MpqiPKzJ"
    "e4QKBgQCKih7hCC4q/X5tWBp1FtJA8fHtOv60P8AD/NL/JLEo0ywc5joeWHroTb5SkaAxJRvtJM5TjIlboGvbulhBQ9X"
    "VjlPk4Nt95rEupT4ERDdc2DIT87nqk1m/ntxlLN/0LR3f1VuHlkfolhQrkwn/jSPuhsjJgiRv/sMNx6Yv/R5Q5Q==";
constexpr int64_t kNowMs = 1795000000000;

const Expectations& Expected() {
  static const Expectations expected = [] {
    Expectations made;
    made.idp_entity_id = "https://idp.example.com/metadata";
    made.certificates_der = {*CertificateDer(kCertificate)};
    made.audience = "https://saml.supertokens.com";
    made.acs_urls = {"https://api.example.com/auth/saml/callback"};
    made.decryption_key = *crypto::RsaKeyPair::FromStored(kKeyPair);
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

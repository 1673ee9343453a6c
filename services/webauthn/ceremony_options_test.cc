#include "services/webauthn/ceremony_options.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "libs/base/status.h"
#include "services/webauthn/client_data.h"

namespace gatehouse::webauthn {
namespace {

std::string WhyNot(const std::string& origin, const std::string& rp_id) {
  const auto invalid = CheckOrigin(origin, rp_id);
  return invalid.has_value() ? invalid->reason : "";
}

TEST(CeremonyOptionsTest, AnOriginIsAtTheDomainOrBelowIt) {
  for (const char* origin :
       {"https://example.com", "http://example.com:3000", "https://example.com/a",
        "https://login.example.com", "HTTPS://a.b.example.com"}) {
    EXPECT_EQ(WhyNot(origin, "example.com"), "") << origin;
  }
  EXPECT_EQ(WhyNot("http://localhost:3000", "localhost"), "");
  EXPECT_EQ(WhyNot("http://127.0.0.1", "127.0.0.1"), "");
  EXPECT_EQ(WhyNot("http://[::1]:80", "[::1]"), "");
  // A suffix counts from a dot on.
  for (const char* origin :
       {"https://notexample.com", "https://example.com.evil.org", "https://com",
        "https://example.org", "https://EXAMPLE.COM", "https://.example.co"}) {
    EXPECT_EQ(WhyNot(origin, "example.com"), "Origin does not match RelyingParty Id") << origin;
  }
  for (const char* origin : {"", "example.com", "not a url", "//example.com", "https:/example.com",
                             "ftp://example.com", "https://", "https://evil.org@example.com",
                             "https://exa mple.com", "https://example.com:port",
                             "https://example.com:99999", "https://evil.org\\.example.com"}) {
    EXPECT_EQ(WhyNot(origin, "example.com"), "Origin has to be a valid url!") << origin;
  }
}

TEST(CeremonyOptionsTest, AndroidAppsAreNamedByTheirCertificate) {
  const std::string prefix = "android:apk-key-hash:";
  EXPECT_EQ(WhyNot(prefix + std::string(43, 'A'), "example.com"), "");
  EXPECT_EQ(WhyNot(prefix, ""), "Android origin must contain a valid base64 hash");
  EXPECT_EQ(WhyNot(prefix + std::string(43, '!'), ""),
            "Android origin hash must be valid URL-safe base64 (no padding)");
  EXPECT_EQ(WhyNot(prefix + "AAAA", ""),
            "Android origin hash must be 43 characters (base64url SHA-256)");
}

TEST(CeremonyOptionsTest, MadeWithDefaultsAndAFreshChallenge) {
  v1::RelyingParty rp;
  rp.set_id("example.com");
  rp.set_origin("https://example.com");
  const auto made = MakeOptions(rp, {}, 1000);
  ASSERT_TRUE(made.ok());
  const auto& options = std::get<CeremonyOptions>(*made);
  EXPECT_EQ(options.expires_at_ms, 7000);
  EXPECT_EQ(options.user_verification, "preferred");
  EXPECT_FALSE(options.user_presence);
  EXPECT_EQ(options.challenge.size(), 43u);
  EXPECT_EQ(ExpectationOf(options).challenge.size(), 32u);
  EXPECT_NE(std::get<CeremonyOptions>(*MakeOptions(rp, {}, 1000)).challenge, options.challenge);
}

TEST(CeremonyOptionsTest, DemandsThatAreNone) {
  v1::RelyingParty rp;
  rp.set_id("example.com");
  rp.set_origin("https://example.com");
  auto why_not = [&](const v1::Demands& demands) {
    const auto made = MakeOptions(rp, demands, 1000);
    return std::holds_alternative<InvalidOptions>(*made) ? std::get<InvalidOptions>(*made).reason
                                                         : "";
  };
  v1::Demands demands;
  demands.set_timeout_ms(-1);
  EXPECT_EQ(why_not(demands), "Timeout must be a positive value");
  demands.set_timeout_ms(std::numeric_limits<int64_t>::max());
  EXPECT_EQ(why_not(demands), "Timeout is too long");
  demands.set_timeout_ms(0);
  EXPECT_EQ(why_not(demands), "");
  demands.set_user_verification("Required");
  EXPECT_EQ(why_not(demands),
            "Invalid value 'Required' for userVerification. Must be one of:"
            " required, discouraged, preferred");
  demands.set_user_verification("required, discouraged");
  EXPECT_NE(why_not(demands), "");
  demands.set_user_verification("");
  EXPECT_EQ(why_not(demands), "");
  rp.set_name(std::string(257, 'x'));
  EXPECT_EQ(ReasonOf(MakeOptions(rp, demands, 1000).status()), ErrorReason::kBadInput);
}

TEST(ClientDataTest, OriginsAreComparedAsBrowsersWriteThem) {
  EXPECT_TRUE(IsSameOrigin("https://a.com", "https://a.com"));
  EXPECT_TRUE(IsSameOrigin("https://A.com:443/path", "https://a.com"));
  EXPECT_TRUE(IsSameOrigin("http://a.com:80", "http://a.com"));
  EXPECT_TRUE(IsSameOrigin("android:apk-key-hash:x", "android:apk-key-hash:x"));
  for (const char* given : {"http://a.com", "https://a.com:8443", "https://b.a.com", "https://a.co",
                            "null", "", "https://a.com@evil.com", "android:apk-key-hash:x"}) {
    EXPECT_FALSE(IsSameOrigin("https://a.com", given)) << given;
  }
  EXPECT_FALSE(IsSameOrigin("android:apk-key-hash:x", "android:apk-key-hash:X"));
}

}  // namespace
}  // namespace gatehouse::webauthn

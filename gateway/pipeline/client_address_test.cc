#include "gateway/pipeline/client_address.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <utility>

#include "libs/base/status.h"

namespace gatehouse::gateway {
namespace {

// The client's address, or the text of the refusal.
std::string ClientOf(std::initializer_list<std::pair<const char*, const char*>> fields,
                     const char* peer = "10.0.0.1", const char* trusted = "10.0.0.0/8, fd00::/8") {
  http::Headers headers;
  for (const auto& [name, value] : fields) headers.Add(name, value);
  const auto address = ClientAddress(headers, peer, *config::Networks::Parse(trusted));
  return address.ok() ? *address : std::string(address.status().message());
}

constexpr char kTwo[] = "The headers Forwarded and X-Forwarded-For name different clients";
constexpr char kBad[] = "Bad header: Forwarded";

TEST(ClientAddress, IsThePeersUnlessTheWordOfProxiesCounts) {
  EXPECT_EQ(ClientOf({{"X-Forwarded-For", "192.0.2.1"}}, "10.0.0.1", ""), "10.0.0.1");
  EXPECT_EQ(ClientOf({{"X-Forwarded-For", "192.0.2.1"}}, "198.51.100.1"), "198.51.100.1");
  EXPECT_EQ(ClientOf({{"Forwarded", "for=\""}}, "198.51.100.1"), "198.51.100.1");
  EXPECT_EQ(ClientOf({}), "10.0.0.1");
  EXPECT_EQ(ClientOf({{"X-Forwarded-For", " , "}}), "10.0.0.1");
}

TEST(ClientAddress, IsTheFirstFromTheRightThatIsNoProxy) {
  EXPECT_EQ(ClientOf({{"X-Forwarded-For", "192.0.2.1"}}), "192.0.2.1");
  EXPECT_EQ(ClientOf({{"x-forwarded-for", "forged, 192.0.2.1, 10.0.0.7"}}), "192.0.2.1");
  EXPECT_EQ(ClientOf({{"X-Forwarded-For", "1.1.1.1"}, {"X-Forwarded-For", "192.0.2.1,10.1.1.1"}}),
            "192.0.2.1");
  EXPECT_EQ(ClientOf({{"X-Forwarded-For", "10.0.0.3, 10.0.0.2"}}), "10.0.0.3");
  EXPECT_EQ(ClientOf({{"X-Forwarded-For", "192.0.2.1:4711"}}), "192.0.2.1");
  EXPECT_EQ(ClientOf({{"X-Forwarded-For", "[2001:DB8:0::1]:4711"}}), "2001:db8::1");
  EXPECT_EQ(ClientOf({{"X-Forwarded-For", "2001:db8::1, fd00::2"}}), "2001:db8::1");
  EXPECT_EQ(ClientOf({{"X-Forwarded-For", "::ffff:192.0.2.1"}}, "::ffff:10.0.0.1"), "192.0.2.1");
}

TEST(ClientAddress, IsReadFromForwardedToo) {
  EXPECT_EQ(ClientOf({{"Forwarded", "for=192.0.2.1;proto=https;by=10.0.0.1"}}), "192.0.2.1");
  EXPECT_EQ(ClientOf({{"Forwarded", "For=1.1.1.1, for=192.0.2.1 ; host=\"a,b;c\\\"\""},
                      {"forwarded", "for=10.0.0.4"}}),
            "192.0.2.1");
  EXPECT_EQ(ClientOf({{"Forwarded", "for=\"[2001:db8::1]:4711\""}}), "2001:db8::1");
}

TEST(ClientAddress, IsNotKnownWhereAProxyDoesNotSay) {
  EXPECT_EQ(ClientOf({{"X-Forwarded-For", "192.0.2.1, unknown"}}), "");
  EXPECT_EQ(ClientOf({{"Forwarded", "for=192.0.2.1, for=_hidden"}}), "");
  EXPECT_EQ(ClientOf({{"Forwarded", "for=192.0.2.1, proto=https"}}), "");
  EXPECT_EQ(ClientOf({{"X-Forwarded-For", "[::1"}}), "");
}

TEST(ClientAddress, IsRefusedWhereTheClientCouldHaveWrittenIt) {
  EXPECT_EQ(ClientOf({{"X-Forwarded-For", "192.0.2.1"}, {"Forwarded", "for=1.1.1.1"}}), kTwo);
  EXPECT_EQ(ClientOf({{"X-Forwarded-For", "192.0.2.1"}, {"Forwarded", "for=192.0.2.1"}}),
            "192.0.2.1");
  for (const char* text : {"for=\"", "for", "=1.1.1.1", "for=;", "for=1.1.1.1 x", "a b=c",
                           "for=1.1.1.1;for=2.2.2.2", "for=\"x\\"}) {
    EXPECT_EQ(ClientOf({{"Forwarded", text}, {"Forwarded", "for=192.0.2.1"}}), kBad) << text;
  }
}

}  // namespace
}  // namespace gatehouse::gateway

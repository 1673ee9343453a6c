#include "libs/config/networks.h"

#include <gtest/gtest.h>

#include <string>

namespace gatehouse::config {
namespace {

bool Has(const char* networks, const char* address) {
  return Networks::Parse(networks)->Contains(*IpAddress::Parse(address));
}

TEST(Networks, HoldTheirAddresses) {
  EXPECT_TRUE(Has("10.0.0.0/8", "10.255.0.1"));
  EXPECT_FALSE(Has("10.0.0.0/8", "11.0.0.1"));
  EXPECT_TRUE(Has("10.0.0.0/8", "::ffff:10.1.2.3")) << "mapped into IPv6";
  EXPECT_TRUE(Has("192.0.2.128/25", "192.0.2.255"));
  EXPECT_FALSE(Has("192.0.2.128/25", "192.0.2.127"));
  EXPECT_TRUE(Has(" 10.0.0.0/8 ,, 192.0.2.7", "192.0.2.7"));
  EXPECT_FALSE(Has("192.0.2.7", "192.0.2.6"));
  EXPECT_TRUE(Has("fd00::/8", "fd12::1"));
  EXPECT_FALSE(Has("fd00::/8", "fe80::1%eth0"));
  EXPECT_TRUE(Has("::1", "::1"));
  EXPECT_FALSE(Has("::1", "127.0.0.1"));
  EXPECT_FALSE(Has("", "127.0.0.1"));
}

TEST(Networks, RefuseWhatIsNoneAndWhatIsEverybody) {
  for (const char* text : {"10.0.0", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "::1/129", "any",
                           "10.0.0.0/8 fd00::/8", "proxy.example"}) {
    EXPECT_EQ(Networks::Parse(text).status().message(), std::string("no network: ") + text);
  }
  for (const char* text : {"0.0.0.0/0", "::/0"}) {
    EXPECT_EQ(Networks::Parse(text).status().message(),
              std::string("a network of everybody: ") + text);
  }
  EXPECT_FALSE(IpAddress::Parse(std::string_view("::1\0x", 5)).has_value());
}

}  // namespace
}  // namespace gatehouse::config

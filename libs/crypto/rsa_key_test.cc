#include "libs/crypto/rsa_key.h"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include "libs/crypto/bytes.h"
#include "libs/crypto/core_vectors.h"

namespace gatehouse::crypto {
namespace {

// Public keys in the right encoding that are refused all the same.
constexpr std::string_view kEcP256 =
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEkrJ1nJvMnX7GvBsNpQ0Q9Ut50e44pjuBsE0H/IEJ3gUbP823/Mw6"
    "CFBNrU+gXDOl4JiMCSIoY1Sz5iXnRo17vA==";
constexpr std::string_view kRsa512 =
    "MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAN++KCQnUAhncbRWnzXC4jlwWIxjsC+WJQjlOwCCWDVld8dbvuuoSTQE"
    "Ja3tmnJHHHjiSFz36OTe2m+mMYBbjk8CAwEAAQ==";

TEST(RsaKeyTest, StoredTextOfTheOriginalCoreComesBackUnchanged) {
  const auto key = RsaKeyPair::FromStored(core_vectors::kKeyPair);
  ASSERT_TRUE(key.ok());
  EXPECT_EQ((*key)->ToStored(), core_vectors::kKeyPair);
}

TEST(RsaKeyTest, OldRowsHaveASemicolon) {
  std::string old(core_vectors::kKeyPair);
  old[old.find('|')] = ';';
  EXPECT_EQ(RsaKeyPair::FromStored(old).value()->ToStored(), core_vectors::kKeyPair);
}

TEST(RsaKeyTest, GeneratedKeySignsAndSurvivesStorage) {
  const auto key = RsaKeyPair::Generate();
  const auto again = RsaKeyPair::FromStored(key->ToStored()).value();
  const std::string signature = key->SignSha256("data").value();
  EXPECT_EQ(signature.size(), 256u);
  EXPECT_EQ(again->SignSha256("data").value(), signature);
  EXPECT_TRUE(again->public_key().VerifySha256("data", signature));
  EXPECT_FALSE(again->public_key().VerifySha256("Data", signature));
  EXPECT_FALSE(again->public_key().VerifySha256("data", ""));
  EXPECT_FALSE(again->public_key().VerifySha256("data", signature.substr(1)));
  const auto public_key = RsaPublicKey::FromSpkiBase64(key->public_key().spki_base64()).value();
  EXPECT_TRUE(public_key.VerifySha256("data", signature));
}

TEST(RsaKeyTest, JwkNumbersAreUnsignedAndUnpadded) {
  const auto key = RsaKeyPair::FromStored(core_vectors::kKeyPair).value();
  EXPECT_EQ(key->public_key().jwk_e(), "AQAB");
  const std::string n = Base64Decode(key->public_key().jwk_n()).value();
  EXPECT_EQ(n.size(), 256u);
  EXPECT_NE(n[0], '\0');
  // In the SubjectPublicKeyInfo the modulus comes after a sign byte, before `02 03 01 00 01`.
  const std::string spki = Base64Decode(key->public_key().spki_base64()).value();
  EXPECT_EQ(spki.substr(spki.size() - 5 - 256, 256), n);
}

TEST(RsaKeyTest, RefusesWhatIsNoKeyPair) {
  const std::string pair(core_vectors::kKeyPair);
  const size_t bar = pair.find('|');
  const std::string other = RsaKeyPair::Generate()->ToStored();
  const std::string mixed = pair.substr(0, bar) + other.substr(other.find('|'));
  for (const std::string& text :
       {std::string(), std::string("|"), std::string("symmetric"), std::string("AAAA|AAAA"),
        pair.substr(0, bar), pair.substr(0, bar + 1), pair.substr(bar), pair + "!", mixed,
        pair.substr(bar + 1) + "|" + pair.substr(0, bar)}) {
    EXPECT_FALSE(RsaKeyPair::FromStored(text).ok());
  }
}

TEST(RsaKeyTest, RefusesOtherKindsAndLengthsOfKey) {
  EXPECT_FALSE(RsaPublicKey::FromSpkiBase64(kEcP256).ok());
  EXPECT_FALSE(RsaPublicKey::FromSpkiBase64(kRsa512).ok());
  EXPECT_FALSE(RsaPublicKey::FromSpkiBase64("").ok());
}

TEST(RsaKeyTest, ManyThreadsSignWithOneKey) {
  const auto key = RsaKeyPair::FromStored(core_vectors::kKeyPair).value();
  const std::string expected = key->SignSha256("data").value();
  std::vector<std::jthread> threads;
  std::vector<int> good(8, 0);
  for (int& count : good) {
    threads.emplace_back([&] {
      for (int i = 0; i < 20; ++i) {
        count += key->SignSha256("data").value() == expected &&
                 key->public_key().VerifySha256("data", expected);
      }
    });
  }
  threads.clear();
  EXPECT_EQ(good, std::vector<int>(8, 20));
}

// Sleeps between looks: spinning would take the processor from the pool's thread, whose priority is
// low.
void AwaitReady(const KeyPairPool& pool, size_t count) {
  while (pool.ready() < count) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

TEST(KeyPairPoolTest, GivesEachPairOnce) {
  KeyPairPool pool({.ready_pairs = 2});
  const auto first = pool.Take();
  const auto second = pool.Take();
  const auto third = pool.Take();
  EXPECT_NE(first->ToStored(), second->ToStored());
  EXPECT_NE(second->ToStored(), third->ToStored());
}

TEST(KeyPairPoolTest, FillsInTheBackground) {
  KeyPairPool pool({.ready_pairs = 1});
  AwaitReady(pool, 1);
  EXPECT_EQ(pool.ready(), 1u);
  EXPECT_NE(pool.Take(), nullptr);
  AwaitReady(pool, 1);
}

TEST(KeyPairPoolTest, KeepsMoreReadyEachTimeItRunsDryUpToItsBound) {
  KeyPairPool pool({.ready_pairs = 1, .most_ready_pairs = 3, .low_priority = false});
  for (const size_t expected : {2u, 3u, 3u}) {
    AwaitReady(pool, pool.target());
    while (pool.ready() > 0) EXPECT_NE(pool.Take(), nullptr);
    EXPECT_EQ(pool.target(), expected);
  }
}

TEST(KeyPairPoolTest, OfNoneMakesPairsOnTheSpot) {
  KeyPairPool pool({});
  EXPECT_NE(pool.Take(), nullptr);
  EXPECT_EQ(pool.ready(), 0u);
}

TEST(KeyPairPoolTest, StopsWhileItMakesAKey) {
  std::chrono::steady_clock::duration stopping{};
  for (int i = 0; i < 5; ++i) {
    // At the usual priority: on a busy machine a thread of a lower one waits a second for its turn.
    auto pool = std::make_unique<KeyPairPool>(
        KeyPairPool::Options{.ready_pairs = 1000, .low_priority = false});
    AwaitReady(*pool, 1);  // from here on it makes the second
    const auto start = std::chrono::steady_clock::now();
    pool.reset();
    stopping += std::chrono::steady_clock::now() - start;
  }
  EXPECT_LT(stopping, std::chrono::seconds(1));
}

}  // namespace
}  // namespace gatehouse::crypto

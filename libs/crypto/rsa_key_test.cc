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

// Made by python's cryptography 48 for kKeyPair.
struct OaepVector {
  OaepHash hash;
  OaepHash mask_hash;
  const char* base64;
};
constexpr OaepVector kOaepVectors[] = {
    {OaepHash::kSha1, OaepHash::kSha1,
     "hMsTAZETV61KH/VRRUVqzEPBsSdK0ypz4s6G+eqPaoeo46FNmaNu/uC7N3J+CG4QoPuvc7nzfL4uQRK5DOS8"
     "1qAfAWHzAQLX7R1NIt83qyn0t+F+I/+hPGDIwHqawgdkL/cClR1VXho/2zAvsdJJquWiuieq3Sm8rsBt4uFD"
     "jhMu1YfSpDAP4k61UQMvhC7179Sp67Zgy7VGwsE0MWY6r5UNtDRvEwfITAlVMDXy+50yj2jQhA2Klu6O1gl3"
     "++tc5PRLr0Bc/wP6tRhl2129hZqi7GWonwJS25H40u/EqYtKS/2T8nH10dWQ6NdbvLFwwjtV5L0PvA5ftD4o"
     "zU2CJQ=="},
    {OaepHash::kSha256, OaepHash::kSha1,
     "AVJFbQvewYFsp4OKhMwPM8oExEHE0IvwIEaaXlN6t+0hojUzr+isHhSZGcBpyrr+ELSW6Lu2Ja9Z8/6Y1eVM"
     "q1iHQ9ksdvfMrEa5DfON/tKT1wo2UpPKLYTPom+1ha0ZUMiL9oJmS0/iyIOLqnheNlPgU7tD8r0nE7tKeR83"
     "seNCIRy00WkcqpMIu0JjrDcT5vAK3qZXulpyAyXSKSJ3xdVro0COx6rFz6VrWB0i08r9uAo9sEKUSL++3dYq"
     "W3UBLRDADTK9FQ0o/9g+C9ANOIjGXhOWa9LcwUpcZp/TU+YE0crZyAUeSE8eB+MaYNcPhOLOxu951pe5kGfX"
     "yDvz/w=="},
    {OaepHash::kSha256, OaepHash::kSha256,
     "MYlVpfDcvhf8+ckADIanwEq05MkSySUW61xztETP4gz0JyGW4i6DRCzTiptdo6K8SMvQsQYA3M79fIfqaU4K"
     "YBmft6z1T86Pgfi3TlPc3f407WXTIlGJHlglydDeRew4M43PqQJRkKdtZzybwbRqmeUXc3C4dtAys0MnLbRe"
     "ylDCxXWxm6dSRsvroNrHJKfvJD6MhYxQVxLqGCpmOFNlP7EBcW2a4ud3hqE7ZYX8kk65rMyY2H5WCHIIVbY4"
     "SjPNeXpurJ/2jif5ojSKkB3SZ23cg7dc3fKJu0w3ULjSCbgF4tcAP4w/9OZjyuogHE+/p2OqpvcW3rSQ9PPI"
     "Z8XGUQ=="},
    {OaepHash::kSha384, OaepHash::kSha384,
     "jUmj39fkMYN5FGr+qHZi+kYDozhW6KpdF0c/HMjo0vY15U/yDTm6tTaU2SfD69f9q6DSEwADS3mbHw9ImIb/"
     "B/MHdPHv4zqFnF4ZHpL68ymvr0MqA1HtApzByr8f5oTcJHi7G3km8Pw0HeSBXxz9ESMERW69sWR9FZ/JbNJ9"
     "c45xfUhBwaCxYir4DhpC5/pLmXcUhBnQSV/wRVWrmCDjEqGak+ypP9tSGgH7VzEI/qHUt2qMnXAhia0etYG6"
     "s4fsi1pFNazW+W9Z2z4C2WksvYknPMcFNZNvdTRFJUEy4kDoy7bOqkLICydY76sa0IwILf9xYUOi3aThvhk2"
     "Gp/hEA=="},
    {OaepHash::kSha512, OaepHash::kSha256,
     "TkpGNf7GHUVqMyCIYQgwwQ0TifDO6ZHmFwNJ/maFZfZEiuhoITYBnX50uU65tRvcEUcRKCLPP7hNoaEYI0PS"
     "Ai3NSfyUXEEpEdA/CmGwAEY0OQuItw6uP//c4tSR6MXe55VD/gB+KiC1Vrib1qqCXjUbVEiGW6jFAWtdJNJI"
     "sIJkKlPBAHqAfoWHki0/crluM886vUeUxJNrrqSUNd0X1LQeHgTIYZmf5SqdYEEjbKEJriBad/jO/5gY2+P8"
     "ahL5PygGWWgcRdhqlnd2khtRwIMvFj2L/xxTH/0oZ5+VCb5keJt8AJFGqFm7ofRRmvupfotaGeXE8dMAXJAL"
     "VmYpfw=="},
};

TEST(RsaKeyTest, DecryptsOaep) {
  const auto key = *RsaKeyPair::FromStored(core_vectors::kKeyPair);
  for (const OaepVector& vector : kOaepVectors) {
    std::string encrypted = *Base64Decode(vector.base64);
    EXPECT_EQ(key->DecryptOaep(encrypted, vector.hash, vector.mask_hash), "sixteen bytes ok");
    EXPECT_EQ(key->DecryptOaep(encrypted.substr(1), vector.hash, vector.mask_hash), std::nullopt);
    EXPECT_EQ(key->DecryptOaep("", vector.hash, vector.mask_hash), std::nullopt);
    encrypted[100] = static_cast<char>(encrypted[100] ^ 1);
    EXPECT_EQ(key->DecryptOaep(encrypted, vector.hash, vector.mask_hash), std::nullopt);
  }
  const std::string sha1 = *Base64Decode(kOaepVectors[0].base64);
  EXPECT_EQ(key->DecryptOaep(sha1, OaepHash::kSha256, OaepHash::kSha1), std::nullopt);
  EXPECT_EQ(key->DecryptOaep(sha1, OaepHash::kSha1, OaepHash::kSha256), std::nullopt);
}

TEST(RsaKeyTest, DecryptsNothingElse) {
  const auto key = *RsaKeyPair::FromStored(core_vectors::kKeyPair);
  constexpr const char* kWithLabel =
      "h606bCgillJiqVS3zpJvOwVbhIcvZPupzFF5ow0mePAUlVIwXtzfBfQzDTWfKPE4Tg5dQ1HzWwEwxBc6/Cxr"
      "Ztha4Z+hKAEixplrBrTVOV4X1rBzUi85dJedi/iOlZUKTol421oYDrJwMhhDKPNQnny+N6qivgSEeNjFckni"
      "vX48x3zgmJmtD5tbBde6Oa74I3mwXPPVcetrihLv3oxZTlRUm6WQxONnMtpdXACNoRBLFlk5WJVUFinoKk1H"
      "ch7g1VzQiTNrbep4mlxkmaU5kD4YqwhvGyqqJbcC2rM5d/TCKLfFsyWyeOKb7kJ5+TjOlPMtRV1SAIuvK6eL"
      "kMgC/Q==";
  constexpr const char* kPkcs1 =
      "kgyz57MFegaERUxpO7azoYN9Iby2i0ulBbArPcz+fdQspNQsZv/HQLkH8AUesCdMrSU49OlHAmWyvvXi9n2d"
      "7MxlUCNao6TwenoXMIZ+mYq4MHYB/7FUyUegpPNdVl6P/FnH6ix/YcKE2VInp1uehHkzIVUDpTLmKsa5HJaI"
      "0ZLXc4vz1JgfDV2uTXq2TnHOHpon9gPZFhP48iNcBz0+ZwYu0CfQRt78SxaJw0AjFATiOY9cnHHTo6H5eMAw"
      "9uIwRUFyNl8yrN2ZonZd9xulJmC72BXwi7uFiSxtpa/TaO9B5qpckcf8Zm+kKols47MXcJdv3A/K5A3P2A28"
      "4i/a2Q==";
  for (const char* base64 : {kWithLabel, kPkcs1}) {
    EXPECT_EQ(key->DecryptOaep(*Base64Decode(base64), OaepHash::kSha1, OaepHash::kSha1),
              std::nullopt);
  }
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

#include "libs/crypto/password.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/base/status.h"

namespace gatehouse::crypto {
namespace {

using testing::MatchesRegex;
using testing::StartsWith;

// Cheap enough for tests.
constexpr int kTestCost = 4;
constexpr Argon2Params kTestArgon2{.iterations = 1, .memory_kb = 64, .parallelism = 2};
// The key that the original core's Firebase hash below was imported with.
constexpr std::string_view kSignerKey =
    "jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==";
constexpr std::string_view kFirebaseHash =
    "$f_scrypt$lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5"
    "lQ==$42xEC+ixf3L2lw==$m=14$r=8$s=Bw==";

std::string Replaced(std::string_view text, std::string_view from, std::string_view to) {
  std::string result(text);
  return result.replace(result.find(from), from.size(), to);
}

bool Matches(std::string_view password, std::string_view stored) {
  return VerifyPassword(password, stored, kSignerKey).value();
}

TEST(BcryptTest, HashesOfTheOriginalCore) {
  EXPECT_TRUE(
      Matches("Passw0rd-0", "$2a$06$fvmDcdeHqh1W0NfD4DF8QeDMRk8ffrPA2G9wtzBZXhQo.q2iJCvgW"));
  EXPECT_TRUE(Matches("testPass2", "$2a$10$6X4/1HDK0d7WhYF9SJO.NuRsi4n3MGJi0dONXsDJnwOcYGmqFmixq"));
  EXPECT_TRUE(Matches("testPass2", "$2b$05$10YgVFzEh7HArOigGNIn5uq4nDYIlzBD5XbipZAK73nvtVax1QT3a"));
  EXPECT_FALSE(
      Matches("testPass3", "$2b$05$10YgVFzEh7HArOigGNIn5uq4nDYIlzBD5XbipZAK73nvtVax1QT3a"));
}

// From jBCrypt 0.4's own tests.
TEST(BcryptTest, JbcryptVectors) {
  EXPECT_TRUE(Matches("", "$2a$06$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s."));
  EXPECT_TRUE(Matches("a", "$2a$06$m0CrhHm10qJ3lXRY.5zDGO3rS2KdeeWLuGmsfGlMfOxih58VYVfxe"));
  EXPECT_TRUE(Matches("abc", "$2a$06$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i"));
  EXPECT_TRUE(Matches("abcdefghijklmnopqrstuvwxyz",
                      "$2a$06$.rCVZVOThsIa97pEDOxvGuRRgzG64bvtJ0938xuqzv18d3ZpQhstC"));
}

// From Openwall's crypt_blowfish: 8-bit characters, for which its `$2x$` and its guarded `$2a$`
// differ from the plain algorithm. The last of these is the guarded one's hash.
TEST(BcryptTest, EightBitPasswords) {
  constexpr std::string_view kHash = "$2y$05$/OK.fbVrR/bpIqNJ5ianF.CE5elHaaO4EbggVDjb8P19RukzXSM3e";
  for (const char* prefix : {"$2a", "$2b", "$2x", "$2y"}) {
    EXPECT_TRUE(Matches("\xff\xff\xa3", Replaced(kHash, "$2y", prefix))) << prefix;
  }
  EXPECT_TRUE(Matches("\xa3", "$2a$05$/OK.fbVrR/bpIqNJ5ianF.Sa7shbm4.OzKpvFnX1pQLmQW96oUlCq"));
  EXPECT_FALSE(
      Matches("\xff\xff\xa3", "$2a$05$/OK.fbVrR/bpIqNJ5ianF.nqd1wy.pTMdcvrRWxyiGL2eMz.2a85."));
}

// From crypt_blowfish as well: the sign extension that $2x stands for.
TEST(BcryptTest, SignExtendedHashes) {
  constexpr std::string_view kHash = "$2x$05$/OK.fbVrR/bpIqNJ5ianF.CE5elHaaO4EbggVDjb8P19RukzXSM3e";
  EXPECT_TRUE(Matches("\xa3", kHash));
  EXPECT_TRUE(Matches("\xff\xff\xa3", kHash));
  EXPECT_FALSE(Matches("\xa4", kHash));
  for (const char* prefix : {"$2a", "$2b", "$2y"}) {
    EXPECT_FALSE(Matches("\xa3", Replaced(kHash, "$2x", prefix))) << prefix;
  }
}

TEST(BcryptTest, MakesTheStoredFormWithAFreshSalt) {
  const std::string hash = HashBcrypt("p\xc3\xa4ss", 5).value();
  EXPECT_EQ(hash.size(), 60u);
  EXPECT_THAT(hash, StartsWith("$2a$05$"));
  EXPECT_NE(hash, HashBcrypt("p\xc3\xa4ss", 5).value());
  EXPECT_TRUE(Matches("p\xc3\xa4ss", hash));
  EXPECT_FALSE(Matches("pass", hash));
  EXPECT_FALSE(Matches("", hash));
}

TEST(BcryptTest, CountsTheFirst72Bytes) {
  const std::string hash71 = HashBcrypt(std::string(71, 'x'), kTestCost).value();
  EXPECT_FALSE(Matches(std::string(72, 'x'), hash71));
  const std::string hash = HashBcrypt(std::string(72, 'x'), kTestCost).value();
  EXPECT_TRUE(Matches(std::string(72, 'x'), hash));
  EXPECT_TRUE(Matches(std::string(72, 'x') + "y", hash));
  EXPECT_TRUE(Matches(std::string(100'000, 'x'), hash));
  EXPECT_FALSE(Matches(std::string(71, 'x'), hash));
}

TEST(BcryptTest, RefusesANulThatWouldEndThePassword) {
  const std::string with_nul("abc\0def", 7);
  EXPECT_EQ(ReasonOf(HashBcrypt(with_nul, kTestCost).status()), ErrorReason::kBadInput);
  EXPECT_FALSE(Matches(with_nul, HashBcrypt("abc", kTestCost).value()));
  EXPECT_FALSE(Matches(std::string(1, '\0'), HashBcrypt("", kTestCost).value()));
}

TEST(BcryptTest, RefusesCostsOutOfBounds) {
  for (const int cost : {-1, 0, 3, 18, 31, 100}) EXPECT_FALSE(HashBcrypt("p", cost).ok()) << cost;
  const std::string costly = Replaced(HashBcrypt("p", kTestCost).value(), "$04$", "$31$");
  EXPECT_EQ(ReasonOf(CheckHashCost(costly)), ErrorReason::kBadInput);
  EXPECT_EQ(ReasonOf(VerifyPassword("p", costly, "").status()), ErrorReason::kBadInput);
}

TEST(BcryptTest, MalformedHashesMatchNothing) {
  const std::string hash = HashBcrypt("p", kTestCost).value();
  for (const std::string& bad :
       {hash.substr(0, 59), hash + "a", std::string("$2a"), std::string("$2a$"),
        std::string("$2a$04$"), Replaced(hash, "$04$", "$xx$"), Replaced(hash, "$04$", "$00$"),
        Replaced(hash, "$04$", "x04$"), "$2z" + hash.substr(3)}) {
    EXPECT_FALSE(Matches("p", bad)) << bad;
    EXPECT_TRUE(CheckHashCost(bad).ok()) << bad;
  }
}

TEST(Argon2Test, HashesOfTheOriginalCore) {
  EXPECT_TRUE(Matches(
      "testing123", "$argon2id$v=19$m=1024,t=2,p=1$C/SDRiV6s98cavfVIvfWew$5c4DsP8smGCf5ReOqgNmVQ"));
  EXPECT_TRUE(Matches("testing123",
                      "$argon2i$v=19$m=1024,t=2,p=2$Y2B2D9wJ+yAtlpm865ZY8A$"
                      "PbzNazP9gs9I6P8A8oqRDJCKTIPlYz31iPvmO4CG3sw"));
}

// From the reference implementation's tests.
TEST(Argon2Test, ReferenceVectors) {
  EXPECT_TRUE(Matches("password",
                      "$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$"
                      "wWKIMhR9lyDFvRz9YTZweHKfbftvj+qf+YFY4NeBbtA"));
  EXPECT_TRUE(Matches("password",
                      "$argon2i$m=65536,t=2,p=1$c29tZXNhbHQ$"
                      "9sTbSlTio3Biev89thdrlKKiCaYsjjYVJxGAL3swxpQ"));
  EXPECT_TRUE(Matches("password",
                      "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$"
                      "CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"));
}

TEST(Argon2Test, MakesTheStoredFormWithAFreshSalt) {
  const std::string hash = HashArgon2id("secret", kTestArgon2).value();
  EXPECT_THAT(hash, MatchesRegex("\\$argon2id\\$v=19\\$m=64,t=1,p=2\\$[A-Za-z0-9+/]{22}\\$"
                                 "[A-Za-z0-9+/]{43}"));
  EXPECT_NE(hash, HashArgon2id("secret", kTestArgon2).value());
  EXPECT_TRUE(Matches("secret", hash));
  EXPECT_FALSE(Matches("Secret", hash));
  EXPECT_FALSE(Matches("secret", Replaced(hash, "$argon2id$", "$argon2d$")));
}

TEST(Argon2Test, SeesPastANul) {
  const std::string hash = HashArgon2id(std::string("a\0b", 3), kTestArgon2).value();
  EXPECT_TRUE(Matches(std::string("a\0b", 3), hash));
  EXPECT_FALSE(Matches("a", hash));
}

TEST(Argon2Test, RefusesParametersOutOfBounds) {
  for (const Argon2Params& params :
       {Argon2Params{0, 64, 1}, Argon2Params{1, 7, 1}, Argon2Params{1, 64, 0},
        Argon2Params{1, 15, 2}, Argon2Params{1, 64 * 1024, 65},
        Argon2Params{1, kMaxArgon2MemoryKb + 1, 1}, Argon2Params{5, kMaxArgon2MemoryKb, 1},
        Argon2Params{4'294'967'295u, 8, 1}}) {
    EXPECT_FALSE(HashArgon2id("p", params).ok());
  }
}

TEST(Argon2Test, HostileHashesAreRefusedBeforeAnyWork) {
  const std::string hash = HashArgon2id("p", kTestArgon2).value();
  for (const char* numbers : {"m=4194304,t=1,p=2", "m=64,t=4000000000,p=2", "m=8192,t=1,p=1000",
                              "m=4294967295,t=4294967295,p=4294967295"}) {
    const std::string costly = Replaced(hash, "m=64,t=1,p=2", numbers);
    EXPECT_EQ(ReasonOf(CheckHashCost(costly)), ErrorReason::kBadInput) << numbers;
    EXPECT_EQ(ReasonOf(VerifyPassword("p", costly, "").status()), ErrorReason::kBadInput);
  }
}

TEST(Argon2Test, MalformedHashesMatchNothing) {
  const std::string hash = HashArgon2id("p", kTestArgon2).value();
  for (const std::string& bad :
       {std::string("$argon2id"), std::string("$argon2id$$$$$"), std::string("$argon2id$$$$"),
        hash.substr(0, hash.rfind('$') + 1), hash + "!", hash + "$", Replaced(hash, "v=19", ""),
        Replaced(hash, "v=19", "v=20"), Replaced(hash, ",p=2", ""), Replaced(hash, "m=64", "m=-1"),
        Replaced(hash, "m=64", "m=6x"), Replaced(hash, "m=64", "m=99999999999"),
        Replaced(hash, "argon2id", "argon2x"), Replaced(hash, "t=1", "t=0"),
        hash + std::string(2000, 'A')}) {
    EXPECT_FALSE(Matches("p", bad)) << bad;
    EXPECT_TRUE(CheckHashCost(bad).ok()) << bad;
  }
}

TEST(FirebaseTest, HashOfTheOriginalCore) {
  EXPECT_TRUE(Matches("user1password", kFirebaseHash));
  EXPECT_TRUE(Matches("user1password", Replaced(kFirebaseHash, "$m=14$r=8", "$r=8$m=14")));
  EXPECT_FALSE(Matches("user2password", kFirebaseHash));
  EXPECT_FALSE(Matches("user1password", Replaced(kFirebaseHash, "42xEC", "42xED")));
  EXPECT_FALSE(Matches("user1password", Replaced(kFirebaseHash, "lSrf", "lSrg")));
  EXPECT_FALSE(VerifyPassword("user1password", kFirebaseHash, "AAAA").value());
}

// Made with Python's hashlib.scrypt and OpenSSL's AES: of the UTF-8 bytes, as Firebase does, and of
// the US-ASCII form "p?ssw?rd??", as the original does.
TEST(FirebaseTest, PasswordsBeyondAsciiHaveTwoReadings) {
  constexpr std::string_view kPassword = "pässwörd€😀";
  constexpr std::string_view kOfFirebase =
      "$f_scrypt$uMtG8m8gnC2D5CS/l1STxL7r/XznihwOPPRoxrdv+TQf1reYEFN09YxBpIXE5MBwoXU9kW"
      "ganJipdMLfCSnyFg==$42xEC+ixf3L2lw==$m=14$r=8$s=Bw==";
  constexpr std::string_view kOfTheOriginal =
      "$f_scrypt$C5TlNQ0blBIf3MWNFYf25C4HM1WD2e6RmT9IqKsaaum20IRCag6iYcuFBcjmwbFoKy5oBw"
      "NGRBL03NKpCLEzjg==$42xEC+ixf3L2lw==$m=14$r=8$s=Bw==";
  for (const std::string_view hash : {kOfFirebase, kOfTheOriginal}) {
    EXPECT_TRUE(Matches(kPassword, hash));
    EXPECT_FALSE(Matches("pässwörd€", hash));
    EXPECT_FALSE(Matches("passwurd", hash));
  }
  EXPECT_TRUE(Matches("p?ssw?rd??", kOfTheOriginal));
  EXPECT_FALSE(Matches("p?ssw?rd??", kOfFirebase));
}

TEST(FirebaseTest, NeedsTheSignerKey) {
  const absl::Status status = VerifyPassword("user1password", kFirebaseHash, "").status();
  EXPECT_TRUE(IsMissingFirebaseSignerKey(status));
  EXPECT_EQ(ReasonOf(status), ErrorReason::kBadInput);
  EXPECT_FALSE(IsMissingFirebaseSignerKey(BadInput("something else")));
  EXPECT_FALSE(IsMissingFirebaseSignerKey(absl::OkStatus()));
}

TEST(FirebaseTest, HostileHashesAreRefusedBeforeAnyWork) {
  for (const char* numbers :
       {"$m=22$r=8", "$m=14$r=2000000000", "$m=31$r=1", "$m=2000000000$r=8"}) {
    const std::string costly = Replaced(kFirebaseHash, "$m=14$r=8", numbers);
    EXPECT_EQ(ReasonOf(CheckHashCost(costly)), ErrorReason::kBadInput) << numbers;
    EXPECT_EQ(ReasonOf(VerifyPassword("p", costly, kSignerKey).status()), ErrorReason::kBadInput);
  }
}

TEST(FirebaseTest, ImpossibleParametersMatchNothing) {
  for (const char* numbers : {"$m=0$r=8", "$m=-3$r=8", "$m=14$r=0", "$m=14$r=-1"}) {
    EXPECT_FALSE(Matches("p", Replaced(kFirebaseHash, "$m=14$r=8", numbers))) << numbers;
  }
}

// A hash that takes no time to verify is reported as such: the caller has to spend the time
// instead.
TEST(MatchTest, TellsMalformedHashesFromWrongPasswords) {
  const std::string bcrypt = HashBcrypt("p", kTestCost).value();
  const std::string argon2 = HashArgon2id("p", kTestArgon2).value();
  for (const std::string& hash : {bcrypt, argon2, std::string(kFirebaseHash)}) {
    EXPECT_EQ(MatchPassword("q", hash, kSignerKey).value(), PasswordMatch::kNo) << hash;
  }
  EXPECT_EQ(MatchPassword("p", bcrypt, "").value(), PasswordMatch::kYes);
  for (const std::string& hash :
       {std::string(), std::string("hello"), bcrypt.substr(0, 59), bcrypt + "a",
        Replaced(bcrypt, "$04$", "$00$"), "$2a$04$" + std::string(53, '*'),
        Replaced(argon2, "t=1", "t=0"), Replaced(argon2, "m=64", "m=1"),
        argon2.substr(0, argon2.rfind('$')), Replaced(kFirebaseHash, "$m=14", "$m=0"),
        Replaced(kFirebaseHash, "42xEC", "*****")}) {
    EXPECT_EQ(MatchPassword("p", hash, kSignerKey).value(), PasswordMatch::kMalformed) << hash;
  }
}

TEST(MatchTest, ADecoyCostsWhatItsFormCosts) {
  EXPECT_EQ(MatchPassword("p", DecoyBcrypt(kTestCost), "").value(), PasswordMatch::kNo);
  EXPECT_THAT(DecoyBcrypt(11), StartsWith("$2a$11$"));
  EXPECT_EQ(DecoyBcrypt(11).size(), 60u);
  const std::string decoy = DecoyArgon2id(kTestArgon2);
  EXPECT_EQ(MatchPassword("p", decoy, "").value(), PasswordMatch::kNo);
  EXPECT_EQ(decoy.substr(0, decoy.find("p=2")),
            HashArgon2id("p", kTestArgon2).value().substr(0, decoy.find("p=2")));
  // A NUL does not end a bcrypt key early: such a password takes as long as any other.
  EXPECT_EQ(MatchPassword(std::string(1, '\0'), DecoyBcrypt(kTestCost), "").value(),
            PasswordMatch::kNo);
}

// What the original accepts for import, from a recording of it.
TEST(FormatTest, IsAsLooseAsTheOriginal) {
  const std::string bcrypt = "$2a$10$GzEm3vKoAqnJCTWesRARCe/ovjt/07qjvcH9jbLUg44Fn77gMZkmm";
  const std::string argon2 =
      "$argon2id$v=19$m=16,t=2,p=1$VG1Oa1lMbzZLbzk5azQ2Qg$"
      "kjcNNtZ/b0t/8HgXUiQ76A";
  for (const char* prefix : {"$2a", "$2b", "$2x", "$2y"}) {
    EXPECT_TRUE(IsBcryptFormat(Replaced(bcrypt, "$2a", prefix)));
  }
  EXPECT_TRUE(IsBcryptFormat(bcrypt.substr(0, 59)));
  EXPECT_TRUE(IsBcryptFormat(bcrypt + "a"));
  EXPECT_FALSE(IsBcryptFormat(Replaced(bcrypt, "$2a", "$2z")));
  EXPECT_FALSE(IsBcryptFormat(Replaced(bcrypt, "$2a", "$2A")));
  for (const char* type : {"$argon2id", "$argon2i", "$argon2d"}) {
    EXPECT_TRUE(IsArgon2Format(Replaced(argon2, "$argon2id", type)));
  }
  EXPECT_TRUE(IsArgon2Format(Replaced(argon2, "v=19", "")));
  EXPECT_TRUE(IsArgon2Format(Replaced(argon2, ",p=1", "")));
  EXPECT_TRUE(IsFirebaseScryptFormat(kFirebaseHash));
  EXPECT_TRUE(IsFirebaseScryptFormat(Replaced(kFirebaseHash, "$m=14$r=8", "$r=8$m=14")));
  EXPECT_FALSE(IsFirebaseScryptFormat(Replaced(kFirebaseHash, "$m=14", "")));
  EXPECT_FALSE(IsFirebaseScryptFormat(Replaced(kFirebaseHash, "s=Bw==", "s=")));
  EXPECT_FALSE(IsFirebaseScryptFormat(Replaced(kFirebaseHash, "m=14", "m=x")));
  for (const char* text : {"", "hello", "$", "$$$$$$", "$f_scrypt$"}) {
    EXPECT_FALSE(IsBcryptFormat(text) || IsArgon2Format(text) || IsFirebaseScryptFormat(text));
    EXPECT_FALSE(Matches("p", text));
  }
}

}  // namespace
}  // namespace gatehouse::crypto

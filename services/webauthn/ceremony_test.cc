// The W3C's test vectors, and the same damaged in every way.

#include "services/webauthn/ceremony.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "services/webauthn/authenticator_data.h"
#include "services/webauthn/client_data.h"
#include "services/webauthn/test_ceremonies.h"

namespace gatehouse::webauthn {
namespace {

using absl::StatusCode;

// What this server does not take of the vectors: a key of an algorithm that the original does not
// know, and an assertion from within a frame of another site.
const std::set<std::string> kUnknownKeys = {"packed-ed448"};
const std::set<std::string> kFramed = {"none-es256-crossOrigin", "none-es256-topOrigin"};

TEST(CeremonyTest, VectorsOfTheW3c) {
  int registered = 0, asserted = 0;
  for (const W3cVector& vector : kW3cVectors) {
    SCOPED_TRACE(vector.name);
    const auto registration =
        Register(Expected(vector.registration_challenge), RegistrationJson(vector));
    if (kUnknownKeys.count(vector.name) > 0) {
      EXPECT_EQ(registration.status().code(), StatusCode::kInvalidArgument);
      continue;
    }
    ASSERT_TRUE(registration.ok()) << registration.status();
    ++registered;
    EXPECT_EQ(registration->credential_id, FromHex(vector.credential_id));
    EXPECT_EQ(registration->transports, R"(["internal","hybrid"])");
    // As it came: the bytes before the key, and the key, up to the end of the object.
    const std::string object = FromHex(vector.attestation_object);
    EXPECT_NE(object.find(registration->attested), std::string::npos);
    const auto counter = Assert(Expected(vector.challenge), registration->attested,
                                registration->counter, AssertionJson(vector));
    if (kFramed.count(vector.name) > 0) {
      EXPECT_EQ(counter.status().code(), StatusCode::kPermissionDenied);
      continue;
    }
    ASSERT_TRUE(counter.ok()) << counter.status();
    EXPECT_EQ(*counter, 0u);
    ++asserted;
  }
  EXPECT_EQ(registered, 14);
  EXPECT_EQ(asserted, 12);
}

class DamagedTest : public ::testing::Test {
 protected:
  StatusCode Registered() { return Register(registering, registration).status().code(); }
  StatusCode Asserted() { return Assert(asserting, attested, counter, assertion).status().code(); }
  static json::Value& Response(json::Value& credential) {
    return const_cast<json::Value&>(*credential.Find("response"));
  }
  void SetRegistrationClientData(const std::string& text) {
    Response(registration).Set("clientDataJSON", crypto::Base64UrlEncode(text));
  }
  // Some JSON with the challenge of the registration.
  std::string ClientData(const std::string& type, const std::string& rest) {
    return R"({"type":")" + type + R"(","challenge":")" + Base64Url(vector.registration_challenge) +
           R"(",)" + rest + "}";
  }
  void SetAttestationObject(const std::string& cbor) {
    Response(registration).Set("attestationObject", crypto::Base64UrlEncode(cbor));
  }
  // An attestation object around other authenticator data.
  void SetRegistrationData(const std::string& data) {
    std::string cbor =
        "\xa3\x63"
        "fmt\x64none\x67"
        "attStmt\xa0\x68"
        "authData\x59";
    cbor += static_cast<char>(data.size() >> 8);
    cbor += static_cast<char>(data.size());
    SetAttestationObject(cbor + data);
  }
  std::string RegistrationData() { return std::string(*ReadAttestationObject(object)); }

  const W3cVector& vector = Vector("none-es256");
  Expectation registering = Expected(vector.registration_challenge);
  Expectation asserting = Expected(vector.challenge);
  json::Value registration = RegistrationJson(vector);
  json::Value assertion = AssertionJson(vector);
  const std::string object = FromHex(vector.attestation_object);
  std::string attested = Register(registering, registration)->attested;
  int64_t counter = 0;
};

TEST_F(DamagedTest, NothingIsDamagedYet) {
  EXPECT_EQ(Registered(), StatusCode::kOk);
  EXPECT_EQ(Asserted(), StatusCode::kOk);
  SetRegistrationData(RegistrationData());
  EXPECT_EQ(Registered(), StatusCode::kOk);
  SetRegistrationClientData(ClientData("webauthn.create", R"("origin":"https://example.org")"));
  EXPECT_EQ(Registered(), StatusCode::kOk);
}

TEST_F(DamagedTest, ChallengeOriginAndRelyingParty) {
  registering.challenge[0] ^= 1;
  asserting.challenge.pop_back();
  EXPECT_EQ(Registered(), StatusCode::kPermissionDenied);
  EXPECT_EQ(Asserted(), StatusCode::kPermissionDenied);
  registering.challenge = asserting.challenge = "";
  EXPECT_EQ(Registered(), StatusCode::kPermissionDenied);
  EXPECT_EQ(Asserted(), StatusCode::kPermissionDenied);

  registering = Expected(vector.registration_challenge);
  asserting = Expected(vector.challenge);
  for (const char* origin : {"https://example.com", "http://example.org", "https://example.org:444",
                             "https://www.example.org", "https://example.org.evil.com", ""}) {
    registering.origin = asserting.origin = origin;
    EXPECT_EQ(Registered(), StatusCode::kPermissionDenied) << origin;
    EXPECT_EQ(Asserted(), StatusCode::kPermissionDenied) << origin;
  }
  for (const char* origin :
       {"https://example.org:443", "https://EXAMPLE.org", "https://example.org/"}) {
    registering.origin = asserting.origin = origin;
    EXPECT_EQ(Registered(), StatusCode::kOk) << origin;
    EXPECT_EQ(Asserted(), StatusCode::kOk) << origin;
  }
  registering.rp_id = asserting.rp_id = "example.com";
  EXPECT_EQ(Registered(), StatusCode::kPermissionDenied);
  EXPECT_EQ(Asserted(), StatusCode::kPermissionDenied);
}

TEST_F(DamagedTest, PresenceVerificationAndBackup) {
  std::string data = RegistrationData();
  struct Case {
    int flags;
    bool presence, verification;
    StatusCode code;
  };
  constexpr int kAt = 0x40;
  const Case cases[] = {
      {kAt, false, false, StatusCode::kOk},
      {kAt, true, false, StatusCode::kPermissionDenied},
      {kAt | 1, true, false, StatusCode::kOk},
      {kAt | 1, true, true, StatusCode::kPermissionDenied},
      {kAt | 4, false, true, StatusCode::kOk},
      {kAt | 5, true, true, StatusCode::kOk},
      {kAt | 8, false, false, StatusCode::kOk},                   // may be backed up
      {kAt | 0x10, false, false, StatusCode::kPermissionDenied},  // is, but may not
      {kAt | 0x18, false, false, StatusCode::kOk},
  };
  for (const Case& one : cases) {
    data[32] = static_cast<char>(one.flags);
    SetRegistrationData(data);
    registering.needs_user_presence = one.presence;
    registering.needs_user_verification = one.verification;
    EXPECT_EQ(Registered(), one.code) << one.flags;
  }
  // The vector's user was present, and not verified.
  asserting.needs_user_presence = true;
  EXPECT_EQ(Asserted(), StatusCode::kOk);
  asserting.needs_user_verification = true;
  EXPECT_EQ(Asserted(), StatusCode::kPermissionDenied);
}

TEST_F(DamagedTest, TheOtherCeremony) {
  SetRegistrationClientData(ClientData("webauthn.get", R"("origin":"https://example.org")"));
  EXPECT_EQ(Registered(), StatusCode::kPermissionDenied);
  SetRegistrationClientData(ClientData("webauthn.create",
                                       R"("origin":"https://example.org",)"
                                       R"("tokenBinding":{"status":"present"})"));
  EXPECT_EQ(Registered(), StatusCode::kPermissionDenied);
  SetRegistrationClientData(ClientData("webauthn.create",
                                       R"("origin":"https://example.org",)"
                                       R"("tokenBinding":{"status":"supported"})"));
  EXPECT_EQ(Registered(), StatusCode::kOk);
}

TEST_F(DamagedTest, ClientDataThatIsNone) {
  for (const char* text : {"", "{}", "[]", "null", "{", "\xff\xfe", R"({"type":"webauthn.create"})",
                           R"({"type":1,"challenge":"AAAA","origin":"https://example.org"})",
                           R"({"type":"webauthn.create","challenge":"!","origin":"https://a"})"}) {
    SetRegistrationClientData(text);
    EXPECT_EQ(Registered(), StatusCode::kInvalidArgument) << text;
  }
  for (const char* rest : {R"("origin":"https://example.org","crossOrigin":"no")",
                           R"("origin":"https://example.org","tokenBinding":"present")",
                           R"("origin":["https://example.org"])"}) {
    SetRegistrationClientData(ClientData("webauthn.create", rest));
    EXPECT_EQ(Registered(), StatusCode::kInvalidArgument) << rest;
  }
}

TEST_F(DamagedTest, AttestationObjectThatIsNone) {
  const std::string none =
                        "\x63"
                        "fmt\x64none",
                    statement =
                        "\x67"
                        "attStmt\xa0";
  const std::string data = RegistrationData();
  const std::string auth =
      "\x68"
      "authData\x58" +
      std::string(1, static_cast<char>(data.size())) + data;
  ASSERT_LT(data.size(), 256u);
  SetAttestationObject("\xa3" + none + statement + auth);
  EXPECT_EQ(Registered(), StatusCode::kOk);
  SetAttestationObject("\xa4" + auth + none + statement +
                       "\x65"
                       "epAtt\xf4");  // unknown members
  EXPECT_EQ(Registered(), StatusCode::kOk);
  SetAttestationObject("\xa3" +
                       std::string("\x63"
                                   "fmt\x66packed") +
                       statement + auth);
  EXPECT_EQ(Registered(), StatusCode::kOk);
  for (const std::string& bad :
       {std::string("\xa0"), "\xa2" + none + auth, "\xa2" + none + statement,
        "\xa2" + statement + auth, "\xa3" + none + statement + auth + "x",
        "\xa4" + none + none + statement + auth, "\xa4" + none + statement + auth + auth,
        "\xa4" + none + statement + statement + auth,
        "\xa3" +
            std::string("\x63"
                        "fmt\x65other") +
            statement + auth,
        "\xa3" + none +
            "\x67"
            "attStmt\xa1\x61"
            "a\x01" +
            auth,
        "\xa3" + none +
            "\x67"
            "attStmt\x80" +
            auth,
        "\xa3" + none + statement +
            "\x68"
            "authData\x60",
        "\xa3\x01\x02" + statement + auth, std::string("\x83\x01\x02\x03"),
        object + std::string(1, '\0'), object.substr(0, object.size() - 1)}) {
    SetAttestationObject(bad);
    EXPECT_EQ(Registered(), StatusCode::kInvalidArgument) << crypto::Base64UrlEncode(bad);
  }
}

TEST_F(DamagedTest, AuthenticatorDataThatIsNone) {
  const std::string data = RegistrationData();
  for (size_t size = 0; size < data.size(); ++size) {
    SetRegistrationData(data.substr(0, size));
    EXPECT_EQ(Registered(), StatusCode::kInvalidArgument) << size;
  }
  SetRegistrationData(data + '\0');
  EXPECT_EQ(Registered(), StatusCode::kInvalidArgument);
  std::string bare = data.substr(0, 37);
  bare[32] = 1;
  SetRegistrationData(bare);
  EXPECT_EQ(Registered(), StatusCode::kPermissionDenied);  // attests no key

  std::string extended = data;
  extended[32] = static_cast<char>(extended[32] | 0x80);
  SetRegistrationData(extended);  // says that there are extensions
  EXPECT_EQ(Registered(), StatusCode::kInvalidArgument);
  SetRegistrationData(extended +
                      "\xa1\x6b"
                      "credProtect\x02");
  EXPECT_EQ(Registered(), StatusCode::kOk);
  SetRegistrationData(extended + "\x02");
  EXPECT_EQ(Registered(), StatusCode::kInvalidArgument);

  std::string empty_id = data;
  empty_id[53] = empty_id[54] = 0;
  SetRegistrationData(empty_id);
  EXPECT_EQ(Registered(), StatusCode::kInvalidArgument);
}

TEST_F(DamagedTest, KeysThatAreNone) {
  const std::string data = RegistrationData();
  const std::string head = data.substr(0, 37 + 16 + 2 + 32);
  const std::string key = data.substr(head.size());
  ASSERT_EQ(key.substr(0, 10), std::string("\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20", 10));
  auto with = [&](size_t at, char byte) {
    std::string other = key;
    other[at] = byte;
    return other;
  };
  for (const std::string& bad :
       {std::string("\xa0"), with(2, '\x03'),                         // an RSA key with a point
        with(4, '\x27'),                                              // EdDSA on P-256
        with(4, '\x23'),                                              // no algorithm of COSE
        with(6, '\x02'),                                              // ES256 on P-384
        with(6, '\x08'),                                              // on secp256k1
        with(10, static_cast<char>(key[10] ^ 1)),                     // off the curve
        "\xa4" + key.substr(1, 6) + key.substr(7, 35),                // no y
        "\xa6" + key.substr(1) + "\x03\x26",                          // two algorithms
        std::string("\xa3\x01\x03\x03\x39\x01\x00\x20\x41\x03", 10),  // RSA without e
        std::string("\xa4\x01\x03\x03\x39\x01\x00\x20\x41\x03\x21\x41\x03", 13),  // of 2 bits
        std::string("\xa4\x01\x01\x03\x27\x20\x06\x21\x41\x00", 10)}) {  // a short Ed25519 key
    SetRegistrationData(head + bad);
    EXPECT_EQ(Registered(), StatusCode::kInvalidArgument) << crypto::Base64UrlEncode(bad);
  }
  SetRegistrationData(head + "\xa6" + key.substr(1) + "\x04\x81\x02");  // key_ops
  EXPECT_EQ(Registered(), StatusCode::kOk);
}

TEST_F(DamagedTest, IdsThatAreAnothers) {
  registration.Set("id", "AAAA");
  EXPECT_EQ(Registered(), StatusCode::kPermissionDenied);
  assertion.Set("rawId", "AAAA");
  EXPECT_EQ(Asserted(), StatusCode::kPermissionDenied);
  assertion.Remove("rawId");
  EXPECT_EQ(Asserted(), StatusCode::kPermissionDenied);
}

TEST_F(DamagedTest, SignaturesThatAreWrong) {
  const std::string signature = FromHex(vector.signature);
  auto with = [&](const std::string& other) {
    Response(assertion).Set("signature", crypto::Base64UrlEncode(other));
    return Asserted();
  };
  EXPECT_EQ(with(signature), StatusCode::kOk);
  EXPECT_EQ(with(""), StatusCode::kPermissionDenied);
  EXPECT_EQ(with(signature + '\0'), StatusCode::kPermissionDenied);
  EXPECT_EQ(with("\x30\x06\x02\x01\x01\x02\x01\x01"), StatusCode::kPermissionDenied);
  EXPECT_EQ(with("\x30\x06\x02\x01\x00\x02\x01\x00"), StatusCode::kPermissionDenied);
  for (size_t i = 0; i < signature.size(); ++i) {
    std::string bad = signature;
    bad[i] = static_cast<char>(bad[i] ^ (1 << (i % 8)));
    EXPECT_EQ(with(bad), StatusCode::kPermissionDenied) << i;
  }
  with(signature);
  const std::string data = FromHex(vector.authenticator_data);
  for (const size_t i : {32u, 36u}) {  // flags, counter
    std::string bad = data;
    bad[i] = static_cast<char>(bad[i] ^ 4);
    Response(assertion).Set("authenticatorData", crypto::Base64UrlEncode(bad));
    EXPECT_EQ(Asserted(), StatusCode::kPermissionDenied) << i;
  }
  Response(assertion).Set("authenticatorData", crypto::Base64UrlEncode(data));
  attested = Register(Expected(Vector("packed-self-es256").registration_challenge),
                      RegistrationJson(Vector("packed-self-es256")))
                 ->attested;
  EXPECT_EQ(Asserted(), StatusCode::kPermissionDenied);  // another's key
}

TEST_F(DamagedTest, TheCounterMustGrow) {
  EXPECT_EQ(Asserted(), StatusCode::kOk);  // 0 after 0
  counter = 1;                             // 0 after 1
  EXPECT_EQ(Asserted(), StatusCode::kPermissionDenied);
  counter = 0xffffffff;
  EXPECT_EQ(Asserted(), StatusCode::kPermissionDenied);
}

TEST_F(DamagedTest, CredentialsWithoutTheirMembers) {
  for (const char* member : {"id", "type"}) {
    json::Value without = registration;
    without.Remove(member);
    EXPECT_EQ(Register(registering, without).status().code(), StatusCode::kInvalidArgument);
    without.Set(member, "");
    EXPECT_EQ(Register(registering, without).status().code(), StatusCode::kInvalidArgument);
    without.Set(member, 5);
    EXPECT_EQ(Register(registering, without).status().code(), StatusCode::kInvalidArgument);
  }
  for (const char* member : {"clientDataJSON", "attestationObject"}) {
    json::Value without = registration;
    Response(without).Remove(member);
    EXPECT_EQ(Register(registering, without).status().code(), StatusCode::kInvalidArgument);
    Response(without).Set(member, "not base64url!");
    EXPECT_EQ(Register(registering, without).status().code(), StatusCode::kInvalidArgument);
  }
  for (const char* member : {"clientDataJSON", "authenticatorData", "signature"}) {
    json::Value without = assertion;
    Response(without).Remove(member);
    EXPECT_EQ(Assert(asserting, attested, 0, without).status().code(),
              StatusCode::kInvalidArgument);
  }
  Response(registration).Set("transports", json::Value::Array({"usb", "usb", "nfc"}));
  EXPECT_EQ(Register(registering, registration)->transports, R"(["usb","nfc"])");
  Response(registration).Set("transports", json::Value::Array({1}));
  EXPECT_EQ(Registered(), StatusCode::kInvalidArgument);
  Response(registration).Remove("transports");
  EXPECT_EQ(Register(registering, registration)->transports, "[]");
}

// Random damage to what an attacker may choose freely. Under the sanitizers this is what looks for
// reads beyond the end; here it must not be taken for the original.
TEST(MutationTest, DamagedBytesAreNeverTakenForTheOriginal) {
  std::mt19937 random(20261129);  // NOLINT: the same each time
  auto damage = [&](std::string bytes) {
    const int edits = 1 + static_cast<int>(random() % 3);
    for (int i = 0; i < edits && !bytes.empty(); ++i) {
      const size_t at = random() % bytes.size();
      switch (random() % 5) {
        case 0:
          bytes[at] = static_cast<char>(random());
          break;
        case 1:
          bytes[at] = static_cast<char>(bytes[at] ^ (1 << (random() % 8)));
          break;
        case 2:
          bytes.erase(at, 1 + random() % 4);
          break;
        case 3:
          bytes.insert(at, 1 + random() % 3, static_cast<char>(random()));
          break;
        default:
          bytes.resize(at);
      }
    }
    return bytes;
  };
  for (const W3cVector& vector : kW3cVectors) {
    const std::string object = FromHex(vector.attestation_object);
    const std::string client = FromHex(vector.client_data);
    const auto known = Register(Expected(vector.registration_challenge), RegistrationJson(vector));
    for (int round = 0; round < 300; ++round) {
      const std::string bad = damage(object);
      if (const auto data = ReadAttestationObject(bad); data.ok()) {
        (void)ReadAuthenticatorData(*data);
      }
      (void)ReadAuthenticatorData(damage(FromHex(vector.authenticator_data)));
      if (!known.ok()) continue;
      (void)ReadAttestedCredential(damage(known->attested));
      const std::string text = damage(client);
      (void)ReadClientData(text);
      if (text == client) continue;
      json::Value assertion = AssertionJson(vector);
      const_cast<json::Value*>(assertion.Find("response"))
          ->Set("clientDataJSON", crypto::Base64UrlEncode(text));
      EXPECT_FALSE(Assert(Expected(vector.challenge), known->attested, 0, assertion).ok());
    }
  }
}

}  // namespace
}  // namespace gatehouse::webauthn

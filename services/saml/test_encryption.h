#pragma once

// What an identity provider encrypts for us, for tests.

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "libs/base/strings.h"
#include "libs/crypto/bytes.h"
#include "libs/crypto/rsa_key.h"
#include "libs/crypto/test_encryption.h"
#include "services/saml/xml_document.h"

namespace gatehouse::saml {

inline constexpr std::string_view kXmlEnc = "http://www.w3.org/2001/04/xmlenc#";
inline constexpr std::string_view kXmlEnc11 = "http://www.w3.org/2009/xmlenc11#";

// Our key in tests.
inline const std::shared_ptr<const crypto::RsaKeyPair>& TestServiceKey() {
  static const auto key = crypto::RsaKeyPair::Generate();
  return key;
}

struct EncryptionParts {
  std::string data_algorithm = StrCat(kXmlEnc11, "aes256-gcm");
  std::string key_algorithm = StrCat(kXmlEnc, "rsa-oaep-mgf1p");
  std::string digest = "";  // a URI; empty: none is named
  std::string mask = "";
  // What OpenSSL calls those.
  const char* digest_name = "SHA1";
  const char* mask_name = "SHA1";
  bool padding_is_pkcs1 = false;
  size_t key_bytes = 0;  // 0: that of the algorithm
  std::string type = StrCat(kXmlEnc, "Element");
  bool key_beside = false;
  std::string other_keys = "";  // elements EncryptedKey before ours
  // Changes what is sent in base64.
  std::function<void(std::string& bytes)> damage_data = nullptr;
  std::function<void(std::string& bytes)> damage_key = nullptr;
};

inline std::string CipherDataXml(std::string bytes,
                                 const std::function<void(std::string&)>& damage) {
  if (damage) damage(bytes);
  return StrCat("<xenc:CipherData><xenc:CipherValue>\n", crypto::Base64Encode(bytes),
                "\n</xenc:CipherValue></xenc:CipherData>");
}

// `xml` encrypted for the pair's owner, as <saml:name>.
inline std::string EncryptedXml(std::string_view name, const std::string& xml,
                                const EncryptionParts& parts = {},
                                const crypto::RsaKeyPair& pair = *TestServiceKey()) {
  const size_t key_bytes = parts.data_algorithm.find("256") == std::string::npos ? 16 : 32;
  const std::string key = crypto::RandomBytes(parts.key_bytes == 0 ? key_bytes : parts.key_bytes);
  const std::string wrapped =
      parts.padding_is_pkcs1
          ? crypto::EncryptPkcs1ForTest(pair.public_key(), key)
          : crypto::EncryptOaepForTest(pair.public_key(), key, parts.digest_name, parts.mask_name);
  const std::string text = crypto::EncryptAesForTest(
      parts.data_algorithm.ends_with("cbc") ? crypto::AesMode::kCbc : crypto::AesMode::kGcm, key,
      xml);
  const std::string methods =
      StrCat(parts.digest.empty() ? ""
                                  : StrCat("<ds:DigestMethod xmlns:ds=\"", kSignatureNamespace,
                                           "\" Algorithm=\"", parts.digest, "\"/>"),
             parts.mask.empty() ? ""
                                : StrCat("<xenc11:MGF xmlns:xenc11=\"", kXmlEnc11,
                                         "\" Algorithm=\"", parts.mask, "\"/>"));
  const std::string encrypted_key = StrCat(
      parts.other_keys, "<xenc:EncryptedKey xmlns:xenc=\"", kXmlEnc,
      "\"><xenc:EncryptionMethod Algorithm=\"", parts.key_algorithm, "\">", methods,
      "</xenc:EncryptionMethod>", CipherDataXml(wrapped, parts.damage_key),
      "</xenc:EncryptedKey>");
  return StrCat(
      "<saml:", name, " xmlns:saml=\"", kAssertionNamespace, "\"><xenc:EncryptedData xmlns:xenc=\"",
      kXmlEnc, "\"", parts.type.empty() ? "" : StrCat(" Type=\"", parts.type, "\""),
      "><xenc:EncryptionMethod Algorithm=\"", parts.data_algorithm, "\"/><ds:KeyInfo xmlns:ds=\"",
      kSignatureNamespace, "\">",
      parts.key_beside ? "<ds:RetrievalMethod URI=\"#k\"/>" : encrypted_key,
      "</ds:KeyInfo>", CipherDataXml(text, parts.damage_data),
      "</xenc:EncryptedData>", parts.key_beside ? encrypted_key : "", "</saml:", name, ">");
}

}  // namespace gatehouse::saml

#pragma once

// Elements that an identity provider has encrypted for us (XML Encryption 1.1, in the profile of
// SAML 2.0 Core, 2.3.4 and 6.2): AES in CBC or GCM with a key that RSA-OAEP has encrypted for ours.
// By OpenSSL: Debian's libxmlsec1 knows RSA-OAEP with SHA-1 only, and would read what was encrypted
// without the limits of XmlDocument. What a document says about its keys is not looked at.

#include <string>

#include "absl/status/statusor.h"
#include "libs/crypto/rsa_key.h"
#include "services/saml/xml_document.h"

namespace gatehouse::saml {

// Whether anything in the document is encrypted.
bool HasEncryption(const XmlDocument& document);

// What an EncryptedAssertion or EncryptedID has in it: the one child of the root of the document
// that is returned, in which the prefixes mean what they do at `encrypted`.
// Fails with kEncryptionShape or kEncryptionAlgorithm for what is written in clear, and with
// kDecryption, whatever is wrong, after the key was used: by anything that tells apart why, whoever
// may try often enough could read texts in CBC. Encryption says nothing about who made the text.
absl::StatusOr<XmlDocument> Decrypt(const XmlDocument& document, XmlElement encrypted,
                                    const crypto::RsaKeyPair& key);

// The algorithms, as elements md:EncryptionMethod of metadata.
std::string EncryptionMethods();

}  // namespace gatehouse::saml

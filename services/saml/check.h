#pragma once

// The checks that a document of an identity provider has to pass. What fails names its check, for
// logs and tests; clients hear less.

#include <string_view>

#include "absl/status/status.h"

namespace gatehouse::saml {

enum class Check {
  // The document.
  kBase64,
  kSize,      // bytes, elements, attributes, namespaces or depth
  kEncoding,  // declares something other than UTF-8, ASCII or ISO-8859-1
  kDoctype,   // has a document type declaration
  kWellFormed,
  kXmlId,        // has xml:id, which names elements without our say
  kRootElement,  // is no Response, or no EntityDescriptor
  kTime,         // a time that can't be read
  kVersion,
  // The identity provider's metadata.
  kEntityId,
  kRole,          // no identity provider in it
  kSingleSignOn,  // no location that we can use, or one that is not of the web
  kKeyUse,
  kCertificate,  // none, or one that can't be read
  // Signatures.
  kUnsigned,
  kSeveralSignatures,
  kSignatureShape,  // has parts that it must not have, or lacks some
  kSeveralReferences,
  kReferenceElsewhere,  // does not refer to the element that it is in
  kElementId,           // the element has no usable id
  kDuplicateId,
  kTransform,
  kCanonicalization,
  kSignatureAlgorithm,
  kDigestAlgorithm,
  kSignatureValue,  // no certificate of the provider verifies it
  // What is encrypted.
  kEncryptionShape,      // has parts that it must not have, or lacks some
  kEncryptionAlgorithm,  // by something else than AES and RSA-OAEP
  kDecryption,           // not for our key, or damaged, or no element
  // What the response says.
  kStatus,
  kIssuer,
  kDestination,
  kInResponseTo,
  kIssueInstant,
  kOneAssertion,  // none or several, anywhere in the response
  kSubject,
  kNameId,
  kSubjectConfirmation,
  kRecipient,
  kConfirmationTime,
  kConditions,
  kConditionsTime,
  kAudience,
  kAttribute,
  kReplay,
};

// "DUPLICATE_ID".
std::string_view CheckName(Check check);

// A failed check, as a status with its name.
absl::Status Failed(Check check);
// Whether `status` is that failure.
bool IsFailed(const absl::Status& status, Check check);
// Whether the document itself is to blame, rather than what it says: it can't be read, or is no
// document of the kind.
bool IsMalformed(const absl::Status& status);

}  // namespace gatehouse::saml

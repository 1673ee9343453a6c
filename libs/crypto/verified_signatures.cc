#include "libs/crypto/verified_signatures.h"

#include <memory>
#include <string>

#include "libs/base/strings.h"
#include "libs/crypto/digest.h"

namespace gatehouse::crypto {

bool VerifiedSignatures::Verify(const JwtParts& parts, const RsaPublicKey& key) {
  // The key's text has no line's end, and no part of a token has a dot (SplitJwt): no two questions
  // give the same text.
  const std::string digest =
      Sha256(StrCat(key.spki_base64(), "\n", parts.signed_text, ".", parts.signature));
  if (known_.Find(digest) != nullptr) return true;
  if (!VerifyJwtSignature(parts, key)) return false;
  static const auto good = std::make_shared<const bool>(true);
  known_.FindOrMake(digest, [] { return good; });
  return true;
}

}  // namespace gatehouse::crypto

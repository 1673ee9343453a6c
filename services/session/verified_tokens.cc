#include "services/session/verified_tokens.h"

#include <utility>

#include "libs/crypto/digest.h"

namespace gatehouse::session {
namespace {

// Tokens with few claims of the application's own are about half as long.
constexpr size_t kMaxKeptBytes = 2048;

std::shared_ptr<const VerifiedToken> Read(const RawAccessToken& raw) {
  auto token = std::make_shared<VerifiedToken>(VerifiedToken{ReadAccessToken(raw), ""});
  if (token->content.ok()) {
    token->user_data_json = json::Serialize(std::exchange(token->content->user_data, json::Value()));
  }
  return token;
}

}  // namespace

std::shared_ptr<const VerifiedToken> VerifiedTokens::Verify(const RawAccessToken& raw,
                                                            const crypto::RsaPublicKey& key) {
  // A fingerprint has a fixed length: no two questions give the same text.
  const std::string digest = crypto::Sha256({key.fingerprint(), raw.parts.whole});
  if (const auto known = known_.Find(digest)) {
    return known->token != nullptr ? known->token : Read(raw);
  }
  if (!crypto::VerifyJwtSignature(raw.parts, key)) return nullptr;
  const auto token = Read(raw);
  known_.FindOrMake(digest, [&] {
    const bool kept = raw.parts.whole.size() <= kMaxKeptBytes;
    return std::make_shared<const Known>(Known{kept ? token : nullptr});
  });
  return token;
}

}  // namespace gatehouse::session

#include "services/session/verified_tokens.h"

#include <utility>

#include "libs/crypto/digest.h"

namespace gatehouse::session {
namespace {

// Tokens with few claims of the application's own are about half as long.
constexpr size_t kMaxKeptBytes = 2048;
constexpr size_t kParts = 16;
// A part with less would forget tokens that the whole has room for.
constexpr size_t kLeastOfAPart = 64;

std::shared_ptr<const VerifiedToken> Read(const RawAccessToken& raw) {
  auto token = std::make_shared<VerifiedToken>(VerifiedToken{ReadAccessToken(raw), ""});
  if (token->content.ok()) {
    token->user_data_json = json::Serialize(std::exchange(token->content->user_data, json::Value()));
  }
  return token;
}

}  // namespace

VerifiedTokens::VerifiedTokens(size_t capacity) {
  const size_t parts = capacity < kParts * kLeastOfAPart ? 1 : kParts;
  for (size_t i = 0; i < parts; ++i) {
    parts_.push_back(std::make_unique<LruCache<const Known>>(capacity / parts));
  }
}

size_t VerifiedTokens::size() const {
  size_t all = 0;
  for (const auto& part : parts_) all += part->size();
  return all;
}

std::shared_ptr<const VerifiedToken> VerifiedTokens::Verify(const RawAccessToken& raw,
                                                            const crypto::RsaPublicKey& key) {
  // A fingerprint has a fixed length: no two questions give the same text.
  const std::string digest = crypto::Sha256({key.fingerprint(), raw.parts.whole});
  LruCache<const Known>& part = *parts_[static_cast<unsigned char>(digest[0]) % parts_.size()];
  if (const auto known = part.Find(digest)) {
    return known->token != nullptr ? known->token : Read(raw);
  }
  if (!crypto::VerifyJwtSignature(raw.parts, key)) return nullptr;
  const auto token = Read(raw);
  part.FindOrMake(digest, [&] {
    const bool kept = raw.parts.whole.size() <= kMaxKeptBytes;
    return std::make_shared<const Known>(Known{kept ? token : nullptr});
  });
  return token;
}

}  // namespace gatehouse::session

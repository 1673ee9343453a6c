#include "services/session/key_cache.h"

#include <algorithm>
#include <utility>

#include "gatehouse/jwks/v1/jwks_service.rpc.h"
#include "libs/base/elapsed.h"
#include "libs/base/may_block.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "services/session/app_key.h"

namespace gatehouse::session {
namespace {

// An app's parsed keys take some 30 KB.
constexpr size_t kMaxCachedApps = 2000;
// A token takes some 1,000 bytes, 4,000 at most.
constexpr size_t kMaxTokens = 10'000;
// The jwks service reads its database no more often either.
constexpr int64_t kMinRefetchMs = 1000;
// Between attempts while the jwks service does not answer.
constexpr int64_t kRetryMs = 1000;
// The lifetime that the original states for static keys.
constexpr int64_t kTenYearsMs = 10LL * 365 * 24 * 3600 * 1000;

const SigningKey* FindIn(const std::vector<SigningKey>& keys, std::string_view key_id) {
  const auto it = std::find_if(keys.begin(), keys.end(),
                               [&](const SigningKey& key) { return key.key_id == key_id; });
  return it == keys.end() ? nullptr : &*it;
}

template <typename Keys>
absl::StatusOr<std::vector<SigningKey>> ParseKeys(const Keys& keys,
                                                  const std::vector<SigningKey>* old) {
  std::vector<SigningKey> parsed;
  for (const auto& key : keys) {
    // Parsing a key costs more than a verification.
    const SigningKey* known = old == nullptr ? nullptr : FindIn(*old, key.key_id());
    std::shared_ptr<const crypto::RsaKeyPair> pair;
    if (known != nullptr) {
      pair = known->pair;
    } else {
      auto made = crypto::RsaKeyPair::FromStored(key.key_pair());
      if (!made.ok()) return MakeError(ErrorReason::kInternal, "A signing key can't be read");
      pair = *std::move(made);
    }
    parsed.push_back({key.key_id(), std::move(pair), key.created_at_ms(), key.expires_at_ms()});
  }
  return parsed;
}

}  // namespace

const SigningKey* KeySet::Find(std::string_view key_id, int64_t now_ms) const {
  if (const SigningKey* key = FindIn(dynamic_keys, key_id)) {
    return key->expires_at_ms >= now_ms ? key : nullptr;
  }
  return FindIn(static_keys, key_id);
}

absl::StatusOr<const SigningKey*> KeySet::ToSign(bool use_static) const {
  if (!use_static) return &dynamic_keys[current];
  if (!static_keys.empty()) return &static_keys.front();
  return MakeError(ErrorReason::kDependencyDown, "The signing keys can't be fetched");
}

struct KeyCache::Entry {
  std::mutex mutex;
  std::shared_ptr<const KeySet> keys;  // null at first
  int64_t refetched_at_ms = 0;
  int64_t failed_at_ms = 0;  // of the last fetch that failed while there were old keys
};

KeyCache::KeyCache(jwks::v1::JwksService& jwks, const Clock& clock)
    : jwks_(jwks), clock_(clock), entries_(kMaxCachedApps), tokens_(kMaxTokens) {}

KeyCache::~KeyCache() = default;

std::shared_ptr<KeyCache::Entry> KeyCache::EntryOf(const tenancy::Tenant& app) {
  return entries_.FindOrMake(AppCacheKey(app), [] { return std::make_shared<Entry>(); });
}

absl::StatusOr<std::shared_ptr<const KeySet>> KeyCache::Get(CallContext& context,
                                                            const tenancy::Tenant& app,
                                                            bool with_static) {
  const auto entry = EntryOf(app);
  std::shared_ptr<const KeySet> old;
  {
    const std::lock_guard lock(entry->mutex);
    const int64_t now_ms = clock_.NowMs();
    if (entry->keys != nullptr) {
      const bool complete = !with_static || !entry->keys->static_keys.empty();
      if ((complete && now_ms < entry->keys->refresh_at_ms) ||
          !Elapsed(entry->failed_at_ms, now_ms, kRetryMs)) {
        return entry->keys;
      }
    }
    old = entry->keys;
  }
  auto fetched = Fetch(context, app, *entry, with_static, /*refresh=*/false);
  if (fetched.ok() || old == nullptr || IsWouldBlock(fetched.status())) return fetched;
  // Without the jwks service the cached keys suffice as long as what they sign can be verified.
  const int64_t now_ms = clock_.NowMs();
  if (old->dynamic_keys[old->current].expires_at_ms < now_ms) return fetched;
  const std::lock_guard lock(entry->mutex);
  entry->failed_at_ms = now_ms;
  return old;
}

absl::StatusOr<SigningKey> KeyCache::ToSign(CallContext& context, const tenancy::Tenant& app,
                                            const KeySet& keys, bool use_static) {
  if (!use_static || !keys.static_keys.empty()) return **keys.ToSign(use_static);
  ASSIGN_OR_RETURN(const auto all, Get(context, app, /*with_static=*/true));
  ASSIGN_OR_RETURN(const SigningKey* key, all->ToSign(use_static));
  return *key;
}

absl::StatusOr<std::shared_ptr<const KeySet>> KeyCache::Refetch(
    CallContext& context, const tenancy::Tenant& app, std::shared_ptr<const KeySet> known) {
  const auto entry = EntryOf(app);
  {
    const std::lock_guard lock(entry->mutex);
    if (entry->keys != known) return entry->keys == nullptr ? known : entry->keys;
    const int64_t now_ms = clock_.NowMs();
    if (!Elapsed(entry->refetched_at_ms, now_ms, kMinRefetchMs)) return known;
    if (!MayBlock()) return WouldBlock();
    entry->refetched_at_ms = now_ms;
  }
  return Fetch(context, app, *entry, /*with_static=*/true, /*refresh=*/true);
}

absl::StatusOr<std::shared_ptr<const KeySet>> KeyCache::Fetch(CallContext& context,
                                                              const tenancy::Tenant& app,
                                                              Entry& entry, bool with_static,
                                                              bool refresh) {
  std::shared_ptr<const KeySet> old;
  {
    const std::lock_guard lock(entry.mutex);
    old = entry.keys;
  }
  jwks::v1::GetSigningKeysRequest request;
  *request.mutable_scope() = app.scope();
  // Once known it stays known: an instance of the jwks service may not know it yet.
  request.set_with_static_key(with_static || (old != nullptr && !old->static_keys.empty()));
  request.set_refresh(refresh);
  ASSIGN_OR_RETURN(const auto response, jwks_.GetSigningKeys(context, request));

  auto keys = std::make_shared<KeySet>();
  ASSIGN_OR_RETURN(keys->dynamic_keys,
                   ParseKeys(response.dynamic_keys(), old ? &old->dynamic_keys : nullptr));
  ASSIGN_OR_RETURN(keys->static_keys,
                   ParseKeys(response.static_keys(), old ? &old->static_keys : nullptr));
  const SigningKey* current = FindIn(keys->dynamic_keys, response.current_dynamic_key_id());
  if (current == nullptr || (request.with_static_key() && keys->static_keys.empty())) {
    return MakeError(ErrorReason::kInternal, "The app has no usable signing key");
  }
  keys->current = static_cast<size_t>(current - keys->dynamic_keys.data());
  keys->refresh_at_ms = response.refresh_at_ms();
  const std::lock_guard lock(entry.mutex);
  entry.keys = keys;
  return keys;
}

absl::StatusOr<v1::LegacyKeys> MakeLegacyKeys(const KeySet& keys,
                                              const config::CoreConfig& app_config,
                                              int64_t now_ms) {
  v1::LegacyKeys out;
  const auto add = [&out](const SigningKey& key, int64_t expiry_ms) {
    v1::LegacyKeys::Key& added = *out.add_keys();
    added.set_public_key(key.pair->public_key().spki_base64());
    added.set_expiry_ms(expiry_ms);
    added.set_created_ms(key.created_at_ms);
  };
  const bool use_static = !app_config.access_token_signing_key_dynamic();
  ASSIGN_OR_RETURN(const SigningKey* current, keys.ToSign(use_static));
  out.set_public_key(current->pair->public_key().spki_base64());
  if (use_static) {
    out.set_expiry_ms(kTenYearsMs);
    add(*current, current->created_at_ms + kTenYearsMs);
    return out;
  }
  out.set_expiry_ms(current->created_at_ms +
                    app_config.access_token_dynamic_signing_key_update_interval_ms());
  for (const SigningKey& key : keys.dynamic_keys) {
    if (key.expires_at_ms >= now_ms) add(key, key.expires_at_ms);
  }
  return out;
}

}  // namespace gatehouse::session

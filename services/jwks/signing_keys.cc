#include "services/jwks/signing_keys.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "libs/base/elapsed.h"
#include "libs/base/may_block.h"
#include "libs/base/status.h"
#include "libs/base/steady_time.h"
#include "libs/base/strings.h"
#include "libs/base/timed_mutex.h"
#include "libs/config/core_config.h"
#include "libs/crypto/bytes.h"
#include "libs/tenancy/tenant_directory.h"

namespace gatehouse::jwks {
namespace {

// An app's parsed keys take some 30 KB.
constexpr size_t kMaxCachedApps = 2000;
// How often unknown key ids (which anyone can send) may make us read the database, per app.
constexpr int64_t kMinRereadMs = 1000;
// A key signs only a minute after its creation: another core's is published well before.
constexpr int64_t kOthersHaveMadeMs = 5000;
// For one app, whose database may be silent: others' keys are due as well.
constexpr absl::Duration kReadTime = absl::Seconds(2);

// Names the app among others, and among removed ones of the same name.
std::string KeyOf(const tenancy::Tenant& app) {
  return StrCat(app.storage_id, "~", app.app_id, "~", std::to_string(app.app_incarnation));
}

std::vector<AppKey> ParseKeys(const std::vector<StoredKey>& stored,
                              const std::vector<AppKey>* old) {
  std::vector<AppKey> keys;
  keys.reserve(stored.size());
  for (const StoredKey& key : stored) {
    const AppKey* known = nullptr;
    if (old != nullptr) {
      const auto it = std::find_if(old->begin(), old->end(),
                                   [&](const AppKey& k) { return k.key_id == key.key_id; });
      if (it != old->end()) known = &*it;
    }
    if (known != nullptr) {
      keys.push_back(*known);
      continue;
    }
    auto pair = crypto::RsaKeyPair::FromStored(key.key_pair);
    // A row that is not an RSA pair can neither sign nor verify anything.
    if (pair.ok()) keys.push_back({key.key_id, key.created_at_ms, *std::move(pair)});
  }
  return keys;
}

// An infinite deadline would overflow the clock of the mutex.
constexpr absl::Duration kLongestWait = absl::Minutes(10);

std::unique_lock<TimedMutex> LockBy(TimedMutex& mutex, absl::Time deadline) {
  return {mutex, absl::ToChronoNanoseconds(std::min(deadline - SteadyNow(), kLongestWait))};
}

absl::Status TooSlow() {
  return MakeError(ErrorReason::kDeadlineExceeded, "The signing keys took too long to read");
}

// nullopt: `keys` are no longer sufficient, and the database has to be read.
std::optional<KeysNow> At(const tenancy::Tenant& app, std::shared_ptr<const AppKeys> keys,
                          StaticKey static_key, int64_t now_ms) {
  if (keys == nullptr) return std::nullopt;
  if (static_key == StaticKey::kRequired && keys->static_keys.empty()) return std::nullopt;
  KeysNow now;
  now.timeline = KeyTimeline::Of(*app.config);
  now.now_ms = now_ms;
  const int64_t verifiable_from = now.timeline.VerifiableFromMs(now_ms);
  std::vector<int64_t> created;
  for (const AppKey& key : keys->dynamic_keys) {
    if (key.created_at_ms < verifiable_from) break;
    created.push_back(key.created_at_ms);
  }
  if (created.empty() || now.timeline.NeedsNewKey(created.front(), now_ms)) return std::nullopt;
  now.verifiable = created.size();
  now.signing = now.timeline.SigningIndex(created, now_ms);
  now.change_at_ms = now.timeline.NextChangeMs(created, now_ms);
  now.keys = std::move(keys);
  return now;
}

}  // namespace

struct SigningKeys::Entry {
  // Held while the database is read, so that one thread reads for all.
  TimedMutex reload_mutex;
  bool inherited = false;  // under reload_mutex

  std::mutex mutex;
  std::shared_ptr<const AppKeys> keys;  // null at first
  int64_t read_at_ms = 0;

  std::shared_ptr<const AppKeys> Keys() {
    const std::lock_guard lock(mutex);
    return keys;
  }
};

SigningKeys::SigningKeys(KeyStore& store, crypto::KeyPairPool& pairs, const Clock& clock,
                         Inherit inherit)
    : store_(store),
      pairs_(pairs),
      clock_(clock),
      inherit_(std::move(inherit)),
      entries_(kMaxCachedApps) {}

SigningKeys::~SigningKeys() = default;

std::shared_ptr<SigningKeys::Entry> SigningKeys::EntryOf(const tenancy::Tenant& app) {
  return entries_.FindOrMake(KeyOf(app), [] { return std::make_shared<Entry>(); });
}

absl::StatusOr<KeysNow> SigningKeys::Get(const tenancy::Tenant& app, StaticKey static_key,
                                         absl::Time deadline) {
  const auto entry = EntryOf(app);
  if (auto now = At(app, entry->Keys(), static_key, clock_.NowMs())) return *std::move(now);
  if (!MayBlock()) return WouldBlock();
  const auto lock = LockBy(entry->reload_mutex, deadline);
  if (!lock.owns_lock()) return TooSlow();
  if (auto now = At(app, entry->Keys(), static_key, clock_.NowMs())) return *std::move(now);
  ASSIGN_OR_RETURN(const int64_t read_at_ms,
                   Reload(app, *entry, static_key, deadline, Due::kMake));
  if (auto now = At(app, entry->Keys(), static_key, read_at_ms)) return *std::move(now);
  return MakeError(ErrorReason::kInternal, "The app has no usable signing key");
}

absl::StatusOr<KeysNow> SigningKeys::GetFresh(const tenancy::Tenant& app, absl::Time deadline) {
  if (!MayBlock()) return WouldBlock();
  const auto entry = EntryOf(app);
  {
    const auto lock = LockBy(entry->reload_mutex, deadline);
    if (!lock.owns_lock()) return TooSlow();
    bool due;
    {
      const std::lock_guard state(entry->mutex);
      due = entry->keys == nullptr || Elapsed(entry->read_at_ms, clock_.NowMs(), kMinRereadMs);
    }
    if (due) {
      RETURN_IF_ERROR(
          Reload(app, *entry, StaticKey::kRequired, deadline, Due::kMake).status());
    }
  }
  return Get(app, StaticKey::kRequired, deadline);
}

absl::StatusOr<int64_t> SigningKeys::Reload(const tenancy::Tenant& app, Entry& entry,
                                            StaticKey static_key, absl::Time deadline,
                                            Due due) {
  if (inherit_ != nullptr && !entry.inherited) entry.inherited = inherit_(app, deadline).ok();

  const KeyTimeline timeline = KeyTimeline::Of(*app.config);
  const int64_t verifiable_from = timeline.VerifiableFromMs(clock_.NowMs());
  ASSIGN_OR_RETURN(StoredKeys stored, store_.Load(app, verifiable_from, deadline));
  int64_t read_at_ms = clock_.NowMs();
  // They have expired since: whoever needs a key makes it.
  if (due == Due::kLeave && stored.dynamic_keys.empty()) return read_at_ms;
  const bool dynamic_missing =
      stored.dynamic_keys.empty() ||
      timeline.NeedsNewKey(stored.dynamic_keys.front().created_at_ms, read_at_ms);
  const bool static_missing = static_key == StaticKey::kRequired && stored.static_keys.empty();
  if (due == Due::kMake && (dynamic_missing || static_missing)) {
    // Pairs are generated before the transaction: no connection waits for them.
    KeyStore::Candidates candidates;
    if (dynamic_missing) candidates.dynamic_key.key_pair = pairs_.Take()->ToStored();
    if (static_missing) {
      candidates.static_key = {"s-" + crypto::NewUuid4(), pairs_.Take()->ToStored(), 0};
    }
    // A key's age counts from its row, not from its generation.
    if (dynamic_missing) read_at_ms = clock_.NowMs();
    candidates.static_key.created_at_ms = read_at_ms;
    candidates.dynamic_key.created_at_ms = read_at_ms;
    candidates.dynamic_key.key_id = "d-" + std::to_string(read_at_ms);
    candidates.dynamic_from_ms = timeline.NewestFromMs(read_at_ms);
    ASSIGN_OR_RETURN(stored, store_.Ensure(app, verifiable_from, candidates, deadline));
    NoteMade(app, clock_.NowMs());
  }

  const auto old = entry.Keys();
  auto keys = std::make_shared<AppKeys>();
  keys->dynamic_keys = ParseKeys(stored.dynamic_keys, old ? &old->dynamic_keys : nullptr);
  keys->static_keys = ParseKeys(stored.static_keys, old ? &old->static_keys : nullptr);
  if (keys->dynamic_keys.empty() ||
      (static_key == StaticKey::kRequired && keys->static_keys.empty())) {
    return MakeError(ErrorReason::kInternal, "The app has no usable signing key");
  }
  const std::lock_guard lock(entry.mutex);
  entry.keys = std::move(keys);
  entry.read_at_ms = clock_.NowMs();
  return read_at_ms;
}

void SigningKeys::NoteMade(const tenancy::Tenant& app, int64_t at_ms) {
  const std::lock_guard lock(made_mutex_);
  made_[KeyOf(app)] = {tenancy::MakeScope(app.connection_uri_domain, app.app_id, app.tenant_id),
                       at_ms};
}

absl::Status SigningKeys::ReadWhatOthersMade(tenancy::TenantDirectory& directory,
                                             absl::Time deadline) {
  std::vector<common::v1::Scope> due;
  {
    const std::lock_guard lock(made_mutex_);
    for (auto it = made_.begin(); it != made_.end();) {
      const bool is_due = Elapsed(it->second.at_ms, clock_.NowMs(), kOthersHaveMadeMs);
      if (is_due) due.push_back(std::move(it->second.app));
      it = is_due ? made_.erase(it) : std::next(it);
    }
  }
  absl::Status result;
  for (const common::v1::Scope& scope : due) {
    const auto app = directory.FindApp(scope);
    if (!app.ok()) continue;  // removed meanwhile
    const auto entry = EntryOf(**app);
    const absl::Time until = std::min(deadline, SteadyNow() + kReadTime);
    const auto lock = LockBy(entry->reload_mutex, until);
    // A rotation that is due waits for a caller: a key made here would have to be read again, and
    // with a very short interval that would go on for ever.
    const absl::Status read =
        lock.owns_lock()
            ? Reload(**app, *entry, StaticKey::kOptional, until, Due::kLeave).status()
            : TooSlow();
    if (!read.ok()) NoteMade(**app, clock_.NowMs());
    result.Update(read);
  }
  return result;
}

}  // namespace gatehouse::jwks

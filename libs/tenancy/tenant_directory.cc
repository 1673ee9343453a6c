#include "libs/tenancy/tenant_directory.h"

#include <algorithm>
#include <atomic>
#include <future>
#include <unordered_map>
#include <utility>

#include "libs/base/may_block.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/tenancy/base_config_codec.h"
#include "libs/tenancy/directory_state.h"
#include "libs/tenancy/tenant_lookups.h"
#include "libs/tenancy/tenant_resolver.h"

namespace gatehouse::tenancy {
namespace {

constexpr std::string_view kPublic = "public";

std::string KeyOf(const common::v1::Scope& scope) {
  return TenantKey(scope.connection_uri_domain(), scope.app_id(), scope.tenant_id());
}
std::string AppKeyOf(const common::v1::Scope& scope) {
  return TenantKey(scope.connection_uri_domain(), scope.app_id(), kPublic);
}

absl::Status IsLeftOut() {
  return MakeError(ErrorReason::kDependencyDown,
                   "The settings of this app or tenant can't be used; see the server's log");
}

// The tenant, its app's public tenant, and its domain's: everything its configuration depends on.
std::vector<common::v1::Scope> Lineage(const common::v1::Scope& scope) {
  const std::string& domain = scope.connection_uri_domain();
  std::vector<common::v1::Scope> names = {MakeScope(domain, scope.app_id(), scope.tenant_id())};
  if (scope.tenant_id() != kPublic) names.push_back(MakeScope(domain, scope.app_id(), kPublic));
  if (scope.app_id() != kPublic) names.push_back(MakeScope(domain, kPublic, kPublic));
  return names;
}

absl::StatusOr<std::unique_ptr<DirectoryState>> NewState(std::string_view base_config_json,
                                                         bool test_mode) {
  auto state = std::make_unique<DirectoryState>();
  ASSIGN_OR_RETURN(state->base, DecodeBaseConfig(base_config_json, test_mode));
  ASSIGN_OR_RETURN(state->root, config::CoreConfig::Resolve(state->base));
  return state;
}

uint64_t NewDirectoryId() {
  static std::atomic<uint64_t> last{0};
  return ++last;
}

// What a thread was told last. A request asks for its tenant several times, mostly on one thread:
// the other times cost neither a lock nor a hash.
struct Memo {
  uint64_t directory = 0;
  uint64_t version = 0;
  // Counts its owners in memory of this thread: all threads would meet in the tenant's own count.
  TenantPtr tenant;

  const TenantPtr& Keep(uint64_t of_directory, uint64_t at_version, TenantPtr found) {
    const Tenant* const there = found.get();
    tenant = TenantPtr(std::make_shared<const TenantPtr>(std::move(found)), there);
    directory = of_directory;
    version = at_version;
    return tenant;
  }
  bool Holds(uint64_t of_directory, uint64_t at_version, std::string_view domain,
             std::string_view app_id, std::string_view tenant_id) const {
    return directory == of_directory && version == at_version && tenant->tenant_id == tenant_id &&
           tenant->app_id == app_id && tenant->connection_uri_domain == domain;
  }
};
// One for public tenants, since each request to another asks for its app's too.
Memo& MemoFor(std::string_view tenant_id) {
  thread_local Memo of_public, of_others;
  return tenant_id == kPublic ? of_public : of_others;
}

// Whether tenants that inherit from this one have to be resolved again.
bool Concerns(const gatehouse::tenants::v1::Tenant* before,
              const gatehouse::tenants::v1::Tenant& after) {
  return before == nullptr || before->core_config_json() != after.core_config_json() ||
         before->incarnation() != after.incarnation();
}

}  // namespace

TenantDirectory::TenantDirectory(bool test_mode)
    : test_mode_(test_mode), id_(NewDirectoryId()) {}

TenantDirectory::~TenantDirectory() = default;

std::vector<std::string> TenantDirectory::Apply(bool full, std::string_view base_config_json,
                                                const std::vector<Record>& upserted,
                                                const std::vector<common::v1::Scope>& removed) {
  std::lock_guard<std::mutex> writer(apply_mutex_);
  // Only a holder of apply_mutex_ changes state_, so it may be read here without mutex_.
  if (!full && state_ == nullptr) return {"a change came before the first full message"};

  std::unique_ptr<DirectoryState> fresh;
  if (full) {
    auto made = NewState(base_config_json, test_mode_);
    if (!made.ok()) {
      return {StrCat("base configuration: ", std::string(made.status().message()))};
    }
    fresh = *std::move(made);
  }
  const DirectoryState& state = full ? *fresh : *state_;

  std::unordered_map<std::string, const Record*> records;  // null: removed
  std::set<std::string> affected;
  for (const Record& record : upserted) {
    const std::string key = KeyOf(record.scope());
    if (Concerns(state.RecordOf(key), record)) state.AddHeirs(record.scope(), affected);
    affected.insert(key);
    records.insert_or_assign(key, &record);
  }
  for (const common::v1::Scope& scope : removed) {
    state.AddHeirs(scope, affected);
    records.insert_or_assign(KeyOf(scope), nullptr);
  }

  const auto record_of = [&](const std::string& key) -> const Record* {
    auto found = records.find(key);
    return found != records.end() ? found->second : state.RecordOf(key);
  };
  TenantResolver resolver(state.base, state.root, record_of, [&](const std::string& key) {
    return affected.contains(key) ? nullptr : state.Get(key);
  });
  std::vector<TenantPtr> changed;
  std::vector<std::pair<Record, std::string>> left_out;
  std::vector<std::string> problems;
  size_t heirs = 0;
  for (const std::string& key : affected) {
    const Record* record = record_of(key);
    if (record == nullptr) continue;
    if (TenantPtr tenant = resolver.Resolve(*record)) {
      changed.push_back(std::move(tenant));
      continue;
    }
    const TenantResolver::Reason& reason = resolver.WhyNot(key);
    left_out.emplace_back(*record, reason.text);
    if (reason.inherited) {
      ++heirs;
    } else {
      problems.push_back(reason.text);
    }
  }
  if (heirs > 0) {
    problems.push_back(StrCat(std::to_string(heirs), " tenants that inherit from such tenants"));
  }

  {
    std::unique_lock<std::shared_mutex> lock(mutex_);
    if (full) state_ = std::move(fresh);
    for (const common::v1::Scope& scope : removed) state_->Remove(scope);
    for (TenantPtr& tenant : changed) state_->Put(std::move(tenant));
    for (auto& [record, why] : left_out) state_->PutLeftOut(record, std::move(why));
    state_->Finish();
    has_domains_ = state_->HasDomains();
    version_.fetch_add(1, std::memory_order_release);
  }
  if (full || !removed.empty()) removals_.fetch_add(1, std::memory_order_relaxed);
  return problems;
}

void TenantDirectory::SetFallback(Fallback fallback) {
  lookups_ = std::make_unique<TenantLookups>(std::move(fallback));
}

void TenantDirectory::StopLookUps() {
  if (lookups_ != nullptr) lookups_->Stop();
}

absl::StatusOr<TenantPtr> TenantDirectory::Known(std::string_view domain, std::string_view app_id,
                                                 std::string_view tenant_id) const {
  Memo& memo = MemoFor(tenant_id);
  if (memo.Holds(id_, version(), domain, app_id, tenant_id)) return memo.tenant;
  const std::string key = TenantKey(domain, app_id, tenant_id);
  std::shared_lock<std::shared_mutex> lock(mutex_);
  if (state_ == nullptr) return nullptr;
  if (state_->GetLeftOut(key) != nullptr) return IsLeftOut();
  TenantPtr known = state_->Get(key);
  return known == nullptr ? nullptr : memo.Keep(id_, version(), std::move(known));
}

absl::StatusOr<TenantPtr> TenantDirectory::FindNamed(const common::v1::Scope& scope,
                                                     std::string_view tenant_id,
                                                     absl::Time deadline) const {
  const bool may_exist = WasSeen(scope, tenant_id);
  if (may_exist) {
    ASSIGN_OR_RETURN(TenantPtr known,
                     Known(scope.connection_uri_domain(), scope.app_id(), tenant_id));
    if (known != nullptr &&
        WasSeen(scope, tenant_id, known->app_incarnation, known->record.incarnation())) {
      return known;
    }
  }
  common::v1::Scope named = scope;
  named.set_tenant_id(std::string(tenant_id));
  // This process may be behind the one that did the checks, or the other way round.
  const bool asks = may_exist && lookups_ != nullptr && deadline != absl::InfinitePast();
  return asks ? AskFor(named, deadline) : TenantNotFound(named);
}

absl::StatusOr<TenantPtr> TenantDirectory::Find(const common::v1::Scope& scope,
                                                absl::Time deadline) const {
  return FindNamed(scope, scope.tenant_id(), deadline);
}

absl::StatusOr<TenantPtr> TenantDirectory::FindApp(const common::v1::Scope& scope,
                                                   absl::Time deadline) const {
  return FindNamed(scope, kPublic, deadline);
}

absl::StatusOr<std::optional<Sight>> TenantDirectory::Look(const common::v1::Scope& scope) const {
  const std::string& domain = scope.connection_uri_domain();
  const std::string& app_id = scope.app_id();
  const std::string& tenant_id = scope.tenant_id();
  const bool is_public = tenant_id == kPublic;
  Memo& app_memo = MemoFor(kPublic);
  Memo& memo = MemoFor(tenant_id);
  const uint64_t now = version();
  const bool knows_app = app_memo.Holds(id_, now, domain, app_id, kPublic);
  if (knows_app && (is_public || memo.Holds(id_, now, domain, app_id, tenant_id))) {
    return Sight{.app = app_memo.tenant, .tenant = memo.tenant, .version = now};
  }
  const std::string key = KeyOf(scope);
  if (knows_app) {  // another tenant of it
    std::shared_lock<std::shared_mutex> lock(mutex_);
    if (version() == now && state_->GetLeftOut(key) == nullptr) {
      if (TenantPtr found = state_->Get(key)) {
        return Sight{.app = app_memo.tenant,
                     .tenant = memo.Keep(id_, now, std::move(found)),
                     .version = now};
      }
    }
  }
  const std::string app_key = AppKeyOf(scope);
  Sight sight;
  {
    std::shared_lock<std::shared_mutex> lock(mutex_);
    if (state_ != nullptr) {
      if (state_->GetLeftOut(app_key) != nullptr || state_->GetLeftOut(key) != nullptr) {
        return IsLeftOut();
      }
      sight.app = state_->Get(app_key);
      if (!is_public) sight.tenant = state_->Get(key);
    }
    sight.version = version();
  }
  if (sight.app != nullptr) sight.app = app_memo.Keep(id_, sight.version, std::move(sight.app));
  if (is_public) {
    sight.tenant = sight.app;
  } else if (sight.tenant != nullptr) {
    sight.tenant = memo.Keep(id_, sight.version, std::move(sight.tenant));
  }
  if (lookups_ != nullptr && (sight.app == nullptr || sight.tenant == nullptr)) return std::nullopt;
  return sight;
}

void TenantDirectory::LookUp(const common::v1::Scope& scope, absl::Time deadline,
                             std::function<void(absl::StatusOr<Sight>)> done) const {
  if (lookups_ == nullptr) return done(LookWith(scope, {}));
  lookups_->Ask(Lineage(scope), deadline,
                [this, scope, done = std::move(done)](absl::StatusOr<std::vector<Record>> records) {
                  if (!records.ok()) return done(records.status());
                  done(LookWith(scope, *records));
                });
}

absl::StatusOr<Sight> TenantDirectory::LookWith(const common::v1::Scope& scope,
                                                const std::vector<Record>& records) const {
  const std::string app_key = AppKeyOf(scope);
  const std::string key = KeyOf(scope);
  std::shared_lock<std::shared_mutex> lock(mutex_);
  if (state_ == nullptr) return Sight{};
  std::unordered_map<std::string, const Record*> newer;
  for (const Record& record : records) {
    std::string name = KeyOf(record.scope());
    const Record* known = state_->RecordOf(name);
    if (known == nullptr || known->incarnation() < record.incarnation()) {
      newer.emplace(std::move(name), &record);
    }
  }
  const auto record_of = [&](const std::string& name) -> const Record* {
    auto found = newer.find(name);
    return found != newer.end() ? found->second : state_->RecordOf(name);
  };
  TenantResolver resolver(state_->base, state_->root, record_of, [&](const std::string& name) {
    return newer.empty() ? state_->Get(name) : nullptr;
  });
  const auto resolve = [&](const std::string& name) -> absl::StatusOr<TenantPtr> {
    if (newer.empty()) {
      if (state_->GetLeftOut(name) != nullptr) return IsLeftOut();
      return state_->Get(name);
    }
    const Record* record = record_of(name);
    if (record == nullptr) return nullptr;
    if (TenantPtr tenant = resolver.Resolve(*record)) return tenant;
    return IsLeftOut();
  };
  Sight sight;
  ASSIGN_OR_RETURN(sight.app, resolve(app_key));
  if (sight.app == nullptr) return sight;
  ASSIGN_OR_RETURN(sight.tenant, resolve(key));
  return sight;
}

absl::StatusOr<TenantPtr> TenantDirectory::AskFor(const common::v1::Scope& scope,
                                                  absl::Time deadline) const {
  if (!MayBlock()) return WouldBlock();
  auto answer = std::make_shared<std::promise<absl::StatusOr<Sight>>>();
  auto future = answer->get_future();
  LookUp(scope, deadline,
         [answer](absl::StatusOr<Sight> sight) { answer->set_value(std::move(sight)); });
  ASSIGN_OR_RETURN(const Sight sight, future.get());
  if (sight.tenant == nullptr ||
      !WasSeen(scope, scope.tenant_id(), sight.tenant->app_incarnation,
               sight.tenant->record.incarnation())) {
    return TenantNotFound(scope);
  }
  return sight.tenant;
}

bool TenantDirectory::HasConnectionUriDomain(std::string_view domain) const {
  std::shared_lock<std::shared_mutex> lock(mutex_);
  return state_ != nullptr && state_->HasDomain(domain);
}

std::vector<TenantPtr> TenantDirectory::All() const {
  std::vector<TenantPtr> all;
  std::shared_lock<std::shared_mutex> lock(mutex_);
  if (state_ == nullptr) return all;
  all.reserve(state_->tenants().size());
  for (const auto& [key, tenant] : state_->tenants()) all.push_back(tenant);
  return all;
}

std::vector<TenantPtr> TenantDirectory::OnePerDatabase(const TenantPtr& app) const {
  std::shared_lock<std::shared_mutex> lock(mutex_);
  const auto list = state_ == nullptr ? nullptr : state_->OnePerDatabase(*app);
  return list == nullptr || list->empty() ? std::vector<TenantPtr>{app} : *list;
}

bool TenantDirectory::HasOneDatabase(const Tenant& tenant) const {
  std::shared_lock<std::shared_mutex> lock(mutex_);
  return state_ != nullptr && state_->HasOneDatabase(tenant);
}

size_t TenantDirectory::CountOfApp(const Tenant& app) const {
  std::shared_lock<std::shared_mutex> lock(mutex_);
  return state_ == nullptr ? 0 : state_->CountOfApp(app);
}

std::set<std::string> TenantDirectory::StorageIds() const {
  std::set<std::string> ids;
  std::shared_lock<std::shared_mutex> lock(mutex_);
  if (state_ == nullptr) return ids;
  for (const auto& [storage_id, count] : state_->storages()) ids.insert(storage_id);
  return ids;
}

size_t TenantDirectory::size() const {
  std::shared_lock<std::shared_mutex> lock(mutex_);
  return state_ == nullptr ? 0 : state_->tenants().size();
}

size_t TenantDirectory::left_out() const {
  std::shared_lock<std::shared_mutex> lock(mutex_);
  return state_ == nullptr ? 0 : state_->left_out().size();
}

bool TenantDirectory::ready() const {
  std::shared_lock<std::shared_mutex> lock(mutex_);
  return state_ != nullptr;
}

std::shared_ptr<const config::CoreConfig> TenantDirectory::base_config() const {
  std::shared_lock<std::shared_mutex> lock(mutex_);
  return state_ == nullptr ? nullptr : state_->root;
}

}  // namespace gatehouse::tenancy

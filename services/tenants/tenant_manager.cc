#include "services/tenants/tenant_manager.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <set>

#include "libs/base/json.h"
#include "libs/base/problem.h"
#include "libs/base/status.h"
#include "libs/base/steady_time.h"
#include "libs/config/tenant_config_rules.h"
#include "services/tenants/pg_tenant_change.h"
#include "services/tenants/provider_rules.h"
#include "services/tenants/tenant_rights.h"
#include "services/tenants/tenant_update.h"

namespace gatehouse::tenants {
namespace {

constexpr std::string_view kPublic = "public";

// How often a change starts over because the tenant changed meanwhile.
constexpr int kMaxAttempts = 5;

bool Same(const v1::Tenant& a, const v1::Tenant& b) {
  return a.SerializeAsString() == b.SerializeAsString();
}

// FORBIDDEN when the target has its own protected settings.
absl::Status CheckNoneProtected(PgTenantChange& change, const common::v1::Scope& target) {
  ASSIGN_OR_RETURN(const std::optional<v1::Tenant> stored, change.Get(target));
  if (!stored.has_value()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const json::Value core_config, json::Parse(stored->core_config_json()));
  return config::CheckProtectedKeys(&core_config, nullptr);
}

// kTenantNotFound unless the tenant that the request's key was checked against exists.
absl::Status CheckSource(PgTenantChange& change, const common::v1::Scope& source) {
  if (!source.has_admission()) return absl::OkStatus();
  const auto incarnation = [&](std::string_view tenant_id) -> absl::StatusOr<int64_t> {
    ASSIGN_OR_RETURN(
        const auto stored,
        change.Get(tenancy::MakeScope(source.connection_uri_domain(), source.app_id(), tenant_id)));
    if (!stored.has_value()) return tenancy::TenantNotFound(source);
    return stored->incarnation();
  };
  ASSIGN_OR_RETURN(const int64_t app, incarnation(kPublic));
  int64_t tenant = app;
  if (source.tenant_id() != kPublic) {
    ASSIGN_OR_RETURN(tenant, incarnation(source.tenant_id()));
  }
  return tenancy::WasSeen(source, source.tenant_id(), app, tenant) ? absl::OkStatus() : tenancy::TenantNotFound(source);
}

}  // namespace

// The change mutex; waits for it until the deadline.
class TenantManager::ChangeLock {
 public:
  static absl::StatusOr<std::unique_lock<TimedMutex>> Take(TimedMutex& mutex,
                                                                 absl::Time deadline) {
    const absl::Duration wait = std::min(deadline - SteadyNow(), absl::Minutes(5));
    std::unique_lock<TimedMutex> lock(mutex, absl::ToChronoNanoseconds(wait));
    if (!lock.owns_lock()) {
      return MakeError(ErrorReason::kDeadlineExceeded, "The request took too long");
    }
    return lock;
  }
};

absl::StatusOr<bool> TenantManager::Upsert(absl::Time deadline,
                                           const v1::UpsertTenantRequest& request) {
  const common::v1::Scope& target = request.target();
  const auto apply = [&](const std::optional<v1::Tenant>& stored) {
    return ApplyUpdate(stored.has_value() ? *stored : NewTenant(target, request.style()), request);
  };
  const auto check = [&](const v1::Tenant& next, const std::optional<v1::Tenant>& stored) {
    return catalogue_.CheckAndResolve(next, stored.has_value() ? &*stored : nullptr,
                                      request.prevent_protected());
  };

  for (int attempt = 1;; ++attempt) {
    // First with what the catalogue knows: the tenant's own database must be ready before the
    // transaction, which holds a connection.
    const std::optional<v1::Tenant> expected = catalogue_.Find(target);
    ASSIGN_OR_RETURN(const v1::Tenant planned, apply(expected));
    // Only the transaction shows for certain whether the target is new.
    RETURN_IF_ERROR(CheckMay(Action::kChange, request.scope(), target));
    RETURN_IF_ERROR(CheckNameLengths(target));
    ASSIGN_OR_RETURN(const tenancy::TenantPtr resolved, check(planned, expected));
    const int64_t now_ms = clock_.NowMs();
    RETURN_IF_ERROR(storages_.Prepare(deadline, *resolved, now_ms));

    ASSIGN_OR_RETURN(auto lock, ChangeLock::Take(change_mutex_, deadline));
    bool created = false;
    bool start_over = false;
    v1::Tenant next;
    std::vector<v1::ThirdPartyProvider> providers;
    absl::Status status = store_.Change(
        deadline, target, /*whole_domain=*/false, [&](PgTenantChange& change) -> absl::Status {
          start_over = false;
          RETURN_IF_ERROR(CheckSource(change, request.scope()));
          ASSIGN_OR_RETURN(const std::optional<v1::Tenant> stored, change.Get(target));
          created = !stored.has_value();
          if (created) RETURN_IF_ERROR(CheckMay(Action::kCreate, request.scope(), target));
          ASSIGN_OR_RETURN(next, apply(stored));
          if (stored.has_value() != expected.has_value() ||
              (stored.has_value() && !Same(*stored, *expected))) {
            ASSIGN_OR_RETURN(const tenancy::TenantPtr now, check(next, stored));
            start_over = now->storage_id != resolved->storage_id;
            if (start_over) return absl::AbortedError("the tenant's database changed meanwhile");
          }
          if (created) {
            next.set_created_at_ms(now_ms);
          } else {
            ASSIGN_OR_RETURN(providers, change.Providers(target));
            RETURN_IF_ERROR(CheckProviders(providers));
          }
          if (resolved->storage_id.empty()) RETURN_IF_ERROR(change.AddRows(target, now_ms));
          if (!created) return change.Update(next);
          RETURN_IF_ERROR(change.Insert(next));
          ASSIGN_OR_RETURN(const std::optional<v1::Tenant> inserted, change.Get(target));
          if (inserted.has_value()) next.set_incarnation(inserted->incarnation());
          return absl::OkStatus();
        });
    if (status.ok()) {
      Publish(std::move(next), std::move(providers));
      return created;
    }
    // A core alongside us, which doesn't take our locks, may have just created the same tenant.
    start_over = start_over || absl::IsAlreadyExists(status);
    if (!start_over || attempt == kMaxAttempts) return status;
    lock.unlock();
    RETURN_IF_ERROR(Reload(deadline, target));
  }
}

absl::StatusOr<bool> TenantManager::RemoveTenant(absl::Time deadline,
                                                 const common::v1::Scope& source,
                                                 const common::v1::Scope& target,
                                                 bool prevent_protected) {
  const auto check = [&](PgTenantChange& change) -> absl::Status {
    RETURN_IF_ERROR(CheckSource(change, source));
    return prevent_protected ? CheckNoneProtected(change, target) : absl::OkStatus();
  };
  ASSIGN_OR_RETURN(auto lock, ChangeLock::Take(change_mutex_, deadline));
  tenancy::TenantPtr resolved;
  if (const auto stored = catalogue_.Find(target)) {
    if (auto found = catalogue_.CheckAndResolve(*stored, &*stored, false); found.ok()) {
      resolved = *found;
      // No transaction restores what is deleted from a tenant's own database.
      if (!resolved->storage_id.empty()) {
        RETURN_IF_ERROR(store_.Change(deadline, target, false, check));
      }
      RETURN_IF_ERROR(storages_.Remove(deadline, *resolved));
    }
  }
  bool existed = false;
  RETURN_IF_ERROR(
      store_.Change(deadline, target, false, [&](PgTenantChange& change) -> absl::Status {
        RETURN_IF_ERROR(check(change));
        if (resolved == nullptr || resolved->storage_id.empty()) {
          RETURN_IF_ERROR(change.RemoveRows(target));
        }
        ASSIGN_OR_RETURN(existed, change.RemoveTenant(target));
        return absl::OkStatus();
      }));
  catalogue_.Apply({}, {target});
  return existed;
}

absl::StatusOr<bool> TenantManager::RemoveApp(absl::Time deadline, const common::v1::Scope& source,
                                              const common::v1::Scope& target,
                                              bool prevent_protected) {
  const auto check = [&](PgTenantChange& change) -> absl::Status {
    RETURN_IF_ERROR(CheckSource(change, source));
    if (prevent_protected) RETURN_IF_ERROR(CheckNoneProtected(change, target));
    ASSIGN_OR_RETURN(const auto tenant_ids, change.TenantIds(target));
    if (tenant_ids.size() > 1) {
      return Forbidden(
          Problem::kStillInUse,
          "Please delete all tenants except the public tenant for this app before calling the "
          "delete API",
          {{"field", "tenants"}});
    }
    return absl::OkStatus();
  };
  ASSIGN_OR_RETURN(auto lock, ChangeLock::Take(change_mutex_, deadline));
  tenancy::TenantPtr resolved;
  if (const auto stored = catalogue_.Find(target)) {
    if (auto found = catalogue_.CheckAndResolve(*stored, &*stored, false); found.ok()) {
      resolved = *found;
    }
  }
  const bool own_storage = resolved != nullptr && !resolved->storage_id.empty();
  if (own_storage) {
    RETURN_IF_ERROR(store_.Change(deadline, target, false, check));
    RETURN_IF_ERROR(storages_.Remove(deadline, *resolved));
  }
  bool existed = false;
  RETURN_IF_ERROR(
      store_.Change(deadline, target, false, [&](PgTenantChange& change) -> absl::Status {
        RETURN_IF_ERROR(check(change));
        if (!own_storage) RETURN_IF_ERROR(change.RemoveRows(target));
        ASSIGN_OR_RETURN(existed, change.RemoveApp(target));
        return absl::OkStatus();
      }));
  catalogue_.Apply({}, {target});
  return existed;
}

absl::StatusOr<bool> TenantManager::RemoveDomain(absl::Time deadline,
                                                 const common::v1::Scope& source,
                                                 const std::string& domain,
                                                 bool prevent_protected) {
  const common::v1::Scope target = tenancy::MakeScope(domain, kPublic, kPublic);
  const auto check = [&](PgTenantChange& change) -> absl::Status {
    RETURN_IF_ERROR(CheckSource(change, source));
    if (prevent_protected) {
      ASSIGN_OR_RETURN(const auto tenant_ids, change.TenantIds(target));
      for (const std::string& id : tenant_ids) {
        RETURN_IF_ERROR(CheckNoneProtected(change, tenancy::MakeScope(domain, kPublic, id)));
      }
    }
    ASSIGN_OR_RETURN(const auto app_ids, change.AppIds(domain));
    if (std::set<std::string>(app_ids.begin(), app_ids.end()).size() > 1) {
      return Forbidden(
          Problem::kStillInUse,
          "Please delete all apps except the public appID for this connectionUriDomain before "
          "calling the delete API.",
          {{"field", "apps"}});
    }
    return absl::OkStatus();
  };
  {
    ASSIGN_OR_RETURN(auto lock, ChangeLock::Take(change_mutex_, deadline));
    RETURN_IF_ERROR(store_.Change(deadline, target, true, check));
    if (const auto stored = catalogue_.Find(target)) {
      if (auto found = catalogue_.CheckAndResolve(*stored, &*stored, false); found.ok()) {
        // A domain in the base database has no separate rows there: they would be the base app's.
        RETURN_IF_ERROR(storages_.Remove(deadline, **found));
      }
    }
    bool existed = false;
    RETURN_IF_ERROR(
        store_.Change(deadline, target, true, [&](PgTenantChange& change) -> absl::Status {
          RETURN_IF_ERROR(check(change));
          ASSIGN_OR_RETURN(existed, change.RemoveDomain(domain));
          return absl::OkStatus();
        }));
    if (!existed) return false;
  }
  RETURN_IF_ERROR(ReloadAll(deadline));
  return true;
}

absl::StatusOr<bool> TenantManager::PutProvider(absl::Time deadline, const common::v1::Scope& scope,
                                                const v1::ThirdPartyProvider& provider,
                                                bool skip_validation) {
  bool found = false;
  v1::Tenant tenant;
  std::vector<v1::ThirdPartyProvider> providers;
  if (skip_validation) RETURN_IF_ERROR(CheckStorable(provider));
  ASSIGN_OR_RETURN(auto lock, ChangeLock::Take(change_mutex_, deadline));
  RETURN_IF_ERROR(
      store_.Change(deadline, scope, false, [&](PgTenantChange& change) -> absl::Status {
        found = false;
        RETURN_IF_ERROR(CheckSource(change, scope));
        ASSIGN_OR_RETURN(const auto stored, change.Get(scope));
        if (!stored.has_value()) return tenancy::TenantNotFound(scope);
        tenant = *stored;
        ASSIGN_OR_RETURN(providers, change.Providers(scope));
        for (v1::ThirdPartyProvider& other : providers) {
          if (other.third_party_id() != provider.third_party_id()) continue;
          other = provider;
          found = true;
        }
        if (!found) providers.push_back(provider);
        if (!skip_validation) RETURN_IF_ERROR(CheckProviders(providers));
        return change.PutProvider(scope, provider);
      }));
  Publish(std::move(tenant), std::move(providers));
  return !found;
}

absl::StatusOr<bool> TenantManager::RemoveProvider(absl::Time deadline,
                                                   const common::v1::Scope& scope,
                                                   const std::string& third_party_id) {
  bool existed = false;
  v1::Tenant tenant;
  std::vector<v1::ThirdPartyProvider> providers;
  ASSIGN_OR_RETURN(auto lock, ChangeLock::Take(change_mutex_, deadline));
  RETURN_IF_ERROR(
      store_.Change(deadline, scope, false, [&](PgTenantChange& change) -> absl::Status {
        RETURN_IF_ERROR(CheckSource(change, scope));
        ASSIGN_OR_RETURN(const auto stored, change.Get(scope));
        if (!stored.has_value()) return tenancy::TenantNotFound(scope);
        tenant = *stored;
        ASSIGN_OR_RETURN(providers, change.Providers(scope));
        std::erase_if(providers, [&](const v1::ThirdPartyProvider& provider) {
          return provider.third_party_id() == third_party_id;
        });
        RETURN_IF_ERROR(CheckProviders(providers));
        ASSIGN_OR_RETURN(existed, change.RemoveProvider(scope, third_party_id));
        return absl::OkStatus();
      }));
  Publish(std::move(tenant), std::move(providers));
  return existed;
}

void TenantManager::Publish(v1::Tenant tenant, std::vector<v1::ThirdPartyProvider> providers) {
  std::vector<v1::TenantWithProviders> upserted(1);
  *upserted[0].mutable_tenant() = std::move(tenant);
  for (v1::ThirdPartyProvider& provider : providers) {
    *upserted[0].add_third_party_providers() = std::move(provider);
  }
  catalogue_.Apply(std::move(upserted), {});
}

absl::Status TenantManager::Reload(absl::Time deadline, const common::v1::Scope& scope) {
  {
    ASSIGN_OR_RETURN(auto lock, ChangeLock::Take(change_mutex_, deadline));
    ASSIGN_OR_RETURN(auto stored, store_.List(deadline, {scope.connection_uri_domain(),
                                                         scope.app_id(), scope.tenant_id()}));
    if (!stored.empty()) {
      catalogue_.Apply(std::move(stored), {});
      return absl::OkStatus();
    }
    if (scope.tenant_id() != kPublic || scope.app_id() != kPublic) {
      catalogue_.Apply({}, {scope});
      return absl::OkStatus();
    }
  }
  return ReloadAll(deadline);  // a whole domain was removed
}

absl::Status TenantManager::ReloadAll(absl::Time deadline) {
  const absl::Time asked_at = SteadyNow();
  ASSIGN_OR_RETURN(auto lock, ChangeLock::Take(change_mutex_, deadline));
  if (all_read_at_ > asked_at) return absl::OkStatus();
  const absl::Time begun_at = SteadyNow();
  ASSIGN_OR_RETURN(auto tenants, store_.List(deadline, {}));
  catalogue_.ReplaceAll(std::move(tenants));
  all_read_at_ = begun_at;
  return absl::OkStatus();
}

}  // namespace gatehouse::tenants

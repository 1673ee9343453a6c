#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "gateway/api/api_request.h"
#include "gateway/api/route_table.h"
#include "libs/http/message.h"
#include "libs/tenancy/tenant_directory.h"

namespace gatehouse::gateway {

// The checks before a handler, in the original's order (formats.md 10.1): connection-URI domain, IP
// rules, API key, version, tenant paths below 3.0. They only read the tenant directory: no call, no
// SQL. They need the request's head: the body may still be under way. Thread-safe.
//
// An app that does not exist has no keys, so its requests pass, and the service reports that there
// is no such app. The scope that is passed on records what was seen, and every service finds
// exactly that: never an app that was created, or created again, after these checks.
class Admission {
 public:
  // `directory` outlives this. `own` are the settings that this process was given. In a process of
  // its own they are not those that the tenants service hands out, which count; but API keys and IP
  // rules apply where that one has none, so that nobody who set them here serves everybody. May be
  // null.
  Admission(const tenancy::TenantDirectory& directory,
            std::shared_ptr<const config::CoreConfig> own);

  // This process was given other settings.
  void Reload(std::shared_ptr<const config::CoreConfig> own);

  // The parts of a request that are checked.
  struct Head {
    const http::Headers& headers;
    std::string_view client_address;  // "": the proxy does not tell
  };
  struct Refusal {
    int status;
    std::string text;
    bool html_page = false;  // a servlet container's own page instead of a text
  };
  struct Admitted {
    common::v1::Scope scope;  // stamped with what was seen
    tenancy::Sight sight;     // what it was checked against
    CdiVersion cdi;
    bool has_saas_secret = false;
    bool app_exists = false;
  };

  enum class Verdict {
    kAdmitted,  // `admitted` is filled
    kRefused,   // `refusal` is filled
    // The directory does not know the app or the tenant, which may be new: look `admitted.scope`
    // up, and check against the result.
    kUnknown,
  };
  // Checks against the directory, or against what was `looked_up` in it. Never blocks.
  // kDependencyDown when the settings of app or tenant are not valid here.
  absl::StatusOr<Verdict> Admit(const Head& head, const RouteTable::Match& match,
                                Admitted& admitted, Refusal& refusal,
                                const tenancy::Sight* looked_up = nullptr) const;
  // Whether app and tenant of an admitted scope are still what it was checked against: no settings
  // have changed since. Otherwise the request must be checked again.
  bool StillHolds(const common::v1::Scope& scope, const tenancy::Sight& sight) const;

 private:
  bool CheckDomain(const http::Headers& headers, std::string& domain, Refusal& refusal) const;
  bool CheckAddress(std::string_view client_address, const tenancy::Tenant* tenant,
                    Refusal& refusal) const;
  bool CheckKey(const http::Headers& headers, const tenancy::Tenant* app, const RouteOptions& route,
                Admitted& admitted, Refusal& refusal) const;
  // Refuses what every operation refuses; `is_served`: whether it is a version of ours at all.
  bool ReadVersion(const http::Headers& headers, const tenancy::Tenant* app, Admitted& admitted,
                   bool& is_served, Refusal& refusal) const;

  // The process's own settings if they have keys or rules, else null.
  std::shared_ptr<const config::CoreConfig> OwnGuard() const;

  const tenancy::TenantDirectory& directory_;
  std::atomic<bool> has_guard_ = false;  // spares requests the lock where there is none
  mutable std::mutex mutex_;
  std::shared_ptr<const config::CoreConfig> guard_;
};

}  // namespace gatehouse::gateway

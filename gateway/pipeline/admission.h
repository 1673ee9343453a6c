#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gateway/api/api_request.h"
#include "gateway/api/route_table.h"
#include "libs/http/message.h"
#include "libs/tenancy/tenant_directory.h"

namespace gatehouse::gateway {

// The checks before a handler, in the original's order (formats.md 10.1): connection-URI domain, IP
// rules, API key, version, tenant paths below 3.0. They read the tenant directory only: no call, no
// SQL, but for a tenant that it does not know. Thread-safe.
class Admission {
 public:
  // `directory` outlives this.
  explicit Admission(const tenancy::TenantDirectory& directory) : directory_(directory) {}

  struct Refusal {
    int status;
    std::string text;
    bool html_page = false;  // a servlet container's own page instead of a text
  };
  struct Admitted {
    common::v1::Scope scope;
    CdiVersion cdi;
    bool has_saas_secret = false;
    bool app_exists = false;
  };

  enum class Verdict {
    kAdmitted,  // `admitted` is filled
    kRefused,   // `refusal` is filled
    kUnknown,   // the directory does not know the app or the tenant: to be asked with a deadline
  };
  // With a deadline, the tenants service is asked for what the directory does not know: it may be
  // new, with keys and address rules of its own, and a service that knows it must not get a request
  // past them. May then block, is never kUnknown, and fails as TenantDirectory::Find does but for
  // kTenantNotFound.
  absl::StatusOr<Verdict> Admit(const http::Request& request, const RouteTable::Match& match,
                                Admitted& admitted, Refusal& refusal,
                                absl::Time deadline = absl::InfinitePast()) const;

 private:
  bool CheckDomain(const http::Request& request, std::string& domain, Refusal& refusal) const;
  bool CheckAddress(const http::Request& request, const tenancy::Tenant* tenant,
                    Refusal& refusal) const;
  bool CheckKey(const http::Request& request, const tenancy::Tenant* app, bool needed,
                Admitted& admitted, Refusal& refusal) const;
  // What is refused of every operation; `is_served` says whether it is a version of ours at all.
  bool ReadVersion(const http::Request& request, const tenancy::Tenant* app, Admitted& admitted,
                   bool& is_served, Refusal& refusal) const;

  const tenancy::TenantDirectory& directory_;
};

// The versions that an app serves: all supported ones within its configured bounds, ascending.
std::vector<CdiVersion> ServedVersions(const config::CoreConfig& config);

}  // namespace gatehouse::gateway

#pragma once

// What a change of a tenant's coreConfig must satisfy.

#include <memory>
#include <span>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/config/core_config.h"

namespace gatehouse::config {

// The names of one tenant; the base tenant is ("", "public", "public").
struct TenantName {
  std::string connection_uri_domain;
  std::string app_id = "public";
  std::string tenant_id = "public";

  bool operator==(const TenantName&) const = default;
};

// The configuration part of a row of tenant_configs. `core_config` is an object, or nullptr for
// an empty one; it must outlive the call that it is passed to.
struct TenantRow {
  TenantName name;
  const json::Value* core_config = nullptr;
};

// Merges `update` into `stored`: keys overwrite; a null removes the key if it is set, and is kept
// if it is not (as in the original; it then hides inherited values). Both are objects.
json::Value MergeCoreConfig(const json::Value& stored, const json::Value& update);

struct TenantUpdate {
  TenantName target;
  // The object to be stored (after MergeCoreConfig), and the one stored now (nullptr: the tenant is
  // new).
  const json::Value* core_config = nullptr;
  const json::Value* stored = nullptr;
  // A SaaS secret is configured and the caller did not present it.
  bool prevent_protected = false;
};

// Checks an update against `rows`, all existing tenants (the target's own row, if among them, is
// ignored). In the original's order: base tenant; unknown keys; protected keys (Forbidden); types
// and limits of the database keys; one database per connection URI domain; types and limits of the
// rest; one value per app; keys for the base only. Everything but the first and the protected keys
// is BadInput beginning with `Invalid core config: `. Returns the target's resolved configuration.
// Takes time linear in `rows`.
absl::StatusOr<std::shared_ptr<const CoreConfig>> CheckTenantUpdate(
    const BaseConfig& base, const TenantUpdate& update, std::span<const TenantRow> rows);

// Forbidden when a protected key is in only one of the two, or differs. A nullptr has no keys.
absl::Status CheckProtectedKeys(const json::Value* stored, const json::Value* next);

// `core_config` without the keys that only the holder of the SaaS secret may see.
json::Value WithoutProtectedKeys(const json::Value& core_config);

}  // namespace gatehouse::config

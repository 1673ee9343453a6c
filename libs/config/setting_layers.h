#pragma once

#include <array>
#include <span>

#include "libs/config/core_config.h"

namespace gatehouse::config {

// The value that each key resolves to, before any limit is checked. `scope_is_database` picks the
// keys that are read: those of the database, or all others.
absl::Status ResolveValues(const BaseConfig& base, std::span<const json::Value* const> layers,
                           bool scope_is_database, std::array<SettingValue, kSettingCount>& values);

// Makes DbSettings from resolved values, adding problems to `issues`.
DbSettings ReadDbSettings(const std::array<SettingValue, kSettingCount>& values,
                          std::vector<SettingIssue>& issues);

// Adds an issue when a layer leads to another server (another host, port or encryption) than the
// layers under it without naming the user and password to use there: credentials only go to the
// server that they were configured for.
void CheckCredentialsBelong(const BaseConfig& base, std::span<const json::Value* const> layers,
                            std::vector<SettingIssue>& issues);

}  // namespace gatehouse::config

#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "libs/config/core_config.h"

namespace gatehouse::tenancy {

// The base configuration as sent from the tenants service to every process: a JSON object of the
// keys that are set. It contains secrets, so it is only sent to our own processes.
std::string EncodeBaseConfig(const config::BaseConfig& base);
// Unknown keys are ignored, so that processes of neighbouring versions understand each other.
absl::StatusOr<config::BaseConfig> DecodeBaseConfig(std::string_view json, bool test_mode);

}  // namespace gatehouse::tenancy

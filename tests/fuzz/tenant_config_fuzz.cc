// The coreConfig of a tenant, which clients send as JSON.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "libs/base/json.h"
#include "libs/config/core_config.h"
#include "tests/fuzz/check.h"

namespace config = gatehouse::config;
namespace json = gatehouse::json;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto value = json::Parse({reinterpret_cast<const char*>(data), size},
                                 {.max_depth = 16, .max_values = 1000});
  if (!value.ok() || !value->is_object()) return 0;
  const json::Value* const layers[] = {&*value};
  const config::BaseConfig base;
  const auto database = config::CoreConfig::ResolveDatabase(base, layers);
  const auto resolved = config::CoreConfig::Resolve(base, layers);
  if (!resolved.ok()) {
    FUZZ_CHECK(!resolved.status().message().empty());
    return 0;
  }
  FUZZ_CHECK(database.ok());
  FUZZ_CHECK((*resolved)->access_token_validity_s() > 0);
  FUZZ_CHECK((*resolved)->refresh_token_validity_ms() > 0);
  (void)(*resolved)->db().UserPoolId();
  return 0;
}

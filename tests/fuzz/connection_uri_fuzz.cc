// Connection URIs and their attributes.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "libs/config/connection_uri.h"
#include "tests/fuzz/check.h"

namespace config = gatehouse::config;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)config::FindAttribute(text, "sslmode");
  const auto uri = config::ParseConnectionUri(text);
  if (!uri) return 0;
  if (uri->port) FUZZ_CHECK(*uri->port >= -1 && *uri->port <= 65535);
  if (uri->attributes) {
    const auto mode = config::FindAttribute(*uri->attributes, "sslmode");
    if (mode) FUZZ_CHECK(uri->attributes->find("sslmode") != std::string::npos);
  }
  return 0;
}

// Documents that clients send: what was read is written as JSON that means the same, and settles.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "libs/base/json.h"
#include "tests/fuzz/check.h"

namespace json = gatehouse::json;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto value = json::Parse(text, {.max_depth = 64, .max_values = 10'000});
  if (!value.ok()) return 0;
  FUZZ_CHECK(json::IsValidUtf8(text));
  const std::string plain = json::Serialize(*value);
  FUZZ_CHECK(json::IsValidUtf8(plain));
  const auto again = json::Parse(plain);
  FUZZ_CHECK(again.ok());
  FUZZ_CHECK(json::Serialize(*again) == plain);
  // Nulls are left out of this one, so only the text settles.
  const std::string safe = json::Serialize(*value, json::Style::kGsonHtmlSafe);
  const auto safely = json::Parse(safe);
  FUZZ_CHECK(safely.ok());
  FUZZ_CHECK(json::Serialize(*safely, json::Style::kGsonHtmlSafe) == safe);
  FUZZ_CHECK(safe.find_first_of("<>&='") == std::string::npos);
  return 0;
}

// Metadata of identity providers, as an application hands it in.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "libs/base/json.h"
#include "services/saml/check.h"
#include "services/saml/metadata.h"
#include "tests/fuzz/check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace saml = gatehouse::saml;
  const auto metadata =
      saml::ReadIdpMetadata(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!metadata.ok()) {
    FUZZ_CHECK(absl::IsInvalidArgument(metadata.status()));
    return 0;
  }
  FUZZ_CHECK(!metadata->entity_id.empty());
  FUZZ_CHECK(!metadata->redirect_location.empty() || !metadata->post_location.empty());
  FUZZ_CHECK(gatehouse::json::IsValidUtf8(metadata->entity_id));
  FUZZ_CHECK(gatehouse::json::IsValidUtf8(metadata->redirect_location));
  FUZZ_CHECK(gatehouse::json::IsValidUtf8(metadata->post_location));
  FUZZ_CHECK(!metadata->signing_certificates.empty());
  for (const std::string& certificate : metadata->signing_certificates) {
    FUZZ_CHECK(saml::CertificateDer(certificate).ok());
  }
  return 0;
}

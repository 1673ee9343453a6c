// What an authenticator sends: attestation objects, authenticator data, credentials and keys, down
// to the CBOR that they are written in.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "services/webauthn/authenticator_data.h"
#include "services/webauthn/cbor_reader.h"
#include "services/webauthn/cose_key.h"
#include "tests/fuzz/check.h"

namespace gatehouse::webauthn {
namespace {

// Whether `part` points into `whole`, so that nobody reads beyond what the client sent.
bool IsWithin(std::string_view part, std::string_view whole) {
  return part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size();
}

// An item ends where it is read to: with nothing after it the same is read, with less nothing is.
void CheckItem(std::string_view bytes) {
  CborReader reader(bytes);
  if (!reader.Skip().ok()) return;
  const size_t end = reader.offset();
  FUZZ_CHECK(end > 0 && end <= bytes.size());
  CborReader again(bytes.substr(0, end));
  FUZZ_CHECK(again.Skip().ok() && again.at_end());
  FUZZ_CHECK(again.Next() == CborReader::Type::kEnd);
  CborReader shorter(bytes.substr(0, end - 1));
  FUZZ_CHECK(!shorter.Skip().ok());
}

// A registration stores the credential as it came, and each sign-in reads it again.
void CheckCredential(const AttestedCredential& credential, std::string_view bytes) {
  FUZZ_CHECK(IsWithin(credential.bytes, bytes));
  FUZZ_CHECK(IsWithin(credential.id, credential.bytes));
  FUZZ_CHECK(!credential.id.empty() && credential.id.size() <= 1023);
  const auto stored = ReadAttestedCredential(std::string(credential.bytes));
  FUZZ_CHECK(stored.ok());
  FUZZ_CHECK(stored->bytes.size() == credential.bytes.size());
  FUZZ_CHECK(stored->id.size() == credential.id.size());
  FUZZ_CHECK(!credential.key.Verify(bytes, credential.bytes));
}

void CheckAuthenticatorData(std::string_view bytes) {
  const auto data = ReadAuthenticatorData(bytes);
  if (!data.ok()) return;
  FUZZ_CHECK(data->rp_id_hash.size() == 32 && IsWithin(data->rp_id_hash, bytes));
  if (data->attested.has_value()) CheckCredential(*data->attested, bytes);
}

}  // namespace
}  // namespace gatehouse::webauthn

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace webauthn = gatehouse::webauthn;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  webauthn::CheckItem(bytes);
  webauthn::CheckAuthenticatorData(bytes);
  if (const auto credential = webauthn::ReadAttestedCredential(bytes); credential.ok()) {
    webauthn::CheckCredential(*credential, bytes);
  }
  if (const auto inner = webauthn::ReadAttestationObject(bytes); inner.ok()) {
    FUZZ_CHECK(webauthn::IsWithin(*inner, bytes));
    webauthn::CheckAuthenticatorData(*inner);
  }
  webauthn::CborReader reader(bytes);
  if (const auto key = webauthn::CoseKey::Read(reader); key.ok()) {
    FUZZ_CHECK(reader.offset() <= size);
    FUZZ_CHECK(!key->Verify(bytes, bytes));
  }
  return 0;
}

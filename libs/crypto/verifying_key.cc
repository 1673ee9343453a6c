#include "libs/crypto/verifying_key.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include <string>
#include <utility>

#include "libs/base/status.h"
#include "libs/crypto/openssl_util.h"

namespace gatehouse::crypto {
namespace {

constexpr int kMinRsaBits = 2048;
constexpr int kMaxRsaBits = 8192;
constexpr size_t kMaxExponentBytes = 8;

using ParamsPtr = std::unique_ptr<OSSL_PARAM, OpensslDeleter<OSSL_PARAM_free>>;
using ParamBuilderPtr = std::unique_ptr<OSSL_PARAM_BLD, OpensslDeleter<OSSL_PARAM_BLD_free>>;

struct Curve {
  const char* name;
  size_t field_bytes;
};

Curve CurveOf(EcCurve curve) {
  switch (curve) {
    case EcCurve::kP384:
      return {"P-384", 48};
    case EcCurve::kP521:
      return {"P-521", 66};
    default:
      return {"P-256", 32};
  }
}

absl::Status BadKey(const char* why) {
  ERR_clear_error();
  return absl::InvalidArgumentError(why);
}

const EVP_MD* MdOf(HashFunction hash) {
  switch (hash) {
    case HashFunction::kSha1:
      return EVP_sha1();
    case HashFunction::kSha384:
      return EVP_sha384();
    case HashFunction::kSha512:
      return Sha512Md();
    default:
      return Sha256Md();
  }
}

// Null when the parameters make no key.
PkeyPtr MakeKey(const char* type, OSSL_PARAM* params) {
  const PkeyCtxPtr context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* raw = nullptr;
  if (context == nullptr || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &raw, EVP_PKEY_PUBLIC_KEY, params) != 1) {
    return nullptr;
  }
  return PkeyPtr(raw);
}

std::shared_ptr<EVP_PKEY> Share(PkeyPtr pkey) { return {pkey.release(), EVP_PKEY_free}; }

BignumPtr NumberOf(std::string_view bytes) {
  return BignumPtr(BN_bin2bn(Bytes(bytes.data()), static_cast<int>(bytes.size()), nullptr));
}

}  // namespace

absl::StatusOr<VerifyingKey> VerifyingKey::FromEcPoint(EcCurve curve, std::string_view x,
                                                       std::string_view y) {
  Curve on = CurveOf(curve);
  if (x.size() != on.field_bytes || y.size() != on.field_bytes) {
    return BadKey("a coordinate is not as wide as the field");
  }
  std::string point = "\x04";
  point.append(x).append(y);
  OSSL_PARAM params[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, const_cast<char*>(on.name), 0),
      OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()),
      OSSL_PARAM_construct_end()};
  PkeyPtr pkey = MakeKey("EC", params);
  if (pkey == nullptr) return BadKey("the point is not on the curve");
  const PkeyCtxPtr check(EVP_PKEY_CTX_new_from_pkey(nullptr, pkey.get(), nullptr));
  if (check == nullptr || EVP_PKEY_public_check(check.get()) != 1) {
    return BadKey("the point is not on the curve");
  }
  return VerifyingKey(Share(std::move(pkey)), false);
}

absl::StatusOr<VerifyingKey> VerifyingKey::FromRsa(std::string_view n, std::string_view e) {
  while (!n.empty() && n.front() == '\0') n.remove_prefix(1);
  while (!e.empty() && e.front() == '\0') e.remove_prefix(1);
  if (n.size() > kMaxRsaBits / 8 || e.size() > kMaxExponentBytes) {
    return BadKey("the numbers are too long");
  }
  const BignumPtr modulus = NumberOf(n), exponent = NumberOf(e);
  if (modulus == nullptr || exponent == nullptr || BN_num_bits(modulus.get()) < kMinRsaBits ||
      !BN_is_odd(modulus.get()) || !BN_is_odd(exponent.get()) || BN_is_one(exponent.get())) {
    return BadKey("the numbers make no key");
  }
  const ParamBuilderPtr builder(OSSL_PARAM_BLD_new());
  if (builder == nullptr ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get()) != 1) {
    return BadKey("the numbers make no key");
  }
  const ParamsPtr params(OSSL_PARAM_BLD_to_param(builder.get()));
  PkeyPtr pkey = params == nullptr ? nullptr : MakeKey("RSA", params.get());
  if (pkey == nullptr) return BadKey("the numbers make no key");
  return VerifyingKey(Share(std::move(pkey)), false);
}

absl::StatusOr<VerifyingKey> VerifyingKey::FromEd25519(std::string_view key) {
  PkeyPtr pkey(
      EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, Bytes(key.data()), key.size()));
  if (pkey == nullptr) return BadKey("no Ed25519 key");
  return VerifyingKey(Share(std::move(pkey)), true);
}

bool VerifyingKey::Verify(HashFunction hash, std::string_view data,
                          std::string_view signature) const {
  const MdCtxPtr context(EVP_MD_CTX_new());
  if (context == nullptr) return false;
  const EVP_MD* const md = has_own_hash_ ? nullptr : MdOf(hash);
  const bool ok = EVP_DigestVerifyInit(context.get(), nullptr, md, nullptr, pkey_.get()) == 1 &&
                  EVP_DigestVerify(context.get(), Bytes(signature.data()), signature.size(),
                                   Bytes(data.data()), data.size()) == 1;
  ERR_clear_error();
  return ok;
}

}  // namespace gatehouse::crypto

#include "services/webauthn/cose_key.h"

#include <cstdint>
#include <optional>
#include <set>
#include <utility>

#include "libs/base/status.h"

namespace gatehouse::webauthn {
namespace {

using crypto::EcCurve;
using crypto::HashFunction;
using crypto::VerifyingKey;
using Type = CborReader::Type;

// Labels: of all keys, then of curves (crv, x, y) and of RSA (n, e), which share numbers.
constexpr int64_t kKeyType = 1;
constexpr int64_t kAlgorithm = 3;
constexpr int64_t kFirst = -1;
constexpr int64_t kSecond = -2;
constexpr int64_t kThird = -3;

constexpr int64_t kOctetKeyPair = 1;
constexpr int64_t kEllipticCurve = 2;
constexpr int64_t kRsa = 3;

// A key has some five labels; more than these are not read.
constexpr size_t kMaxLabels = 32;

struct EcAlgorithm {
  int64_t id, curve_id;
  EcCurve curve;
  HashFunction hash;
};
constexpr EcAlgorithm kEcAlgorithms[] = {
    {-7, 1, EcCurve::kP256, HashFunction::kSha256},   // ES256
    {-35, 2, EcCurve::kP384, HashFunction::kSha384},  // ES384
    {-36, 3, EcCurve::kP521, HashFunction::kSha512},  // ES512
};

struct RsaAlgorithm {
  int64_t id;
  HashFunction hash;
};
constexpr RsaAlgorithm kRsaAlgorithms[] = {
    {-257, HashFunction::kSha256},  // RS256
    {-258, HashFunction::kSha384},  // RS384
    {-259, HashFunction::kSha512},  // RS512
    {-65535, HashFunction::kSha1},  // RS1, of TPMs
};

constexpr int64_t kEdDsa = -8;
constexpr int64_t kEd25519 = 6;

struct Parameters {
  std::optional<int64_t> key_type, algorithm, curve;
  std::optional<std::string_view> first, second, third;  // byte strings
};

absl::Status BadKey() {
  return absl::InvalidArgumentError("The public key is none that this server takes");
}

absl::Status ReadParameter(CborReader& reader, int64_t label, Parameters& parameters) {
  auto integer = [&](std::optional<int64_t>& value) -> absl::Status {
    ASSIGN_OR_RETURN(value, reader.ReadInteger());
    return absl::OkStatus();
  };
  auto bytes = [&](std::optional<std::string_view>& value) -> absl::Status {
    ASSIGN_OR_RETURN(value, reader.ReadBytes());
    return absl::OkStatus();
  };
  switch (label) {
    case kKeyType:
      return integer(parameters.key_type);
    case kAlgorithm:
      return integer(parameters.algorithm);
    case kFirst:
      return reader.Next() == Type::kBytes ? bytes(parameters.first) : integer(parameters.curve);
    case kSecond:
      return bytes(parameters.second);
    case kThird:
      return bytes(parameters.third);
    default:
      return reader.Skip();
  }
}

absl::StatusOr<Parameters> ReadParameters(CborReader& reader) {
  ASSIGN_OR_RETURN(const size_t size, reader.ReadMapSize());
  if (size > kMaxLabels) return BadKey();
  Parameters parameters;
  std::set<int64_t> seen;
  for (size_t i = 0; i < size; ++i) {
    if (reader.Next() == Type::kText) {
      RETURN_IF_ERROR(reader.Skip());
      RETURN_IF_ERROR(reader.Skip());
      continue;
    }
    ASSIGN_OR_RETURN(const int64_t label, reader.ReadInteger());
    if (!seen.insert(label).second) return BadKey();
    RETURN_IF_ERROR(ReadParameter(reader, label, parameters));
  }
  return parameters;
}

}  // namespace

absl::StatusOr<CoseKey> CoseKey::Read(CborReader& reader) {
  ASSIGN_OR_RETURN(const Parameters p, ReadParameters(reader));
  if (p.key_type == kEllipticCurve && p.second.has_value() && p.third.has_value()) {
    for (const EcAlgorithm& one : kEcAlgorithms) {
      if (p.algorithm != one.id || p.curve != one.curve_id) continue;
      ASSIGN_OR_RETURN(VerifyingKey key, VerifyingKey::FromEcPoint(one.curve, *p.second, *p.third));
      return CoseKey(std::move(key), one.hash);
    }
  }
  if (p.key_type == kRsa && p.first.has_value() && p.second.has_value()) {
    for (const RsaAlgorithm& one : kRsaAlgorithms) {
      if (p.algorithm != one.id) continue;
      ASSIGN_OR_RETURN(VerifyingKey key, VerifyingKey::FromRsa(*p.first, *p.second));
      return CoseKey(std::move(key), one.hash);
    }
  }
  if (p.key_type == kOctetKeyPair && p.algorithm == kEdDsa && p.curve == kEd25519 &&
      p.second.has_value()) {
    ASSIGN_OR_RETURN(VerifyingKey key, VerifyingKey::FromEd25519(*p.second));
    return CoseKey(std::move(key), HashFunction::kSha512);
  }
  return BadKey();
}

}  // namespace gatehouse::webauthn

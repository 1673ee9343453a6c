#include "libs/crypto/bytes.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <array>
#include <cstdint>

#include "libs/base/hex.h"
#include "libs/crypto/openssl_util.h"

namespace gatehouse::crypto {
namespace {

constexpr std::string_view kStandardAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kUrlAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr int8_t kInvalid = -1;

// Values of the characters of both alphabets.
constexpr std::array<int8_t, 256> MakeDecodeTable() {
  std::array<int8_t, 256> table{};
  table.fill(kInvalid);
  for (int i = 0; i < 64; ++i) {
    table[static_cast<uint8_t>(kStandardAlphabet[i])] = static_cast<int8_t>(i);
    table[static_cast<uint8_t>(kUrlAlphabet[i])] = static_cast<int8_t>(i);
  }
  return table;
}
constexpr std::array<int8_t, 256> kDecodeTable = MakeDecodeTable();

std::string EncodeBase64(std::string_view bytes, std::string_view alphabet, bool pad) {
  const size_t rest = bytes.size() % 3;
  std::string out((bytes.size() + 2) / 3 * 4, '=');
  char* to = out.data();
  const auto* from = reinterpret_cast<const uint8_t*>(bytes.data());
  for (size_t i = bytes.size() / 3; i > 0; --i, from += 3, to += 4) {
    const uint32_t group = from[0] << 16 | from[1] << 8 | from[2];
    to[0] = alphabet[group >> 18];
    to[1] = alphabet[group >> 12 & 63];
    to[2] = alphabet[group >> 6 & 63];
    to[3] = alphabet[group & 63];
  }
  if (rest == 0) return out;
  const uint32_t group = from[0] << 16 | (rest == 2 ? from[1] << 8 : 0);
  to[0] = alphabet[group >> 18];
  to[1] = alphabet[group >> 12 & 63];
  if (rest == 2) to[2] = alphabet[group >> 6 & 63];
  if (!pad) out.resize(out.size() - (3 - rest));
  return out;
}

}  // namespace

std::string RandomBytes(size_t count) {
  std::string bytes(count, '\0');
  CheckOpenssl(RAND_bytes(Bytes(bytes.data()), static_cast<int>(count)) == 1, "RAND_bytes");
  return bytes;
}

std::string RandomHex(size_t count) { return HexEncode(RandomBytes(count)); }

std::string NewUuid4() {
  std::string bytes = RandomBytes(16);
  bytes[6] = static_cast<char>((bytes[6] & 0x0f) | 0x40);  // version 4
  bytes[8] = static_cast<char>((bytes[8] & 0x3f) | 0x80);  // variant of RFC 4122
  std::string uuid = HexEncode(bytes);
  for (size_t dash : {8, 13, 18, 23}) uuid.insert(dash, 1, '-');
  return uuid;
}

std::string Base64Encode(std::string_view bytes) {
  return EncodeBase64(bytes, kStandardAlphabet, true);
}
std::string Base64UrlEncode(std::string_view bytes) {
  return EncodeBase64(bytes, kUrlAlphabet, false);
}
std::string Base64UrlEncodePadded(std::string_view bytes) {
  return EncodeBase64(bytes, kUrlAlphabet, true);
}

absl::StatusOr<std::string> Base64Decode(std::string_view text) {
  if (!text.empty() && text.back() == '=') {
    if (text.size() % 4 != 0) return absl::InvalidArgumentError("misplaced base64 padding");
    text.remove_suffix(text[text.size() - 2] == '=' ? 2 : 1);
  }
  if (text.size() % 4 == 1) return absl::InvalidArgumentError("impossible length of base64 text");
  const size_t rest = text.size() % 4;  // 0, 2 or 3
  std::string bytes(text.size() / 4 * 3 + (rest == 0 ? 0 : rest - 1), '\0');
  char* to = bytes.data();
  const auto* from = reinterpret_cast<const uint8_t*>(text.data());
  // Of the values of all characters: kInvalid has every bit set.
  int seen = 0;
  for (size_t i = text.size() / 4; i > 0; --i, from += 4, to += 3) {
    const int a = kDecodeTable[from[0]];
    const int b = kDecodeTable[from[1]];
    const int c = kDecodeTable[from[2]];
    const int d = kDecodeTable[from[3]];
    seen |= a | b | c | d;
    to[0] = static_cast<char>(a << 2 | b >> 4);
    to[1] = static_cast<char>(b << 4 | c >> 2);
    to[2] = static_cast<char>(c << 6 | d);
  }
  if (rest != 0) {
    const int a = kDecodeTable[from[0]];
    const int b = kDecodeTable[from[1]];
    const int c = rest == 3 ? kDecodeTable[from[2]] : 0;
    seen |= a | b | c;
    to[0] = static_cast<char>(a << 2 | b >> 4);
    if (rest == 3) to[1] = static_cast<char>(b << 4 | c >> 2);
  }
  if (seen < 0) return absl::InvalidArgumentError("not a base64 character");
  return bytes;
}

bool ConstantTimeEqual(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

void SecureWipe(std::string& secret) {
  OPENSSL_cleanse(secret.data(), secret.size());
  secret.clear();
}

}  // namespace gatehouse::crypto

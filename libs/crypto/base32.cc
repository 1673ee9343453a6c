#include "libs/crypto/base32.h"

#include <cstdint>

namespace gatehouse::crypto {
namespace {

constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
constexpr int kBitsPerCharacter = 5;
constexpr int kCharactersPerGroup = 8;  // five bytes

// -1: not of the alphabet.
int ValueOf(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a';
  if (c >= '2' && c <= '7') return c - '2' + 26;
  return -1;
}

}  // namespace

std::string Base32Encode(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() * 8 + 4) / kBitsPerCharacter);
  uint32_t bits = 0;
  int count = 0;
  for (const char byte : bytes) {
    bits = (bits << 8) | static_cast<unsigned char>(byte);
    count += 8;
    while (count >= kBitsPerCharacter) {
      count -= kBitsPerCharacter;
      text += kAlphabet[(bits >> count) & 31];
    }
  }
  if (count > 0) text += kAlphabet[(bits << (kBitsPerCharacter - count)) & 31];
  return text;
}

std::string Base32Decode(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size() * kBitsPerCharacter / 8 + 1);
  uint64_t bits = 0;  // the last twelve characters: a lone one is read with those before it
  int characters = 0;
  for (const char c : text) {
    if (c == '=') break;
    const int value = ValueOf(c);
    if (value < 0) continue;
    bits = (bits << kBitsPerCharacter) | static_cast<uint64_t>(value);
    if (++characters < kCharactersPerGroup) continue;
    for (int shift = 32; shift >= 0; shift -= 8) bytes += static_cast<char>(bits >> shift);
    characters = 0;
  }
  if (characters == 0) return bytes;
  // Of one character, which is less than a byte, the original makes one.
  if (characters == 1) return bytes += static_cast<char>(bits >> 2);
  const int spare = characters * kBitsPerCharacter % 8;
  for (int shift = characters * kBitsPerCharacter - 8; shift >= spare; shift -= 8) {
    bytes += static_cast<char>(bits >> shift);
  }
  return bytes;
}

}  // namespace gatehouse::crypto

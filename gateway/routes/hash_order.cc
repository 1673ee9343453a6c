#include "gateway/routes/hash_order.h"

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <string_view>
#include <utility>

namespace gatehouse::gateway {
namespace {

constexpr size_t kFirstBuckets = 16;

// The hash over the UTF-16 units of valid UTF-8. For other bytes it is arbitrary.
uint32_t HashOfText(std::string_view text) {
  uint32_t hash = 0;
  const auto add = [&hash](uint32_t unit) { hash = 31 * hash + unit; };
  for (size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const size_t length = lead < 0xC0 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    uint32_t code = length == 1 ? lead : lead & (0xFFu >> (length + 1));
    for (size_t k = 1; k < length && i + k < text.size(); ++k) {
      code = (code << 6) | (static_cast<unsigned char>(text[i + k]) & 0x3F);
    }
    if (code > 0xFFFF) {
      add(0xD800 + ((code - 0x10000) >> 10));
      add(0xDC00 + ((code - 0x10000) & 0x3FF));
    } else {
      add(code);
    }
    i += length;
  }
  return hash;
}

}  // namespace

std::vector<size_t> HashOrder(const std::vector<std::string>& members) {
  if (members.size() < 2) return std::vector<size_t>(members.size());
  size_t buckets = kFirstBuckets;
  while (members.size() > buckets / 4 * 3) buckets *= 2;
  std::vector<uint32_t> bucket_of(members.size());
  for (size_t i = 0; i < members.size(); ++i) {
    const uint32_t hash = HashOfText(members[i]);
    bucket_of[i] = (hash ^ (hash >> 16)) & static_cast<uint32_t>(buckets - 1);
  }
  std::vector<size_t> order(members.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return bucket_of[a] < bucket_of[b]; });
  return order;
}

std::vector<std::string> InHashOrder(std::vector<std::string> members) {
  if (members.size() < 2) return members;
  std::vector<std::string> sorted;
  sorted.reserve(members.size());
  for (const size_t i : HashOrder(members)) sorted.push_back(std::move(members[i]));
  return sorted;
}

}  // namespace gatehouse::gateway

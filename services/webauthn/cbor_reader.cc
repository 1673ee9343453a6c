#include "services/webauthn/cbor_reader.h"

#include <limits>

#include "libs/base/json.h"
#include "libs/base/status.h"

namespace gatehouse::webauthn {
namespace {

constexpr uint8_t kUnsignedMajor = 0;
constexpr uint8_t kNegativeMajor = 1;
constexpr uint8_t kBytesMajor = 2;
constexpr uint8_t kTextMajor = 3;
constexpr uint8_t kArrayMajor = 4;
constexpr uint8_t kMapMajor = 5;
constexpr uint8_t kSimpleMajor = 7;

// Additional information: up to 23 the argument itself, 24 to 27 one that follows in 1 to 8 bytes,
// 31 an indefinite length.
constexpr uint8_t kLastDirect = 23;
constexpr uint8_t kLastArgument = 27;
// Of major type 7: false, true, null, undefined; floating-point numbers.
constexpr uint8_t kFirstSimple = 20;
constexpr uint8_t kFirstFloat = 25;

absl::Status Malformed() { return absl::InvalidArgumentError("The CBOR is not well formed"); }

}  // namespace

CborReader::Type CborReader::Next() const {
  if (at_end()) return Type::kEnd;
  switch (static_cast<uint8_t>(document_[offset_]) >> 5) {
    case kUnsignedMajor:
      return Type::kUnsigned;
    case kNegativeMajor:
      return Type::kNegative;
    case kBytesMajor:
      return Type::kBytes;
    case kTextMajor:
      return Type::kText;
    case kArrayMajor:
      return Type::kArray;
    case kMapMajor:
      return Type::kMap;
    default:
      return Type::kOther;
  }
}

absl::StatusOr<CborReader::Head> CborReader::ReadHead() {
  if (at_end()) return Malformed();
  const uint8_t first = static_cast<uint8_t>(document_[offset_++]);
  Head head;
  head.major = first >> 5;
  head.info = first & 31;
  if (head.info > kLastArgument) return Malformed();
  if (head.info <= kLastDirect) {
    head.argument = head.info;
    return head;
  }
  const size_t width = size_t{1} << (head.info - kLastDirect - 1);
  if (left() < width) return Malformed();
  for (size_t i = 0; i < width; ++i) {
    head.argument = head.argument << 8 | static_cast<uint8_t>(document_[offset_++]);
  }
  return head;
}

absl::StatusOr<int64_t> CborReader::ReadInteger() {
  ASSIGN_OR_RETURN(const Head head, ReadHead());
  if (head.argument > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
    return Malformed();
  }
  const int64_t argument = static_cast<int64_t>(head.argument);
  if (head.major == kUnsignedMajor) return argument;
  if (head.major == kNegativeMajor) return -1 - argument;
  return Malformed();
}

absl::StatusOr<std::string_view> CborReader::ReadString(uint8_t major) {
  ASSIGN_OR_RETURN(const Head head, ReadHead());
  if (head.major != major || head.argument > left()) return Malformed();
  const std::string_view text = document_.substr(offset_, head.argument);
  offset_ += text.size();
  return text;
}

absl::StatusOr<std::string_view> CborReader::ReadBytes() { return ReadString(kBytesMajor); }

absl::StatusOr<std::string_view> CborReader::ReadText() {
  ASSIGN_OR_RETURN(const std::string_view text, ReadString(kTextMajor));
  if (!json::IsValidUtf8(text)) return Malformed();
  return text;
}

absl::StatusOr<size_t> CborReader::ReadMapSize() {
  ASSIGN_OR_RETURN(const Head head, ReadHead());
  // Each pair takes two bytes at least.
  if (head.major != kMapMajor || head.argument > left() / 2) return Malformed();
  return static_cast<size_t>(head.argument);
}

absl::Status CborReader::SkipAt(int depth) {
  const Type next = Next();
  if (next == Type::kBytes) return ReadBytes().status();
  if (next == Type::kText) return ReadText().status();
  ASSIGN_OR_RETURN(const Head head, ReadHead());
  uint64_t items = 0;
  switch (head.major) {
    case kUnsignedMajor:
    case kNegativeMajor:
      return absl::OkStatus();
    case kSimpleMajor:
      if (head.info >= kFirstFloat || (head.info >= kFirstSimple && head.info <= kLastDirect)) {
        return absl::OkStatus();
      }
      return Malformed();
    case kArrayMajor:
      items = head.argument;
      break;
    case kMapMajor:
      if (head.argument > left()) return Malformed();
      items = 2 * head.argument;
      break;
    default:
      return Malformed();
  }
  if (items > left() || depth + 1 >= kMaxDepth) return Malformed();
  for (uint64_t i = 0; i < items; ++i) RETURN_IF_ERROR(SkipAt(depth + 1));
  return absl::OkStatus();
}

}  // namespace gatehouse::webauthn

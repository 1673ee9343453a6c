#pragma once

// Reads CBOR (RFC 8949) as authenticators write it: CTAP2's canonical form has definite lengths, no
// tags, and little nesting. Whatever else there is gets refused, which keeps the reader so small
// that it can be checked by reading it.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace gatehouse::webauthn {

// A cursor over one document. Strings that it gives point into the document. Every error is
// InvalidArgument; after one the reader is of no more use. Work and depth are bounded by the
// document's length and kMaxDepth. Not thread-safe.
class CborReader {
 public:
  enum class Type { kUnsigned, kNegative, kBytes, kText, kArray, kMap, kOther, kEnd };

  // Of nested arrays and maps. The deepest that attestation statements and extensions have is 4.
  static constexpr int kMaxDepth = 8;

  explicit CborReader(std::string_view document) : document_(document) {}

  // What comes next; kOther for what only Skip may read: booleans, null, numbers with a fraction.
  Type Next() const;
  // How many bytes were read.
  size_t offset() const { return offset_; }
  bool at_end() const { return offset_ == document_.size(); }

  absl::StatusOr<int64_t> ReadInteger();
  absl::StatusOr<std::string_view> ReadBytes();
  absl::StatusOr<std::string_view> ReadText();
  // How many pairs follow: a key and a value each.
  absl::StatusOr<size_t> ReadMapSize();
  // Reads one item, whatever it is.
  absl::Status Skip() { return SkipAt(0); }

 private:
  struct Head {
    uint8_t major = 0;
    uint8_t info = 0;
    uint64_t argument = 0;
  };

  absl::StatusOr<Head> ReadHead();
  absl::StatusOr<std::string_view> ReadString(uint8_t major);
  absl::Status SkipAt(int depth);
  size_t left() const { return document_.size() - offset_; }

  const std::string_view document_;
  size_t offset_ = 0;
};

}  // namespace gatehouse::webauthn

#pragma once

// The rules of codes: which one is accepted, and when none is looked at. Where: the tenant.

#include <cstdint>
#include <optional>
#include <string_view>

#include "absl/status/statusor.h"
#include "services/totp/pg_totp_store.h"

namespace gatehouse::totp {

struct CodeCheck {
  enum class Result {
    kAccepted,
    kAlreadyVerified,  // the device: the code was not looked at
    kUnknown,          // no such device, or a user without devices
    kRefused,
  };
  Result result = Result::kUnknown;
  // Of kRefused: failures in a row, this one included, and when to try again if there were too
  // many.
  FailedAttempts failed;
};

// Against one device, which counts as verified afterwards.
absl::StatusOr<CodeCheck> VerifyDevice(PgTotpStore& store, const Where& tenant,
                                       std::string_view user_id, std::string_view device_name,
                                       std::string_view code, int64_t now_ms);

// Against the user's verified devices. kBadInput: none of them has a secret with a byte in it.
absl::StatusOr<CodeCheck> VerifyCode(PgTotpStore& store, const Where& tenant,
                                     std::string_view user_id, std::string_view code,
                                     int64_t now_ms);

}  // namespace gatehouse::totp

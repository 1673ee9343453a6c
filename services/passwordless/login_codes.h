#pragma once

#include <optional>
#include <string>
#include <variant>

#include "absl/status/statusor.h"
#include "libs/base/clock.h"
#include "services/passwordless/device_store.h"

namespace gatehouse::passwordless {

// What the application sends out, and keeps.
struct NewCode {
  std::string device_id_hash;
  std::string code_id;
  std::string device_id;  // Base64
  std::string user_input_code;
  std::string link_code;  // Base64 for URLs
  int64_t created_at_ms = 0;
};
// More than a user requests, and few enough not to help an attacker: with all of them valid, five
// attempts at six digits succeed once in 20,000.
inline constexpr int kMaxCodesOfDevice = 10;

enum class NoCode { kRestartFlow, kUserInputCodeUsed };

// What a user presents: the code of a link, or else the typed code with the device's id.
struct CodeProof {
  std::string device_id_hash;  // as sent by the client; with or without padding
  std::optional<std::string> link_code;
  std::string device_id;
  std::string user_input_code;
};

// Creates and checks codes. Thread-safe.
class LoginCodes {
 public:
  // Both outlive this.
  LoginCodes(DeviceStore& devices, const Clock& clock) : devices_(devices), clock_(clock) {}

  // A new device with a code. `user_input_code` unset: random digits.
  absl::StatusOr<NewCode> CreateDevice(const Where& where, const ContactInfo& contact,
                                       const std::optional<std::string>& user_input_code);
  // A further code of a device, which keeps its newest kMaxCodesOfDevice. BAD_INPUT: the device id
  // is not Base64.
  absl::StatusOr<std::variant<NewCode, NoCode>> AddCode(
      const Where& where, const std::string& device_id,
      const std::optional<std::string>& user_input_code);
  // BAD_INPUT: not Base64, or not of this device.
  absl::StatusOr<CodeTryOutcome> Try(const Where& where, const CodeProof& proof);
  // After a successful Try. False: somebody else used up a code of the contact meanwhile.
  absl::StatusOr<bool> UseUp(const Where& where, const CodeTryOutcome& right);

 private:
  DeviceStore& devices_;
  const Clock& clock_;
};

}  // namespace gatehouse::passwordless

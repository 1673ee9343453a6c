#include "services/passwordless/login_codes.h"

#include <algorithm>

#include "libs/base/problem.h"
#include "libs/base/status.h"
#include "libs/crypto/bytes.h"
#include "services/passwordless/code_secrets.h"

namespace gatehouse::passwordless {
namespace {

// Random values never collide unless the generator is broken; six digits of one device may.
constexpr int kMaxRounds = 10;
constexpr char kTooManyRounds[] = "No unused code was found; try again";

constexpr char kSaltField[] = "LinkCodeSalt";

struct Made {
  NewCode shown;
  LoginCode stored;
};

Made MakeCode(std::string_view device_id_bytes, std::string_view salt_bytes,
              const std::optional<std::string>& user_input_code, int64_t now_ms) {
  Made made;
  NewCode& shown = made.shown;
  shown.device_id = crypto::Base64Encode(device_id_bytes);
  shown.device_id_hash = DeviceIdHash(device_id_bytes);
  shown.code_id = crypto::NewUuid4();
  shown.user_input_code = user_input_code.has_value() ? *user_input_code : NewUserInputCode();
  const std::string link_code = LinkCodeBytes(device_id_bytes, salt_bytes, shown.user_input_code);
  shown.link_code = crypto::Base64UrlEncode(link_code);
  shown.created_at_ms = now_ms;
  made.stored = {shown.code_id, shown.device_id_hash, LinkCodeHash(link_code), now_ms};
  return made;
}

}  // namespace

absl::StatusOr<NewCode> LoginCodes::CreateDevice(
    const Where& where, const ContactInfo& contact,
    const std::optional<std::string>& user_input_code) {
  for (int round = 0; round < kMaxRounds; ++round) {
    const std::string device_id = crypto::RandomBytes(kSecretBytes);
    const std::string salt = crypto::RandomBytes(kSecretBytes);
    Made made = MakeCode(device_id, salt, user_input_code, clock_.NowMs());
    ASSIGN_OR_RETURN(
        const bool created,
        devices_.CreateDevice(
            where, {made.shown.device_id_hash, crypto::Base64Encode(salt), contact, 0},
            made.stored));
    if (created) return std::move(made.shown);
  }
  return MakeError(ErrorReason::kOverloaded, kTooManyRounds);
}

absl::StatusOr<std::variant<NewCode, NoCode>> LoginCodes::AddCode(
    const Where& where, const std::string& device_id,
    const std::optional<std::string>& user_input_code) {
  ASSIGN_OR_RETURN(const std::string device_id_bytes, DecodeBase64("deviceId", device_id));
  ASSIGN_OR_RETURN(const std::optional<LoginDevice> device,
                   devices_.FindDevice(where, DeviceIdHash(device_id_bytes)));
  if (!device.has_value()) return NoCode::kRestartFlow;
  ASSIGN_OR_RETURN(const std::string salt, DecodeBase64(kSaltField, device->link_code_salt));
  for (int round = 0; round < kMaxRounds; ++round) {
    Made made = MakeCode(device_id_bytes, salt, user_input_code, clock_.NowMs());
    ASSIGN_OR_RETURN(const AddCodeOutcome outcome,
                     devices_.AddCode(where, made.stored, kMaxCodesOfDevice));
    if (outcome == AddCodeOutcome::kAdded) return std::move(made.shown);
    if (outcome == AddCodeOutcome::kUnknownDevice) return NoCode::kRestartFlow;
    // The same typed code gives the same link code again.
    if (outcome == AddCodeOutcome::kDuplicateLinkCode && user_input_code.has_value()) {
      return NoCode::kUserInputCodeUsed;
    }
  }
  return MakeError(ErrorReason::kOverloaded, kTooManyRounds);
}

absl::StatusOr<CodeTryOutcome> LoginCodes::Try(const Where& where, const CodeProof& proof) {
  CodeTry attempt;
  attempt.oldest_valid_ms = clock_.NowMs() - where.tenant->config->passwordless_code_lifetime_ms();
  attempt.max_attempts = where.tenant->config->passwordless_max_code_input_attempts();
  attempt.counts_as_attempt = !proof.link_code.has_value();
  const CodeTryOutcome restart;
  if (proof.link_code.has_value()) {
    ASSIGN_OR_RETURN(const std::string link_code, DecodeBase64Url("linkCode", *proof.link_code));
    attempt.link_code_hash = LinkCodeHash(link_code);
    ASSIGN_OR_RETURN(const std::optional<LoginCode> code,
                     devices_.FindCode(where, attempt.link_code_hash));
    if (!code.has_value() || code->created_at_ms < attempt.oldest_valid_ms) return restart;
    attempt.device_id_hash = code->device_id_hash;
  } else {
    ASSIGN_OR_RETURN(const std::string device_id, DecodeBase64("deviceId", proof.device_id));
    attempt.device_id_hash = DeviceIdHash(device_id);
    ASSIGN_OR_RETURN(const std::optional<LoginDevice> device,
                     devices_.FindDevice(where, attempt.device_id_hash));
    if (!device.has_value()) return restart;
    ASSIGN_OR_RETURN(const std::string salt, DecodeBase64(kSaltField, device->link_code_salt));
    attempt.link_code_hash = LinkCodeHash(LinkCodeBytes(device_id, salt, proof.user_input_code));
  }
  std::string claimed = proof.device_id_hash;
  claimed.erase(std::remove(claimed.begin(), claimed.end(), '='), claimed.end());
  if (!crypto::ConstantTimeEqual(claimed, attempt.device_id_hash)) {
    return BadInput(Problem::kContradiction, "preAuthSessionId and deviceId doesn't match",
                    {{"field", "preAuthSessionId,deviceId"}});
  }
  return devices_.TryCode(where, attempt);
}

absl::StatusOr<bool> LoginCodes::UseUp(const Where& where, const CodeTryOutcome& right) {
  return devices_.UseUp(where, right.device, right.code.link_code_hash);
}

}  // namespace gatehouse::passwordless

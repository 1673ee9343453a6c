#include "services/webauthn/ceremony_options.h"

#include <algorithm>
#include <limits>
#include <string_view>
#include <utility>

#include "libs/base/problem.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/crypto/bytes.h"
#include "services/webauthn/client_data.h"

namespace gatehouse::webauthn {
namespace {

constexpr int64_t kDefaultTimeoutMs = 6000;  // the original's
constexpr size_t kChallengeBytes = 32;
constexpr size_t kColumnCharacters = 256;
// Of a SHA-256 hash in base64url without padding.
constexpr size_t kHashCharacters = 43;
constexpr size_t kHashBytes = 32;

InvalidOptions Invalid(std::string_view reason) { return {std::string(reason)}; }

std::optional<InvalidOptions> CheckAndroidHash(std::string_view hash) {
  if (hash.empty()) return Invalid("Android origin must contain a valid base64 hash");
  const absl::StatusOr<std::string> bytes = crypto::Base64Decode(hash);
  if (!bytes.ok() || hash.find_first_of("+/") != std::string_view::npos) {
    return Invalid("Android origin hash must be valid URL-safe base64 (no padding)");
  }
  if (hash.size() != kHashCharacters) {
    return Invalid("Android origin hash must be 43 characters (base64url SHA-256)");
  }
  if (bytes->size() != kHashBytes) {
    return Invalid("Android origin hash must decode to 32 bytes (SHA-256)");
  }
  return std::nullopt;
}

// A suffix counts from a dot on: example.com is not the domain of notexample.com.
bool IsAt(std::string_view host, std::string_view domain) {
  if (domain.empty() || host == domain) return true;  // nobody has a key for no domain
  if (host.size() <= domain.size()) return false;
  const size_t begins = host.size() - domain.size();
  return host.substr(begins) == domain && host[begins - 1] == '.';
}

bool IsListed(std::string_view values, std::string_view value) {
  while (!values.empty()) {
    const size_t end = std::min(values.find(", "), values.size());
    if (values.substr(0, end) == value) return true;
    values.remove_prefix(std::min(end + 2, values.size()));
  }
  return false;
}

size_t Characters(std::string_view utf8) {
  size_t count = 0;
  for (const char c : utf8) count += (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  return count;
}

}  // namespace

absl::Status CheckWidth(const char* field, const std::string& text) {
  if (text.find('\0') != std::string::npos) {
    return BadInput(Problem::kMalformed, StrCat(field, " must not contain NUL"),
                    {{"field", field}});
  }
  if (Characters(text) <= kColumnCharacters) return absl::OkStatus();
  const std::string max = std::to_string(kColumnCharacters);
  return BadInput(Problem::kTooLong, StrCat(field, " must not be longer than ", max, " characters"),
                  {{"field", field}, {"max_characters", max}});
}

std::optional<InvalidOptions> CheckOrigin(const std::string& origin, const std::string& rp_id) {
  if (origin.rfind(kAndroidOrigin, 0) == 0) {
    return CheckAndroidHash(std::string_view(origin).substr(kAndroidOrigin.size()));
  }
  const std::optional<WebOrigin> parsed = ReadWebOrigin(origin);
  if (!parsed.has_value()) return Invalid("Origin has to be a valid url!");
  if (!IsAt(parsed->host, rp_id)) return Invalid("Origin does not match RelyingParty Id");
  return std::nullopt;
}

std::variant<std::string, InvalidOptions> Choose(const Choice& choice, bool is_given,
                                                 const std::string& given) {
  if (!is_given || given.empty()) return std::string(choice.fallback);
  if (IsListed(choice.values, given)) return given;
  return Invalid(StrCat("Invalid value '", given, "' for ", choice.field,
                        ". Must be one of: ", choice.values));
}

absl::StatusOr<std::variant<CeremonyOptions, InvalidOptions>> MakeOptions(
    const v1::RelyingParty& relying_party, const v1::Demands& demands, int64_t now_ms) {
  using Made = std::variant<CeremonyOptions, InvalidOptions>;
  if (auto invalid = CheckOrigin(relying_party.origin(), relying_party.id())) {
    return Made(*std::move(invalid));
  }
  const int64_t timeout_ms = demands.has_timeout_ms() ? demands.timeout_ms() : kDefaultTimeoutMs;
  if (timeout_ms < 0) return Made(Invalid("Timeout must be a positive value"));
  if (timeout_ms > std::numeric_limits<int64_t>::max() - now_ms) {
    return Made(Invalid("Timeout is too long"));
  }
  auto verification =
      Choose(kUserVerification, demands.has_user_verification(), demands.user_verification());
  if (auto* invalid = std::get_if<InvalidOptions>(&verification)) return Made(std::move(*invalid));
  RETURN_IF_ERROR(CheckWidth("relyingPartyId", relying_party.id()));
  RETURN_IF_ERROR(CheckWidth("relyingPartyName", relying_party.name()));
  RETURN_IF_ERROR(CheckWidth("origin", relying_party.origin()));
  CeremonyOptions options;
  options.id = crypto::NewUuid4();
  options.challenge = crypto::Base64UrlEncode(crypto::RandomBytes(kChallengeBytes));
  options.rp_id = relying_party.id();
  options.rp_name = relying_party.name();
  options.origin = relying_party.origin();
  options.created_at_ms = now_ms;
  options.expires_at_ms = now_ms + timeout_ms;
  options.user_verification = std::get<std::string>(std::move(verification));
  options.user_presence = demands.user_presence();
  return Made(std::move(options));
}

Expectation ExpectationOf(const CeremonyOptions& options) {
  Expectation expected;
  // What can't be decoded leaves it empty, and an empty challenge is never met.
  if (auto challenge = crypto::Base64Decode(options.challenge); challenge.ok()) {
    expected.challenge = *std::move(challenge);
  }
  expected.origin = options.origin;
  expected.rp_id = options.rp_id;
  expected.needs_user_presence = options.user_presence;
  expected.needs_user_verification = options.user_verification == "required";
  return expected;
}

v1::RelyingParty RelyingPartyMessage(const CeremonyOptions& options) {
  v1::RelyingParty message;
  message.set_id(options.rp_id);
  message.set_name(options.rp_name);
  message.set_origin(options.origin);
  return message;
}

v1::Options OptionsMessage(const CeremonyOptions& options) {
  v1::Options message;
  message.set_id(options.id);
  message.set_challenge(options.challenge);
  if (options.email.has_value()) message.set_email(*options.email);
  *message.mutable_relying_party() = RelyingPartyMessage(options);
  message.set_created_at_ms(options.created_at_ms);
  message.set_expires_at_ms(options.expires_at_ms);
  message.set_user_verification(options.user_verification);
  message.set_user_presence(options.user_presence);
  return message;
}

}  // namespace gatehouse::webauthn

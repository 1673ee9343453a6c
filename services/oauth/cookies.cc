#include "services/oauth/cookies.h"

#include "absl/strings/ascii.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "libs/base/strings.h"
#include "libs/crypto/digest.h"

namespace gatehouse::oauth {
namespace {

std::string_view Trim(std::string_view text) {
  const absl::string_view trimmed =
      absl::StripAsciiWhitespace(absl::string_view(text.data(), text.size()));
  return {trimmed.data(), trimmed.size()};
}

std::string_view Mode(bool secure) { return secure ? "" : "_dev"; }

// A client's number in names of cookies: ids may have characters that names can't.
std::string NumberOf(std::string_view client_id) {
  const std::string digest = crypto::Sha256(client_id);
  uint32_t number = 0;
  for (int i = 0; i < 4; ++i) number = number << 8 | static_cast<unsigned char>(digest[i]);
  return std::to_string(number);
}

}  // namespace

std::optional<std::string> FindCookie(std::string_view cookies, std::string_view name) {
  while (!cookies.empty()) {
    const size_t end = std::min(cookies.find(';'), cookies.size());
    const std::string_view pair = Trim(cookies.substr(0, end));
    const size_t equals = pair.find('=');
    if (equals != std::string_view::npos && Trim(pair.substr(0, equals)) == name) {
      return std::string(Trim(pair.substr(equals + 1)));
    }
    cookies.remove_prefix(std::min(end + 1, cookies.size()));
  }
  return std::nullopt;
}

std::string FormatCookie(const CookieLine& cookie, int64_t now_ms) {
  std::string line = StrCat(cookie.name, "=", cookie.value, "; Path=/");
  if (cookie.max_age_s.has_value()) {
    const absl::Time expires =
        *cookie.max_age_s == 0 ? absl::UnixEpoch()
                               : absl::FromUnixMillis(now_ms) + absl::Seconds(*cookie.max_age_s);
    line += "; Expires=";
    line += absl::FormatTime("%a, %d %b %Y %H:%M:%S GMT", expires, absl::UTCTimeZone());
    line += "; Max-Age=" + std::to_string(*cookie.max_age_s);
  }
  line += "; HttpOnly";
  if (cookie.secure) line += "; Secure";
  return line + "; SameSite=Lax";
}

std::string LoginCsrfCookieName(std::string_view client_id, bool secure) {
  return StrCat("st_oauth_login_csrf", Mode(secure), "_", NumberOf(client_id));
}

std::string ConsentCsrfCookieName(std::string_view client_id, bool secure) {
  return StrCat("st_oauth_consent_csrf", Mode(secure), "_", NumberOf(client_id));
}

std::string SessionCookieName(bool secure) { return StrCat("st_oauth_session", Mode(secure)); }

}  // namespace gatehouse::oauth

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gatehouse::oauth {

// The value of a cookie in what a browser sends (RFC 6265, 4.2.1); nullopt: it does not send it.
std::optional<std::string> FindCookie(std::string_view cookies, std::string_view name);

// A Set-Cookie line for the authorization endpoint's site. Scripts can't read it, and other sites'
// forms don't bring it along.
struct CookieLine {
  std::string name;
  std::string value;
  std::optional<int64_t> max_age_s;  // absent: as long as the browser runs; 0: remove it
  bool secure = false;
};
std::string FormatCookie(const CookieLine& cookie, int64_t now_ms);

// One for each client, so that the flows of several don't disturb each other. `secure`: the site is
// served by HTTPS; without it the names say that this is for development, as in the original.
std::string LoginCsrfCookieName(std::string_view client_id, bool secure);
std::string ConsentCsrfCookieName(std::string_view client_id, bool secure);
std::string SessionCookieName(bool secure);

}  // namespace gatehouse::oauth

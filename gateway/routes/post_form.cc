#include "gateway/routes/post_form.h"

#include "libs/base/markup.h"
#include "libs/base/strings.h"
#include "libs/crypto/bytes.h"
#include "libs/crypto/digest.h"

namespace gatehouse::gateway {
namespace {

constexpr std::string_view kScript = "document.forms[0].submit()";

// The one script is named by its hash. A provider may redirect what is posted to it, which browsers
// hold against form-action: so only the scheme is bound.
std::string Policy() {
  return StrCat("default-src 'none'; script-src 'sha256-",
                crypto::Base64Encode(crypto::Sha256(kScript)),
                "'; form-action http: https:; base-uri 'none'; frame-ancestors 'none'");
}

}  // namespace

Reply PostFormReply(std::string_view action,
                    const std::vector<std::pair<std::string, std::string>>& fields) {
  std::string page = StrCat(
      "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Sign in</title></head>"
      "<body><form method=\"post\" action=\"",
      EscapeMarkup(action), "\">");
  for (const auto& [name, value] : fields) {
    page += StrCat("<input type=\"hidden\" name=\"", EscapeMarkup(name), "\" value=\"", EscapeMarkup(value),
                   "\">");
  }
  page += StrCat("<noscript><button>Continue</button></noscript></form><script>", kScript,
                 "</script></body></html>\n");
  static const std::string policy = Policy();
  Reply reply = RawReply("text/html;charset=utf-8", std::move(page));
  // The address of the page has the relay state in it, which only the provider is to hear.
  reply.headers = {{"Content-Security-Policy", policy},
                   {"Cache-Control", "no-store"},
                   {"Referrer-Policy", "origin"}};
  return reply;
}

}  // namespace gatehouse::gateway

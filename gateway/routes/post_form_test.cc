#include "gateway/routes/post_form.h"

#include <gtest/gtest.h>

#include <map>

namespace gatehouse::gateway {
namespace {

TEST(PostFormTest, EscapesWhatItIsGiven) {
  const Reply reply = PostFormReply("https://idp.example.com/?a=1&b=\"><script>alert(1)</script>",
                                    {{"x", "'\"<&>"}, {"<y>", ""}});
  EXPECT_NE(reply.body.find("action=\"https://idp.example.com/?a=1&amp;b=&quot;&gt;&lt;script&gt;"),
            std::string::npos)
      << reply.body;
  EXPECT_NE(reply.body.find("name=\"x\" value=\"&#39;&quot;&lt;&amp;&gt;\""), std::string::npos);
  EXPECT_NE(reply.body.find("name=\"&lt;y&gt;\" value=\"\""), std::string::npos);
}

// The hash is that of the page's script: echo -n 'document.forms[0].submit()' | openssl dgst
// -sha256 -binary | base64
TEST(PostFormTest, MayDoNothingElse) {
  const Reply reply = PostFormReply("https://idp.example.com", {});
  std::map<std::string, std::string> headers(reply.headers.begin(), reply.headers.end());
  EXPECT_EQ(headers["Content-Security-Policy"],
            "default-src 'none'; script-src 'sha256-ePniVEkSivX/c7XWBGafqh8tSpiRrKiqYeqbG7N1TOE='; "
            "form-action http: https:; base-uri 'none'; frame-ancestors 'none'");
  EXPECT_EQ(headers["Cache-Control"], "no-store");
  EXPECT_NE(reply.body.find("<script>document.forms[0].submit()</script>"), std::string::npos);
}

}  // namespace
}  // namespace gatehouse::gateway

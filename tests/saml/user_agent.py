"""A browser without pictures for identity providers' pages: cookies, redirects within the provider, and forms."""
import html.parser
import http.cookiejar
import urllib.error
import urllib.parse
import urllib.request


class Forms(html.parser.HTMLParser):
    """The forms of a page: action, and names and values of their fields."""

    def __init__(self, text):
        super().__init__()
        self.forms = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "form":
            self.forms.append((attrs.get("action") or "", {}))
        elif tag in ("input", "button") and self.forms and attrs.get("name"):
            self.forms[-1][1][attrs["name"]] = attrs.get("value") or ""


class StayHere(urllib.request.HTTPRedirectHandler):
    def __init__(self, origin):
        super().__init__()
        self.origin = origin

    def redirect_request(self, req, fp, code, msg, headers, newurl):
        return super().redirect_request(req, fp, code, msg, headers, newurl) if newurl.startswith(self.origin) else None


class Browser:
    def __init__(self, origin):
        # Browsers trust a page of their own machine as if it came by TLS.
        cookies = http.cookiejar.CookieJar(http.cookiejar.DefaultCookiePolicy(secure_protocols=("http", "https")))
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(cookies), StayHere(origin))

    def open(self, url, form=None):
        """The page after the provider's redirects: where it is, and its text."""
        data = urllib.parse.urlencode(form).encode() if form is not None else None
        try:
            with self.opener.open(url, data, timeout=120) as reply:
                return reply.geturl(), reply.read().decode()
        except urllib.error.HTTPError as error:
            raise AssertionError("%s: %d %s" % (url, error.code, error.read().decode(errors="replace")[:2000])) from error

    def sign_in(self, url, form=None, user="ann", password="ann-password"):
        """Goes there, signs in if asked, and returns the response that the provider has the browser post: where, SAMLResponse, and RelayState or None."""
        for _ in range(5):
            at, text = self.open(url, form)
            forms = Forms(text).forms
            for action, fields in forms:
                if "SAMLResponse" in fields:
                    return action, fields["SAMLResponse"], fields.get("RelayState")
            for action, fields in forms:
                if "password" in fields:
                    url, form = urllib.parse.urljoin(at, action), {**fields, "username": user, "password": password}
                    break
            else:
                raise AssertionError("%s: neither a login nor a response: %s" % (at, text[:3000]))
        raise AssertionError("asked to sign in again and again")

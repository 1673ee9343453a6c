"""A browser as far as session tokens are concerned, over an application's Flask test client."""
import copy
import json
from http.cookies import SimpleCookie


def form_fields(**fields):
    """The body of the email-password forms of the SDKs' HTTP interface."""
    return {"formFields": [{"id": name, "value": value} for name, value in fields.items()]}


class Reply:
    def __init__(self, status, text):
        self.status = status
        try:
            self.body = json.loads(text)
        except ValueError:
            self.body = text


class Browser:
    """Keeps cookies and the anti-CSRF token, or the header tokens, and sends back what it was given."""

    def __init__(self, app, transfer):
        """transfer: "cookie" or "header", as a front-end SDK announces it with st-auth-mode."""
        self.app, self.transfer = app, transfer
        self.cookies, self.tokens, self.anti_csrf = {}, {}, None

    def copy(self):
        """A browser with the same tokens, such as that of a thief."""
        other = copy.copy(self)
        other.cookies, other.tokens = dict(self.cookies), dict(self.tokens)
        return other

    @property
    def signed_in(self):
        return "sAccessToken" in self.cookies or "st-access-token" in self.tokens

    def get(self, path, **options):
        return self._send("GET", path, **options)

    def post(self, path, body=None, **options):
        return self._send("POST", path, body=body, **options)

    def _send(self, method, path, body=None, send_anti_csrf=True):
        headers = {"st-auth-mode": self.transfer}
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if self.anti_csrf and send_anti_csrf:
            headers["anti-csrf"] = self.anti_csrf
        kind = "st-refresh-token" if path == "/auth/session/refresh" else "st-access-token"
        if kind in self.tokens:
            headers["Authorization"] = "Bearer " + self.tokens[kind]
        client = self.app.test_client(use_cookies=False)
        response = client.open(path, method=method, headers=headers, json=body)
        self._keep(response.headers)
        return Reply(response.status_code, response.get_data(as_text=True))

    def _keep(self, headers):
        for line in headers.getlist("Set-Cookie"):
            for name, morsel in SimpleCookie(line).items():
                if morsel.value and "1970" not in morsel["expires"]:
                    # Unchanged: the values are percent-encoded by the SDK and are sent back that way.
                    self.cookies[name] = morsel.coded_value
                else:
                    self.cookies.pop(name, None)
        self.anti_csrf = headers.get("anti-csrf", self.anti_csrf)
        for name in ("st-access-token", "st-refresh-token"):
            if name in headers:
                self.tokens[name] = headers[name]
                if not headers[name]:
                    del self.tokens[name]

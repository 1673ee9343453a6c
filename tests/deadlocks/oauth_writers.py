"""Everything that writes the tables of OAuth, with a few clients and sessions that all share."""
import base64
import threading
import urllib.parse

O, ISSUER, CALLBACK, SECRET = "/recipe/oauth", "https://api.example.com/auth", "https://app.example.com/cb", "a-secret-that-stays"
# Every second one rotates its refresh tokens.
CLIENTS, HANDLES, KEPT = 4, 3, 40


def parameters(address):
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(address).query))


class OAuth:
    def __init__(self, owner):
        self.lock = threading.Lock()
        self.tokens = []  # (number of the client, refresh token, access token), the newest last
        for number in range(CLIENTS):
            self.put(owner, number)

    def writers(self):
        return {
            "oauth code": self.code,
            "oauth refresh": self.refresh,
            "oauth revoke": self.revoke,
            "oauth client": self.renew_client,
            "oauth machine": lambda client, rnd: [self.ask(client, rnd.randrange(CLIENTS), grant_type="client_credentials") for _ in range(3)],
        }

    def put(self, client, number):
        return client.post(O + "/clients", {
            "clientId": "client%d" % number, "clientSecret": SECRET, "redirectUris": [CALLBACK], "postLogoutRedirectUris": [CALLBACK], "enableRefreshTokenRotation": number % 2 == 1,
            "grantTypes": ["authorization_code", "refresh_token", "client_credentials"], "responseTypes": ["code"], "scope": "openid offline_access"})

    def ask(self, client, number, **body):
        header = "Basic " + base64.b64encode(("client%d:%s" % (number, SECRET)).encode()).decode()
        return client.post(O + "/token", {"iss": ISSUER, "inputBody": body, "access_token": {}, "id_token": {}, "authorizationHeader": header})

    def keep(self, number, reply):
        if reply.status == 200 and "refresh_token" in reply.json:
            with self.lock:
                self.tokens.append((number, reply.json["refresh_token"], reply.json["access_token"]))
                del self.tokens[:-KEPT]
        return reply

    def any_token(self, rnd):
        with self.lock:
            return rnd.choice(self.tokens) if self.tokens else (0, "st_rt_none.none", "none")

    def code(self, client, rnd):
        """A browser's whole way, as far as it goes while others remove the client; the code is used twice now and then."""
        number, cookies, replies = rnd.randrange(CLIENTS), {}, []

        def visit(query):
            replies.append(client.post(O + "/auth", {"params": query, "iss": ISSUER, "cookies": "; ".join("%s=%s" % one for one in cookies.items())}))
            for line in replies[-1].json.get("cookies", ()):
                name, _, value = line.partition(";")[0].partition("=")
                cookies[name] = value
            return parameters(replies[-1].json.get("redirectTo", ""))

        def decide(page, challenge, body):
            replies.append(client.put(O + "/auth/requests/%s/accept" % page, body, query={page + "Challenge": challenge}))
            return parameters(replies[-1].json.get("redirectTo", ""))
        at_login = visit({"client_id": "client%d" % number, "response_type": "code", "redirect_uri": CALLBACK, "scope": "openid offline_access", "state": "a-long-state"})
        if "login_challenge" not in at_login:
            return replies
        at_consent = visit(decide("login", at_login["login_challenge"], {"subject": "user", "remember": rnd.random() < 0.5, "rememberFor": 60}))
        if "consent_challenge" not in at_consent:
            return replies
        back = visit(decide("consent", at_consent["consent_challenge"], {
            "grantScope": ["openid", "offline_access"], "grantAccessTokenAudience": [], "iss": ISSUER, "tId": "public", "rsub": "user", "sessionHandle": "handle%d" % rnd.randrange(HANDLES),
            "initialAccessTokenPayload": {}, "initialIdTokenPayload": {}}))
        for _ in range(rnd.choice((1, 1, 2))):
            if "code" in back:
                replies.append(self.keep(number, self.ask(client, number, grant_type="authorization_code", code=back["code"], redirect_uri=CALLBACK)))
        return replies

    def refresh(self, client, rnd):
        """Any of the newest tokens, so that many refresh one, and replaced ones come again."""
        replies = []
        for _ in range(3):
            number, token, _ = self.any_token(rnd)
            replies.append(self.keep(number, self.ask(client, number, grant_type="refresh_token", refresh_token=token)))
        return replies

    def revoke(self, client, rnd):
        number, token, access = self.any_token(rnd)
        handle = {"sessionHandle": "handle%d" % rnd.randrange(HANDLES)}
        what = rnd.randrange(4)
        if what == 0:
            return [client.post(O + "/token/revoke", {"token": access})]
        if what == 1:
            return [client.post(O + "/token/revoke", {"token": token, "client_id": "client%d" % number, "client_secret": SECRET})]
        if what == 2:
            return [client.post(O + "/session/revoke", handle)]
        return [client.post(O + "/tokens/revoke", {"client_id": "client%d" % number})]

    def renew_client(self, client, rnd):
        number = rnd.randrange(CLIENTS)
        changed = client.put(O + "/clients", {"clientId": "client%d" % number, "clientName": "name %d" % rnd.randrange(9)})
        return [changed, client.post(O + "/clients/remove", {"clientId": "client%d" % number}), self.put(client, number)]

"""The operations that are measured: for each the requests that clients send, as lines for load.lua."""
import json
import urllib.parse

CDI = "5.4"


def line(method, path, body=None, query=None, rid="", token="", cdi=CDI):
    headers = {"cdi-version": cdi}
    if rid:
        headers["rid"] = rid
    if body is not None:
        headers["Content-Type"] = "application/json"
    if query:
        path += "?" + urllib.parse.urlencode(query)
    return "\t".join((method, path, "\x1f".join("%s:%s" % pair for pair in headers.items()), json.dumps(body) if body is not None else "", token))


def session_body(user):
    return {"userId": user, "userDataInJWT": {}, "userDataInDatabase": {}, "enableAntiCsrf": False, "useDynamicSigningKey": True}


class Operations:
    """Of one server that has `users` (ids), each with a session: `sessions` are replies to session creations. The i-th user is `email_of(i)`. New users and tenants are numbered, differently for each round.
    `call(method, path, body)` makes one request of the server and returns the reply's JSON."""

    def __init__(self, users, sessions, password, call=None):
        self.users, self.sessions, self.password, self.call = users, sessions, password, call
        self.pairs = []  # of a primary user and another
        self.clients = 1  # connections of the measurement that comes next
        self.chains = 1  # sessions that each of them refreshes in turn
        self.made = 0
        self.refreshed = 0  # sessions: a chain goes on where nobody else has been

    NAMES = ("hello", "jwks", "verify", "verify with database", "create", "refresh", "session information", "get user", "roles", "page of users", "search", "count", "metadata", "third party, new",
             "third party, known", "sign-in", "sign-up", "passwordless code", "passwordless sign-in", "link and unlink", "new tenant")
    # Requests of one operation, where it is not one.
    REQUESTS = {"passwordless sign-in": 2, "link and unlink": 2}

    @staticmethod
    def email_of(i):
        return "user%d@example.com" % i

    def new(self, n):
        self.made += n
        return range(self.made - n, self.made)

    def lines(self, name, new_users):
        return getattr(self, "_" + name.replace(" ", "_").replace(",", "").replace("-", "_"))(new_users)

    def _hello(self, _):
        return [line("GET", "/hello")] * self.clients

    def _jwks(self, _):
        return [line("GET", "/.well-known/jwks.json")] * self.clients

    def _verify(self, _, database=False):
        return [line("POST", "/recipe/session/verify", {"accessToken": s["accessToken"]["token"], "enableAntiCsrf": False, "doAntiCsrfCheck": False, "checkDatabase": database}, rid="session")
                for s in self.sessions]

    def _verify_with_database(self, _):
        return self._verify(_, True)

    def _create(self, _):
        return [line("POST", "/recipe/session", session_body(user), rid="session") for user in self.users]

    def _refresh(self, _):
        first = self.refreshed
        self.refreshed += self.clients * self.chains
        if self.refreshed > len(self.sessions):
            raise RuntimeError("no session is left that was not refreshed yet: more users, or fewer measurements")
        return [line("POST", "/recipe/session/refresh", {"refreshToken": "TOKEN", "enableAntiCsrf": False, "useDynamicSigningKey": True}, rid="session", token=s["refreshToken"]["token"])
                for s in self.sessions[first:self.refreshed]]

    def _session_information(self, _):
        return [line("GET", "/recipe/session", query={"sessionHandle": s["session"]["handle"]}, rid="session") for s in self.sessions]

    def _get_user(self, _):
        return [line("GET", "/user/id", query={"userId": user}) for user in self.users]

    def _roles(self, _):
        return [line("GET", "/recipe/user/roles", query={"userId": user}, rid="userroles") for user in self.users]

    def _page_of_users(self, _):
        return [line("GET", "/users", query={"limit": 100})] * self.clients

    def _search(self, _):
        return [line("GET", "/users", query={"limit": 10, "email": self.email_of(i)}) for i in range(len(self.users))]

    def _count(self, _):
        return [line("GET", "/users/count")] * self.clients

    def _metadata(self, _):
        return [line("PUT", "/recipe/user/metadata", {"userId": user, "metadataUpdate": {"n": n}}, rid="usermetadata") for n in (1, 2) for user in self.users]

    def _third_party(self, names):
        return [line("POST", "/recipe/signinup", {"thirdPartyId": "google", "thirdPartyUserId": name, "email": {"id": name + "@example.com", "isVerified": True}}, rid="thirdparty") for name in names]

    def _third_party_new(self, new_users):
        return self._third_party("new%d" % i for i in self.new(new_users))

    def _third_party_known(self, _):
        return self._third_party("known%d" % i for i in range(10 * self.clients))

    def _sign_in(self, _):
        return [line("POST", "/recipe/signin", {"email": self.email_of(i), "password": self.password}, rid="emailpassword") for i in range(len(self.users))]

    def _sign_up(self, new_users):
        return [line("POST", "/recipe/signup", {"email": "new%d@example.com" % i, "password": self.password}, rid="emailpassword") for i in self.new(new_users)]

    def _passwordless_code(self, _):
        return [line("POST", "/recipe/signinup/code", {"email": "code%d@example.com" % i}, rid="passwordless") for i in range(10 * self.clients)]

    def _passwordless_sign_in(self, _):
        """A code, and its consumption: by a user who exists from the second time on. A connection's lines are `clients` apart (load.lua)."""
        lines = []
        for first in range(0, 4 * self.clients, self.clients):
            lines += [line("POST", "/recipe/signinup/code", {"email": "comer%d@example.com" % i}, rid="passwordless") for i in range(first, first + self.clients)]
            lines += [line("POST", "/recipe/signinup/code/consume", {"preAuthSessionId": "DEVICE", "linkCode": "LINK_CODE"}, rid="passwordless")] * self.clients
        return lines

    def _link_and_unlink(self, _):
        while len(self.pairs) < 4 * self.clients:
            primary, other = (self.call("POST", "/recipe/signup", {"email": "linked%d@example.com" % i, "password": self.password})["user"]["id"] for i in self.new(2))
            self.call("POST", "/recipe/accountlinking/user/primary", {"recipeUserId": primary})
            self.pairs.append((primary, other))
        lines = []
        for first in range(0, 4 * self.clients, self.clients):
            pairs = self.pairs[first:first + self.clients]
            lines += [line("POST", "/recipe/accountlinking/user/link", {"recipeUserId": other, "primaryUserId": primary}, rid="accountlinking") for primary, other in pairs]
            lines += [line("POST", "/recipe/accountlinking/user/unlink", {"recipeUserId": other}, rid="accountlinking") for _, other in pairs]
        return lines

    def _new_tenant(self, new_tenants):
        return [line("PUT", "/recipe/multitenancy/tenant/v2", {"tenantId": "new%d" % i}, rid="multitenancy") for i in self.new(new_tenants)]

"""An honest client, which remembers the answers it got and reports a later one that can't be true.

It works on its own users, so its history has an order. An operation is acknowledged (200 and its outcome), or it is unknown whether it happened. Every later answer must fit some
order of what may have happened: a lost write, a removed user or session that is back, a session that its owner lost, a false theft, and a user that became another are
violations.
"""
import base64
import json
import time
import uuid

from chaos.history import Caller, Register, Unknown

# An honest client retries until it is answered, this long at most: the grace period of a refresh is 30 s.
PERSIST_S = 60
PAUSE_S = 0.1
ROLE = "keeper"


class User:
    """What its client knows about it. `gone`: False, "perhaps" or "surely"; so `linked_to` with `link_sure`."""

    def __init__(self, kind, contact):
        self.kind, self.contact = kind, contact
        self.id = None  # once a sign-in was acknowledged
        self.gone = False
        self.must_exist = False
        self.password, self.former_passwords = Register("first password 1"), set()
        self.metadata, self.role = Register(None), Register(False)
        self.session = None  # {"handle", "refresh", "access"}
        self.ended_sessions = []  # refresh tokens whose sessions were removed and acknowledged
        self.linked_to, self.link_sure = None, False

    def there(self):
        return self.id is not None and not self.gone


class HonestClient:
    """`step` does something with a random user; `settle` checks everything that was ever acknowledged."""

    def __init__(self, history, name, random):
        self.history, self.name, self.random = history, name, random
        # From 5.6 on a refresh replaces the token at once; before, the new one's first use does.
        self.caller = Caller(history, random.choice(["5.4", "5.6"]))
        self.users = []
        self.tenants = []  # acknowledged
        self.counter = 0

    def call(self, method, path, body=None):
        return self.caller.call(method, path, body)

    def violate(self, text):
        self.history.violate("%s (CDI %s): %s" % (self.name, self.caller.cdi, text))

    def persist(self, operation):
        """Repeats the operation until there is an answer."""
        end = time.monotonic() + PERSIST_S
        while True:
            try:
                return operation()
            except Unknown:
                if time.monotonic() > end:
                    raise
                time.sleep(PAUSE_S)

    def step(self):
        actions = [self.new_user] * 6
        if self.users:
            actions += [self.use_user] * 20
        actions += [self.new_tenant, self.sign_jwt]
        try:
            self.random.choice(actions)()
        except Unknown:
            time.sleep(PAUSE_S)

    def new_user(self):
        kind = self.random.choice(["emailpassword", "thirdparty", "passwordless"])
        user = User(kind, "%s@%s.example" % (uuid.uuid4().hex, kind))
        self.users.append(user)
        if kind == "emailpassword":
            reply = self.call("POST", "/recipe/signup", {"email": user.contact, "password": "first password 1"})
            self.came_in(user, reply)
        else:
            self.sign_in(user)

    def new_tenant(self):
        tenant = "t" + uuid.uuid4().hex
        self.call("PUT", "/recipe/multitenancy/tenant/v2", {"tenantId": tenant})
        self.tenants.append(tenant)
        self.check_tenant(tenant)

    def check_tenant(self, tenant):
        found = self.call("GET", "/%s/recipe/multitenancy/tenant/v2" % tenant)
        if found["status"] != "OK" or found["tenantId"] != tenant:
            self.violate("a tenant is not there")

    def sign_jwt(self):
        """The holder of a JWT finds its key."""
        signed = self.call("POST", "/recipe/jwt", {"payload": {}, "algorithm": "RS256", "jwksDomain": "https://example.com", "validity": 60, "useStaticSigningKey": False})
        head = signed["jwt"].partition(".")[0]
        kid = json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))["kid"]
        if kid not in [key["kid"] for key in self.call("GET", "/.well-known/jwks.json")["keys"]]:
            self.violate("a key is not there")

    def came_in(self, user, reply):
        if reply["status"] != "OK":
            self.violate("%s of a new user: %s" % (user.kind, reply["status"]))
        elif user.gone == "surely":
            self.violate("a removed user is there")
        elif user.id not in (None, reply["recipeUserId"]):
            self.violate("a user came back as another")
        else:
            user.id = reply["recipeUserId"]
            self.check_link(user, reply["user"]["id"])

    def use_user(self):
        user = self.random.choice(self.users)
        if not user.there():
            if not user.gone:
                self.sign_in(user)
            return
        self.random.choice([self.sign_in, self.change_password, self.change_password, self.write_metadata, self.read_metadata, self.change_role, self.read_role, self.refresh,
                            self.refresh, self.refresh, self.refresh, self.verify, self.end_session, self.link, self.remove])(user)

    # Signing in.

    def sign_in(self, user):
        {"emailpassword": self.sign_in_by_password, "thirdparty": self.sign_in_by_third_party, "passwordless": self.sign_in_by_code}[user.kind](user)

    def sign_in_by_third_party(self, user):
        self.came_in(user, self.call("POST", "/recipe/signinup", {"thirdPartyId": "google", "thirdPartyUserId": user.contact, "email": {"id": user.contact, "isVerified": True}}))

    def sign_in_by_password(self, user):
        password = self.random.choice(sorted(user.password.possible()))
        if self.accepts(user, password):
            user.password.saw(password)
        elif user.there():
            user.password.current.discard(password)
            if not user.password.possible():
                self.violate("a user that signed up can't sign in")

    def accepts(self, user, password):
        reply = self.call("POST", "/recipe/signin", {"email": user.contact, "password": password})
        if reply["status"] == "OK":
            self.came_in(user, reply)
        return reply["status"] == "OK"

    def sign_in_by_code(self, user):
        """A code is created and used, repeatedly with the same code until there is an answer."""
        code = self.call("POST", "/recipe/signinup/code", {"email": user.contact})
        tried = []

        def consume():
            tried.append(1)
            return self.call("POST", "/recipe/signinup/code/consume",
                             {"deviceId": code["deviceId"], "preAuthSessionId": code["preAuthSessionId"], "userInputCode": code["userInputCode"]})
        used = self.persist(consume)
        if used["status"] == "OK":
            self.came_in(user, used)
        elif used["status"] == "RESTART_FLOW_ERROR" and len(tried) > 1:
            # Used up by an unanswered attempt: then its user exists.
            user.must_exist = True
        elif not (used["status"] == "RESTART_FLOW_ERROR" and user.must_exist):
            self.violate("a code of its own was refused: " + used["status"])

    # Writes.

    def change_password(self, user):
        if user.kind != "emailpassword":
            return
        self.counter += 1
        before = set(user.password.current)
        reply = user.password.write("another password %d" % self.counter,
                                    lambda: self.call("PUT", "/recipe/user", {"recipeUserId": user.id, "password": "another password %d" % self.counter}))
        if reply["status"] != "OK":
            self.violate("password change: " + reply["status"])
        user.former_passwords |= before

    def write_metadata(self, user):
        self.counter += 1
        user.metadata.write(self.counter, lambda: self.call("PUT", "/recipe/user/metadata", {"userId": user.id, "metadataUpdate": {"n": self.counter}}))

    def read_metadata(self, user):
        if not user.metadata.saw(self.call("GET", "/recipe/user/metadata?userId=" + user.id)["metadata"].get("n")):
            self.violate("metadata went back")

    def change_role(self, user):
        has = not next(iter(user.role.current))
        path = ("PUT", "/recipe/user/role") if has else ("POST", "/recipe/user/role/remove")
        user.role.write(has, lambda: self.call(*path, {"userId": user.id, "role": ROLE}))

    def read_role(self, user):
        if not user.role.saw(ROLE in self.call("GET", "/recipe/user/roles?userId=" + user.id)["roles"]):
            self.violate("a role went back")

    def link(self, user):
        """Links the user to another one, which then leads their group. Grouped users are neither linked further nor removed."""
        leader = self.random.choice(self.users)
        if leader is user or not leader.there() or leader.linked_to or user.linked_to:
            return
        leader.linked_to, leader.link_sure = leader, True
        user.linked_to = leader
        # Linking ends the sessions of a user.
        user.session = None
        made = self.persist(lambda: self.call("POST", "/recipe/accountlinking/user/primary", {"recipeUserId": leader.id}))
        done = self.persist(lambda: self.call("POST", "/recipe/accountlinking/user/link", {"recipeUserId": user.id, "primaryUserId": leader.id}))
        if made["status"] != "OK" or done["status"] != "OK":
            self.violate("linking: %s, %s" % (made["status"], done["status"]))
        user.link_sure = True

    def check_link(self, user, group):
        if user.link_sure and group != user.linked_to.id:
            self.violate("a linked user is not in its group")

    def remove(self, user):
        if user.linked_to:
            return
        user.gone = "perhaps"
        user.session = None
        self.call("POST", "/user/remove", {"userId": user.id, "removeAllLinkedAccounts": False})
        user.gone = "surely"

    # Sessions.

    def refresh(self, user):
        if user.session is None:
            made = self.call("POST", "/recipe/session", {"userId": user.id, "userDataInJWT": {}, "userDataInDatabase": {}, "enableAntiCsrf": False})
            if made["status"] != "OK":
                self.violate("no session: " + made["status"])
                return
            user.session = {"handle": made["session"]["handle"], "refresh": made["refreshToken"]["token"], "access": made["accessToken"]["token"]}
            return
        token = user.session["refresh"]
        # After a lost answer the same token again, as an honest client's retry.
        reply = self.persist(lambda: self.call("POST", "/recipe/session/refresh", {"refreshToken": token, "enableAntiCsrf": False, "useDynamicSigningKey": True}))
        if reply["status"] != "OK":
            self.violate("an honest refresh was taken for " + reply["status"])
            user.session = None
            return
        user.session["refresh"], user.session["access"] = reply["refreshToken"]["token"], reply["accessToken"]["token"]

    def verify(self, user):
        if user.session is None:
            return
        reply = self.call("POST", "/recipe/session/verify", {"accessToken": user.session["access"], "enableAntiCsrf": False, "doAntiCsrfCheck": False, "checkDatabase": True})
        if reply["status"] == "UNAUTHORISED":
            self.violate("a session is not there")
            user.session = None

    def end_session(self, user):
        if user.session is None:
            return
        session, user.session = user.session, None
        self.call("POST", "/recipe/session/remove", {"sessionHandles": [session["handle"]]})
        user.ended_sessions.append(session["refresh"])

    # After the fault.

    def settle(self):
        """Checks everything that was ever acknowledged. Nothing may be refused any longer; a refused request gets some seconds to succeed."""
        checks = [(self.check_tenant, tenant) for tenant in self.tenants] + [(self.check, user) for user in self.users]
        for check, what in checks:
            try:
                self.persist(lambda check=check, what=what: check(what))
            except Unknown:
                self.violate("after the fault, requests are still refused")
                return

    def check(self, user):
        if user.kind == "emailpassword":
            self.check_passwords(user)
        elif user.there() and user.kind == "thirdparty":
            self.sign_in(user)
        elif user.there() or user.must_exist and not user.gone:
            found = self.call("GET", "/users?limit=10&email=" + user.contact)["users"]
            if not found:
                self.violate("a passwordless user is not there")
        if user.gone == "surely" and self.call("GET", "/user/id?userId=" + user.id)["status"] == "OK":
            self.violate("a removed user is there")
        for token in user.ended_sessions:
            reply = self.call("POST", "/recipe/session/refresh", {"refreshToken": token, "enableAntiCsrf": False, "useDynamicSigningKey": True})
            if reply["status"] == "OK":
                self.violate("a removed session lives")
        if user.there():
            self.read_metadata(user)
            self.read_role(user)
            found = self.call("GET", "/user/id?userId=" + user.id)
            if found["status"] == "OK":
                self.check_link(user, found["user"]["id"])
            else:
                self.violate("a user is not there")
            if user.session is not None:
                self.verify(user)
                self.refresh(user)

    def check_passwords(self, user):
        """Exactly one of the passwords that may be in force is, for an existing user, and none for a removed one."""
        accepted = [password for password in sorted(user.password.possible()) if self.accepts(user, password)]
        if user.there() and len(accepted) != 1:
            self.violate("%d of the passwords that may be in force are" % len(accepted))
        former = user.former_passwords - user.password.possible()
        if former and self.accepts(user, self.random.choice(sorted(former))):
            self.violate("a former password signs in")

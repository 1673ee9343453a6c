"""What clients did and what they were told, and whether the answers can all be true.

Each client works on users of its own, so its history has an order. An operation is acknowledged (200 and its outcome), refused (429 or 503: it may or may not have happened, as
nobody said), or lost (the connection broke, likewise). Every later answer must fit some order of what may have happened: a lost write, a lost user, a session that its owner lost
or a theft that was none is a violation.
"""
import collections
import http.client
import json
import threading
import time
import uuid

REQUEST_LIMIT_S = 31
# Words of a driver, of SQL or of our own inside that no client should read.
LEAKS = ("pqxx", "libpq", "SQLSTATE", "relation \"", "socket", "psql", "FATAL", "deadlock", "server closed", "connection to server")


class Unknown(Exception):
    """Nobody said whether the operation happened."""


class History:
    """Shared by all clients: counts and violations. Thread-safe."""

    def __init__(self, port, app):
        self.port, self.app = port, app
        self.lock = threading.Lock()
        self.answers = collections.Counter()
        self.violations = []
        self.slowest_s = 0.0
        self.last_failure = 0.0

    def violate(self, text):
        with self.lock:
            self.violations.append(text)

    def count(self, what, took_s):
        with self.lock:
            self.answers[what] += 1
            self.slowest_s = max(self.slowest_s, took_s)
            if what != "200":
                self.last_failure = time.monotonic()


class Client:
    """One client with one connection and a few users. `step` does something; `settle` checks all that was ever acknowledged."""

    def __init__(self, history, name, random):
        self.history, self.name, self.random = history, name, random
        self.connection = None
        self.users = []
        self.counter = 0

    def call(self, method, path, body):
        """The JSON of a 200; Unknown for what nobody answered or what was refused for now."""
        began = time.monotonic()
        if self.connection is None:
            self.connection = http.client.HTTPConnection("127.0.0.1", self.history.port, timeout=REQUEST_LIMIT_S + 9)
        try:
            self.connection.request(method, "/appid-%s%s" % (self.history.app, path), body=json.dumps(body),
                                    headers={"cdi-version": "5.4", "Content-Type": "application/json"})
            answer = self.connection.getresponse()
            status, text = answer.status, answer.read().decode("utf-8", "replace")
        except (OSError, http.client.HTTPException) as error:
            self.connection.close()
            self.connection = None
            status, text = "lost (%s)" % type(error).__name__, ""
        took = time.monotonic() - began
        self.history.count(str(status), took)
        if took > REQUEST_LIMIT_S:
            self.history.violate("%s %s took %.1f s" % (method, path, took))
        if status == 200:
            return json.loads(text)
        if status not in (429, 503) and isinstance(status, int):
            self.history.violate("%s %s: %d %s" % (method, path, status, text[:200]))
        if any(leak in text for leak in LEAKS):
            self.history.violate("%s %s tells too much: %s" % (method, path, text[:200]))
        raise Unknown

    # Of each user we know what may be true: `passwords` and `metadata` that may be in force, whether it may be gone, the refresh token that is its owner's. A write that nobody
    # answered may still be on its way to the database, so it stays possible after later ones.

    def step(self):
        actions = [self.sign_up, self.sign_in_by_third_party, self.sign_in_by_code]
        if self.users:
            actions += [self.use_user] * 9
        try:
            self.random.choice(actions)()
        except Unknown:
            pass

    def sign_up(self):
        user = {"kind": "emailpassword", "email": "%s@example.com" % uuid.uuid4().hex, "passwords": {"first password 1"}, "late": set(), "sure": False, "gone": False,
                "metadata": {None}, "session": None}
        self.users.append(user)
        self.put_user(user, self.call("POST", "/recipe/signup", {"email": user["email"], "password": "first password 1"}))

    def sign_in_by_third_party(self):
        identity = uuid.uuid4().hex
        user = {"kind": "thirdparty", "identity": identity, "late": set(), "sure": False, "gone": False, "metadata": {None}, "session": None}
        self.users.append(user)
        self.put_user(user, self.third_party(identity))

    def third_party(self, identity):
        return self.call("POST", "/recipe/signinup", {"thirdPartyId": "google", "thirdPartyUserId": identity, "email": {"id": identity + "@social.example", "isVerified": True}})

    def sign_in_by_code(self):
        user = {"kind": "passwordless", "email": "%s@code.example" % uuid.uuid4().hex, "late": set(), "sure": False, "gone": False, "metadata": {None}, "session": None}
        self.users.append(user)
        self.consume_code(user)

    def consume_code(self, user):
        """A code is made and used, again and again with the same code while nobody answers, as an honest client does."""
        code = self.call("POST", "/recipe/signinup/code", {"email": user["email"]})
        for _ in range(40):
            try:
                used = self.call("POST", "/recipe/signinup/code/consume", {"deviceId": code["deviceId"], "preAuthSessionId": code["preAuthSessionId"], "userInputCode": code["userInputCode"]})
            except Unknown:
                user["tried"] = True
                time.sleep(0.25)
                continue
            if used["status"] == "OK":
                return self.put_user(user, used)
            # Used up by an attempt that nobody answered: then its user is there.
            if not (used["status"] == "RESTART_FLOW_ERROR" and user.get("tried")):
                self.history.violate("a code of its own was refused: " + used["status"])
            user["must_exist"] = True
            return None
        raise Unknown

    def put_user(self, user, reply):
        if reply["status"] != "OK":
            self.history.violate("%s of a new user: %s" % (user["kind"], reply["status"]))
            return
        if user.get("id") not in (None, reply["user"]["id"]):
            self.history.violate("a user came back as another")
        user["id"], user["sure"] = reply["user"]["id"], True

    def use_user(self):
        user = self.random.choice(self.users)
        if not user["sure"] or user["gone"]:
            return self.sign_in(user)
        action = self.random.choice([self.sign_in, self.change_password, self.write_metadata, self.refresh, self.refresh, self.refresh, self.remove])
        if action is self.remove and self.random.random() < 0.7:
            action = self.refresh
        return action(user)

    def sign_in(self, user):
        if user["kind"] == "thirdparty":
            if not user["gone"]:
                self.put_user(user, self.third_party(user["identity"]))
            return
        if user["kind"] == "passwordless":
            if not user["gone"]:
                self.consume_code(user)
            return
        password = self.random.choice(sorted(user["passwords"]))
        reply = self.call("POST", "/recipe/signin", {"email": user["email"], "password": password})
        if reply["status"] == "OK":
            if user["gone"] == "surely":
                self.history.violate("a removed user signed in")
            user["id"], user["passwords"], user["sure"] = reply["user"]["id"], {password} | user["late"], True
        elif user["sure"] and not user["gone"]:
            if password not in user["late"]:
                user["passwords"].discard(password)
            if not user["passwords"]:
                self.history.violate("a user that signed up can't sign in: " + reply["status"])

    def change_password(self, user):
        if user["kind"] != "emailpassword":
            return
        self.counter += 1
        password = "another password %d" % self.counter
        try:
            reply = self.call("PUT", "/recipe/user", {"recipeUserId": user["id"], "password": password})
        except Unknown:
            user["late"].add(password)
            user["passwords"].add(password)
            raise
        if reply["status"] == "OK":
            user["passwords"] = {password} | user["late"]
        else:
            self.history.violate("password change: " + reply["status"])

    def write_metadata(self, user):
        self.counter += 1
        try:
            self.call("PUT", "/recipe/user/metadata", {"userId": user["id"], "metadataUpdate": {"n": self.counter}})
            user["metadata"] = {self.counter} | user["late"]
        except Unknown:
            user["late"].add(self.counter)
            user["metadata"].add(self.counter)
            raise

    def refresh(self, user):
        if user["session"] is None:
            made = self.call("POST", "/recipe/session", {"userId": user["id"], "userDataInJWT": {}, "userDataInDatabase": {}, "enableAntiCsrf": False})
            user["session"] = made["refreshToken"]["token"]
            return
        # After a lost answer the same token again, as an honest client's retry.
        reply = self.call("POST", "/recipe/session/refresh", {"refreshToken": user["session"], "enableAntiCsrf": False, "useDynamicSigningKey": True})
        if reply["status"] != "OK":
            self.history.violate("an honest refresh was taken for " + reply["status"])
            user["session"] = None
            return
        user["session"] = reply["refreshToken"]["token"]

    def remove(self, user):
        user["gone"] = "perhaps"
        user["session"] = None
        self.call("POST", "/user/remove", {"userId": user["id"]})
        user["gone"] = "surely"

    def settle(self):
        """Once all is well again: what was acknowledged must be there. Must not be refused."""
        for user in self.users:
            for attempt in range(60):
                try:
                    self.check(user)
                    break
                except Unknown:
                    time.sleep(0.25)
            else:
                self.history.violate("after the fault, requests are still refused")
                return

    def check_passwords(self, user):
        """One of the passwords that may be in force is, for a user that is there, and none for one that is gone."""
        accepted = 0
        for password in sorted(user["passwords"]):
            reply = self.call("POST", "/recipe/signin", {"email": user["email"], "password": password})
            accepted += reply["status"] == "OK"
        if user["gone"] == "surely" and accepted:
            self.history.violate("a removed user signs in")
        if user["sure"] and not user["gone"] and accepted != 1:
            self.history.violate("%d of the passwords that may be in force are" % accepted)

    def check(self, user):
        if user["kind"] == "emailpassword":
            self.check_passwords(user)
        elif user["gone"]:
            pass
        elif user["kind"] == "thirdparty":
            self.put_user(user, self.third_party(user["identity"]))
        elif user.get("must_exist") and not user["sure"]:
            found = self.call("GET", "/users?limit=10&email=" + user["email"], None)
            if not found["users"]:
                self.history.violate("a code was used up and there is no user")
        if user["gone"] == "surely":
            found = self.call("GET", "/user/id?userId=" + user["id"], None)
            if found["status"] == "OK":
                self.history.violate("a removed user is there")
        if user["sure"] and not user["gone"]:
            found = self.call("GET", "/recipe/user/metadata?userId=" + user["id"], None)
            if found["metadata"].get("n") not in user["metadata"]:
                self.history.violate("metadata went back")
            if user["session"] is not None:
                self.refresh(user)

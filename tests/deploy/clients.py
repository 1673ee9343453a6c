"""Clients that work through a balancer, each request sent once, and remember what they were promised."""
import http.client
import json
import threading
import time
import uuid

import every_service

PASSWORD = "correct horse 1"
ANSWERED = ("OK",)


class Clients:
    """`number` threads, each with a connection that it keeps. What is not answered 200 and OK is in `lost`; `broken` has what became of sessions."""

    def __init__(self, port, number, pause_s=0.0, headers=None):
        self.port, self.pause_s = port, pause_s
        self.headers = {"Content-Type": "application/json", "cdi-version": "5.4", **(headers or {})}
        self.lock = threading.Lock()
        self.sent, self.sessions = 0, 0
        self.times_s, self.lost, self.broken = [], [], []
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self.run) for _ in range(number)]

    def start(self):
        for thread in self.threads:
            thread.start()

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join()

    def percentile_ms(self, share):
        ordered = sorted(self.times_s)
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0

    def run(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        kept = []  # (access token, refresh token) of sessions that have to outlive everything
        visits, user = 0, None
        while not self.stopping.is_set():
            # Passwords cost far more than all of the rest: others would hardly get a turn.
            if user is None or visits % 20 == 0:
                user = self.sign_up(connection)
                if user:
                    self.use_every_service(connection, user[0])
            elif visits % 5 == 0:
                self.call(connection, "POST", "/recipe/signin", {"email": user[1], "password": PASSWORD})
            if user:
                self.visit(connection, user[0], kept)
            visits += 1
            self.stopping.wait(self.pause_s)
        for access, refresh in kept:
            self.judge(connection, access, refresh)
        connection.close()

    def sign_up(self, connection):
        email = uuid.uuid4().hex + "@example.com"
        made = self.call(connection, "POST", "/recipe/signup", {"email": email, "password": PASSWORD})
        return made and (made["user"]["id"], email)

    def use_every_service(self, connection, user_id):
        work, reply = every_service.operations(user_id, uuid.uuid4().hex), None
        try:
            while True:
                method, path, body, _ = work.send(reply)
                reply = self.call(connection, method, path, body)
                if reply is None:
                    return  # the rest needs that answer
        except StopIteration:
            pass

    def visit(self, connection, user_id, kept):
        """A user's visit, as a back end makes it with its SDK; and a look at a session of before."""
        self.call(connection, "GET", "/user/id?userId=" + user_id, None)
        self.call(connection, "PUT", "/recipe/user/metadata", {"userId": user_id, "metadataUpdate": {"seen": time.time()}})
        self.call(connection, "PUT", "/recipe/role", {"role": "reader", "permissions": ["read"]})
        self.call(connection, "PUT", "/recipe/user/role", {"userId": user_id, "role": "reader"})
        made = self.call(connection, "POST", "/recipe/session", {"userId": user_id, "userDataInJWT": {}, "userDataInDatabase": {}, "enableAntiCsrf": False})
        if made is None:
            return
        with self.lock:
            self.sessions += 1
        tokens = made["accessToken"]["token"], made["refreshToken"]["token"]
        self.verify(connection, tokens[0])
        tokens = self.refresh(connection, tokens[1])
        if tokens is None:
            return
        kept.append(tokens)
        # A session made before some of the restarts goes on.
        access, refresh = kept.pop(0)
        self.verify(connection, access)
        again = self.refresh(connection, refresh) if len(kept) % 5 == 0 else (access, refresh)
        if again is not None:
            kept.append(again)

    def verify(self, connection, access):
        for with_database in (False, True):
            self.call(connection, "POST", "/recipe/session/verify", {"accessToken": access, "doAntiCsrfCheck": False, "enableAntiCsrf": False, "checkDatabase": with_database}, session=True)

    def refresh(self, connection, refresh):
        made = self.call(connection, "POST", "/recipe/session/refresh", {"refreshToken": refresh, "enableAntiCsrf": False, "useDynamicSigningKey": True}, session=True)
        return made and (made["accessToken"]["token"], made["refreshToken"]["token"])

    def judge(self, connection, access, refresh):
        """At the end each session still is one."""
        self.verify(connection, access)
        self.refresh(connection, refresh)

    def call(self, connection, method, path, body, session=False):
        begin = time.monotonic()
        try:
            connection.request(method, path, None if body is None else json.dumps(body), self.headers)
            response = connection.getresponse()
            status, text = response.status, response.read().decode()
        except (OSError, http.client.HTTPException) as error:
            status, text = 0, repr(error)
            connection.close()  # the next request opens another
        seconds = time.monotonic() - begin
        reply = json.loads(text) if status == 200 else None
        good = reply is not None and reply.get("status") in ANSWERED
        with self.lock:
            self.sent += 1
            self.times_s.append(seconds)
            if not good:
                # An answer that denies a session is worse than none.
                (self.broken if session and status == 200 else self.lost).append("%s %s %s: %d %s" % (time.strftime("%H:%M:%S", time.gmtime()), method, path, status, text[:200].strip()))
        return reply if good else None

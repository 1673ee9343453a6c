#!/usr/bin/env python3
"""SIGTERM under load, repeatedly: every process ends by itself, with status 0, within the drain time, and every accepted request is answered.

Usage: shutdown.py [--rounds N] [--mode all-in-one|split] [--case CASE ...] [--slack SECONDS]

A round starts Gatehouse, loads it, sends SIGTERM to all of its processes at once (odd rounds of a split suite: to the gateway first), and checks the outcome.
Cases:
  reset   sign-ups and sessions by clients with and without keep-alive, alongside clients that send a request and reset the connection
  silent  the same, with every process of PostgreSQL stopped (SIGSTOP) a moment before
  queue   more sign-ins than can be hashed within the drain time, half of them by clients that have gone
GATEHOUSE_BIN names the programs, such as those of the address sanitizer (which looks for leaks at the end: tests/sanitizers/leak.supp). Exit status 1 when a round failed; the last line is a JSON summary.
"""
import argparse
import collections
import http.client
import json
import os
import random
import signal
import socket
import struct
import sys
import threading
import time
import uuid

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from integration import harness  # noqa: E402

PASSWORD = "correct horse 1"
SUPPRESSIONS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../sanitizers/leak.supp")
CASES = {"reset": 10.0, "silent": 3.0, "queue": 1.0}  # drain times in seconds; the first is ample, so that everything is answered


class Load:
    """Clients that keep working until the server accepts no more connections."""

    def __init__(self, port, app):
        self.port, self.app = port, app
        self.lock = threading.Lock()
        self.answers = collections.Counter()  # by status
        self.lost = []
        self.signed_up = []  # acknowledged
        self.threads = []

    def start(self, function, count):
        for _ in range(count):
            thread = threading.Thread(target=function, daemon=True)
            thread.start()
            self.threads.append(thread)

    def join(self, timeout_s):
        end = time.monotonic() + timeout_s
        for thread in self.threads:
            thread.join(max(0.0, end - time.monotonic()))
        if any(thread.is_alive() for thread in self.threads):
            self.lost.append("a client still waits for its answer")

    def connect(self):
        """None once nothing listens any more: a request that was not accepted is not lost."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.connect()
        except OSError:
            return None
        return connection

    def send(self, connection, path, body):
        connection.request("POST", "/appid-%s%s" % (self.app, path), body=json.dumps(body),
                           headers={"Content-Type": "application/json", "cdi-version": "5.4"})

    def answer_of(self, connection, path):
        """(status, JSON or None); None when the request was lost."""
        try:
            reply = connection.getresponse()
            text = reply.read()
        except (OSError, http.client.HTTPException) as error:
            with self.lock:
                self.lost.append("%s: %r" % (path, error))
            return None
        with self.lock:
            self.answers[reply.status] += 1
        if reply.getheader("Connection") == "close":
            connection.close()
        return reply.status, json.loads(text) if reply.status == 200 else None

    def users(self, keep_alive):
        """Signs users up and creates sessions for them."""
        connection = None
        while True:
            if connection is None or connection.sock is None:
                connection = self.connect()
            if connection is None:
                return
            email = uuid.uuid4().hex + "@example.com"
            path, body = random.choice([("/recipe/signup", {"email": email, "password": PASSWORD}),
                                        ("/recipe/session", {"userId": email, "userDataInJWT": {}, "userDataInDatabase": {}, "enableAntiCsrf": False})])
            try:
                self.send(connection, path, body)
            except OSError as error:
                with self.lock:
                    self.lost.append("sending %s: %r" % (path, error))
                return
            answer = self.answer_of(connection, path)
            if answer is None:
                return
            if answer[0] == 200 and path == "/recipe/signup":
                with self.lock:
                    self.signed_up.append(answer[1]["user"]["id"])
            if not keep_alive:
                connection.close()
                connection = None

    def sign_in_once(self, email, reset):
        connection = self.connect()
        if connection is None:
            return
        self.send(connection, "/recipe/signin", {"email": email, "password": PASSWORD})
        if reset:
            time.sleep(0.2)
            self.reset(connection)
        else:
            self.answer_of(connection, "/recipe/signin")

    @staticmethod
    def reset(connection):
        if connection.sock is not None:
            connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()

    def resets(self):
        """Sends requests and resets the connection before, or while, they are answered."""
        while True:
            connection = self.connect()
            if connection is None:
                return
            try:
                self.send(connection, "/recipe/signup", {"email": uuid.uuid4().hex + "@example.com", "password": PASSWORD})
                time.sleep(random.choice([0, 0.002, 0.02]))
                self.reset(connection)
            except OSError:
                pass


class Round:
    def __init__(self, arguments, postgres, database, case, number):
        self.arguments, self.postgres, self.database, self.case, self.number = arguments, postgres, database, case, number
        self.problems = []

    def run(self):
        drain_s = CASES[self.case]
        environment = {"GATEHOUSE_DRAIN_TIMEOUT_MS": str(int(1000 * drain_s)), "LOG_LEVEL": "INFO"}
        # Test mode hashes at the least cost; the queue should be long, and one hash short, since nothing can interrupt it.
        environment["BCRYPT_LOG_ROUNDS"] = "10"
        environment["LSAN_OPTIONS"] = "suppressions=%s:print_suppressions=0" % SUPPRESSIONS
        server = harness.Gatehouse(mode=self.arguments.mode, database=self.database, environment=environment, postgres=self.postgres, test_mode=self.case != "queue").start()
        try:
            self.load = Load(server.port, server.new_app().app)
            self.begin_load()
            seconds = self.stop(server)
        finally:
            server.kill()
        self.load.join(5)
        statuses = {name: process.process.returncode for name, process in server.processes.items()}
        if any(statuses.values()):
            self.problems.append("exit statuses %s" % {name: status for name, status in statuses.items() if status != 0})
            for name, process in server.processes.items():
                if statuses[name] != 0:
                    self.problems.append(process.log()[-3000:])
        if seconds > drain_s + self.arguments.slack:
            self.problems.append("took %.1f s of %.1f s" % (seconds, drain_s))
        for loss in self.load.lost[:5]:
            self.problems.append("lost: " + loss)
        unexpected = set(self.load.answers) - ({200, 503, 429} if self.may_refuse() else {200})
        if unexpected:
            self.problems.append("answers %s" % dict(self.load.answers))
        self.look_for_users()
        return seconds

    def may_refuse(self):
        # Processes that are all stopped at once no longer answer each other.
        return self.case != "reset" or (self.arguments.mode == "split" and self.number % 2 == 0)

    def begin_load(self):
        load = self.load
        if self.case == "queue":
            user = uuid.uuid4().hex + "@example.com"
            connection = load.connect()
            load.send(connection, "/recipe/signup", {"email": user, "password": PASSWORD})
            load.answer_of(connection, "/recipe/signup")
            for i in range(160):
                load.start(lambda reset=i % 2 == 0: load.sign_in_once(user, reset), 1)
            time.sleep(0.8)
            return
        # The app's keys, whose making would be most of a short round.
        connection = load.connect()
        load.send(connection, "/recipe/session", {"userId": "first", "userDataInJWT": {}, "userDataInDatabase": {}, "enableAntiCsrf": False})
        load.answer_of(connection, "/recipe/session")
        load.start(lambda: load.users(keep_alive=True), 6)
        load.start(lambda: load.users(keep_alive=False), 4)
        load.start(load.resets, 6)
        time.sleep(random.uniform(0.5, 1.0))

    def stop(self, server):
        if self.case == "silent":
            self.postgres.signal_all(signal.SIGSTOP)
            time.sleep(0.2)
        try:
            seconds = 0.0
            first = [["gateway"], [name for name in server.processes if name != "gateway"]]
            for names in first if self.arguments.mode == "split" and self.number % 2 else [list(server.processes)]:
                begun = time.monotonic()
                for name in names:
                    server.processes[name].process.send_signal(signal.SIGTERM)
                for name in names:
                    self.end_of(server.processes[name])
                seconds = max(seconds, time.monotonic() - begun)
            return seconds
        finally:
            self.postgres.signal_all(signal.SIGCONT)

    def end_of(self, process):
        try:
            process.process.wait(60)
        except harness.subprocess.TimeoutExpired:
            self.problems.append("%s did not stop: %s" % (process.program, process.log()[-2000:]))
            process.kill()

    def look_for_users(self):
        """Every acknowledged sign-up has happened."""
        if not self.load.signed_up:
            return
        rows = self.postgres.sql("SELECT user_id FROM emailpassword_users WHERE app_id = '%s'" % self.load.app, self.database)
        missing = set(self.load.signed_up) - {row[0] for row in rows}
        if missing:
            self.problems.append("%d acknowledged users are not there" % len(missing))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--mode", default=harness.MODE, choices=("all-in-one", "split"))
    parser.add_argument("--case", nargs="+", default=list(CASES), choices=CASES)
    parser.add_argument("--slack", type=float, default=1.5, help="seconds past the drain time, for a busy machine")
    arguments = parser.parse_args()
    postgres = harness.Postgres()
    failed, summary = 0, {}
    try:
        database = postgres.create_database()
        for case in arguments.case:
            times, answers = [], collections.Counter()
            for number in range(arguments.rounds):
                one = Round(arguments, postgres, database, case, number)
                times.append(one.run())
                answers.update(one.load.answers)
                if one.problems:
                    failed += 1
                    print("%s, round %d: %s" % (case, number, "\n  ".join(one.problems)), flush=True)
            summary[case] = {"rounds": arguments.rounds, "drain_s": CASES[case], "slowest_s": round(max(times), 2), "median_s": round(sorted(times)[len(times) // 2], 2),
                             "answers": {str(status): count for status, count in sorted(answers.items())}}
            print(case, json.dumps(summary[case]), flush=True)
    finally:
        postgres.stop()
    print(json.dumps({"mode": arguments.mode, "failed_rounds": failed, "cases": summary}))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

"""Neither the answer to a wrong password nor its cost reveals whether an email has an account, or of what kind."""
import os
import unittest

from integration import harness

PASSWORD = "correct horse 1"
SIGNER_KEY = "jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA=="
# Hashes of "pässwörd€😀": Firebase's, of its UTF-8 bytes; and the original's, of "p?ssw?rd??".
FIREBASE = {"firebase@example.com": "uMtG8m8gnC2D5CS/l1STxL7r/XznihwOPPRoxrdv+TQf1reYEFN09YxBpIXE5MBwoXU9kWganJipdMLfCSnyFg==",
            "original@example.com": "C5TlNQ0blBIf3MWNFYf25C4HM1WD2e6RmT9IqKsaaum20IRCag6iYcuFBcjmwbFoKy5oBwNGRBL03NKpCLEzjg=="}


class AccountExistence(harness.GatehouseTest):
    @classmethod
    def setUpClass(cls):
        # Test mode would hash at the least cost.
        cls.gatehouse = harness.Gatehouse(mode=cls.mode, test_mode=False).start()
        cls.addClassCleanup(cls.gatehouse.kill)

    def import_hash(self, email, stored):
        self.expect(self.app.post("/recipe/user/passwordhash/import", {"email": email, "passwordHash": stored}))

    def processor_ms(self):
        """The processor time of the hashing process so far: unlike the time of an answer, it does not depend on the machine's other work."""
        process = self.gatehouse.processes.get("users") or self.gatehouse.processes["gatehouse"]
        with open("/proc/%d/stat" % process.process.pid) as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return 1000 * (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def cost(self, email, password):
        """Of a sign-in with a wrong password, in ms."""
        begin = self.processor_ms()
        self.expect(self.app.post("/recipe/signin", {"email": email, "password": password}), status="WRONG_CREDENTIALS_ERROR")
        return self.processor_ms() - begin

    def cost_alike(self, bad_hashes):
        self.expect(self.app.post("/recipe/signup", {"email": "known@example.com", "password": PASSWORD}))
        self.expect(self.app.post("/recipe/signinup", {"thirdPartyId": "google", "thirdPartyUserId": "g", "email": {"id": "social@example.com", "isVerified": True}}))
        for i, stored in enumerate(bad_hashes):
            self.import_hash("bad%d@example.com" % i, stored)
        # Rows of other cores may contain anything.
        self.import_hash("empty@example.com", bad_hashes[0])
        app = self.app.app
        self.gatehouse.sql("UPDATE emailpassword_users SET password_hash = '' WHERE app_id = '%s' AND email = 'empty@example.com'" % app)
        wrong = {email: (email, "wrong horse 2")
                 for email in ["known@example.com", "nobody@example.com", "social@example.com", "empty@example.com"] + ["bad%d@example.com" % i for i in range(len(bad_hashes))]}
        wrong["a password with a NUL"] = ("known@example.com", "wrong\0horse")
        # The least of some rounds: the process does other work too, such as generating keys after its start.
        rounds = [{name: self.cost(*what) for name, what in wrong.items()} for _ in range(3)]
        times = {name: min(costs[name] for costs in rounds) for name in wrong}
        known = times["known@example.com"]
        print(times)
        for email, ms in times.items():
            self.assertGreater(ms, known / 2, (email, times))
            self.assertLess(ms, known * 2, (email, times))

    def test_bcrypt(self):
        self.cost_alike(["$2a$10$short", "$2a$10$" + "*" * 53, "$argon2id$v=19$m=64,t=0,p=1$MTIzNDU2Nzg$MTIzNDU2Nzg"])

    def test_argon2(self):
        self.app = self.gatehouse.new_app({"password_hashing_alg": "ARGON2"})
        self.addCleanup(self.app.close)
        self.cost_alike(["$2a$10$short", "$argon2id$nothing"])

    def test_firebase_hashes_of_passwords_beyond_ascii(self):
        self.app = self.gatehouse.new_app({"firebase_password_hashing_signer_key": SIGNER_KEY})
        self.addCleanup(self.app.close)
        for email, part in FIREBASE.items():
            self.import_hash(email, "$f_scrypt$%s$42xEC+ixf3L2lw==$m=14$r=8$s=Bw==" % part)
            self.expect(self.app.post("/recipe/signin", {"email": email, "password": "pässwörd€😀"}))
            self.expect(self.app.post("/recipe/signin", {"email": email, "password": "pässwörd€"}), status="WRONG_CREDENTIALS_ERROR")


if __name__ == "__main__":
    unittest.main()

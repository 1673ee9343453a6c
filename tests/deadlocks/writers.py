"""Everything that writes the users' registry, on a handful of users that all clients share, and a PostgreSQL that reports lock waits.

Each writer is one call, or a few that belong together; its answer does not matter as long as it is no 5xx."""
import random
import re
import tempfile
import threading

from integration import harness
from integration.authenticator import totp_code
from integration.passkeys import Authenticator, Site

PASSWORD = "correct horse 1"
SLOTS = 4  # users of each recipe
TENANTS = ("t1", "t2")
# Passkeys, which users have or take from each other; a client of this version uses its options up.
KEYS, PASSKEY_CDI = 6, {"cdi": "5.6"}
TOTP_SECRET = "JBSWY3DPEHPK3PXP"


class Postgres(harness.Postgres):
    """A server that checks for deadlocks after every 100 ms of waiting, and logs each such wait."""

    def __init__(self):
        self.log = tempfile.TemporaryFile("w+b")
        super().__init__(settings=("deadlock_timeout=100ms", "log_lock_waits=on", "log_statement=none"), log=self.log)

    def deadlocks(self, database):
        return int(self.sql("SELECT deadlocks FROM pg_stat_database WHERE datname = '%s'" % database, "postgres")[0][0])

    def logged(self):
        self.log.flush()
        self.log.seek(0)
        return self.log.read().decode("utf-8", "replace")

    def deadlock_reports(self):
        """Who waited for whom, with which statements."""
        return re.findall(r"deadlock detected\n.*?DETAIL:(.*?)HINT:", self.logged(), re.S)

    def waits(self):
        """Those longer than 100 ms, in milliseconds."""
        return [float(text) for text in re.findall(r"(?:acquired|still waiting for) .* after ([0-9.]+) ms", self.logged())]


class Registry:
    """The shared users of one app. Ids change as users are removed and sign up again."""

    def __init__(self, gatehouse):
        self.gatehouse = gatehouse
        self.owner = gatehouse.new_app()
        self.app = self.owner.app
        self.lock = threading.Lock()
        self.passkeys = [Authenticator("hunt %d" % number) for number in range(KEYS)]
        for tenant in TENANTS:
            self.put_tenant(self.owner, tenant)
        self.ids = {}
        for slot in range(SLOTS):
            self.password(self.owner, slot)
            self.social(self.owner, slot)
            self.code(self.owner, slot)
            self.passkey(self.owner, slot)

    # What is remembered by all: the newest id of each slot.
    def keep(self, name, slot, reply):
        if reply.status == 200 and "user" in reply.json:
            method = reply.json.get("recipeUserId") or reply.json["user"]["id"]
            with self.lock:
                self.ids[(name, slot)] = method
        return reply

    def anyone(self, rnd):
        with self.lock:
            return rnd.choice(list(self.ids.values()))

    # Sign-ins and sign-ups.
    def password(self, client, slot, email=None):
        return self.keep("password", slot, client.post("/recipe/signup", {"email": email or "e%d@example.com" % slot, "password": PASSWORD}))

    def social(self, client, slot, email=None, tenant=None):
        body = {"thirdPartyId": "google", "thirdPartyUserId": "g%d" % slot, "email": {"id": email or "e%d@example.com" % slot, "isVerified": True}}
        return self.keep("social", slot, client.post("/recipe/signinup", body, tenant=tenant))

    def code(self, client, slot):
        created = client.post("/recipe/signinup/code", {"email": "e%d@example.com" % slot}).json
        body = {"preAuthSessionId": created["preAuthSessionId"], "deviceId": created["deviceId"], "userInputCode": created["userInputCode"]}
        return self.keep("code", slot, client.post("/recipe/signinup/code/consume", body))

    def passkey(self, client, slot):
        return self.keep("passkey", slot, Site(client).sign_up(self.passkeys[slot], "e%d@example.com" % slot, **PASSKEY_CDI))

    def put_tenant(self, client, tenant):
        return client.put("/recipe/multitenancy/tenant/v2", {"tenantId": tenant})

    def writers(self):
        return {
            "sign up": lambda client, rnd: [self.password(client, rnd.randrange(SLOTS))],
            "social sign-in": lambda client, rnd: [self.social(client, rnd.randrange(SLOTS), tenant=rnd.choice((None, "t1")))],
            "social email change": lambda client, rnd: [self.social(client, rnd.randrange(SLOTS), "n%d@example.com" % rnd.randrange(3))],
            "code": lambda client, rnd: [self.code(client, rnd.randrange(SLOTS))],
            "primary": lambda client, rnd: [client.post("/recipe/accountlinking/user/primary", {"recipeUserId": self.anyone(rnd)})],
            "link": lambda client, rnd: [client.post("/recipe/accountlinking/user/link", {"recipeUserId": self.anyone(rnd), "primaryUserId": self.anyone(rnd)})],
            "unlink": lambda client, rnd: [client.post("/recipe/accountlinking/user/unlink", {"recipeUserId": self.anyone(rnd)})],
            "remove": self.remove_one,
            "remove group": self.remove_group,
            "join tenant": lambda client, rnd: [client.post("/recipe/multitenancy/tenant/user", {"recipeUserId": self.anyone(rnd)}, tenant=rnd.choice(TENANTS))],
            "leave tenant": lambda client, rnd: [client.post("/recipe/multitenancy/tenant/user/remove", {"recipeUserId": self.anyone(rnd)}, tenant=rnd.choice(TENANTS))],
            "email and password": lambda client, rnd: [client.put("/recipe/user", {
                "recipeUserId": self.ids[("password", rnd.randrange(SLOTS))], "email": "n%d@example.com" % rnd.randrange(3), "password": PASSWORD})],
            "contact": lambda client, rnd: [client.put("/recipe/user", {
                "recipeUserId": self.ids[("code", rnd.randrange(SLOTS))], "email": "n%d@example.com" % rnd.randrange(3), "phoneNumber": "+1415555000%d" % rnd.randrange(3)})],
            "map id": self.map_id,
            "verify email": self.verify_email,
            "reset password": self.reset_password,
            "tenant": self.renew_tenant,
            "metadata": lambda client, rnd: [client.put("/recipe/user/metadata", {"userId": self.anyone(rnd), "metadataUpdate": {"a": rnd.random()}})],
        }

    def other_writers(self):
        """Users' data outside the registry, which a user's removal and an id's mapping write too."""
        return {
            "session": self.session,
            "role": self.role,
            "totp": self.totp,
            "passkey sign-in": lambda client, rnd: [self.passkey(client, rnd.randrange(SLOTS)), Site(client).sign_in(rnd.choice(self.passkeys), **PASSKEY_CDI)],
            "passkeys of a user": self.further_passkeys,
            "passkey recovery": self.recover,
            "passkey email": lambda client, rnd: [client.put("/recipe/webauthn/user/email", {
                "recipeUserId": self.ids[("passkey", rnd.randrange(SLOTS))], "email": "n%d@example.com" % rnd.randrange(3)}, **PASSKEY_CDI)],
            # Emails of others, so that most are refused: by what another transaction has or takes at the same moment.
            "import": lambda client, rnd: [client.post("/bulk-import/import", {"loginMethods": [
                {"recipeId": "emailpassword", "email": "e%d@example.com" % rnd.randrange(SLOTS), "plainTextPassword": PASSWORD, "tenantIds": rnd.sample(("public", *TENANTS), 2), "isPrimary": True},
                {"recipeId": "passwordless", "email": "n%d@example.com" % rnd.randrange(3)}]})],
            "codes of one address": self.revoke_codes,
            "tokens of one user": self.revoke_tokens,
            "metadata removed": lambda client, rnd: [client.post("/recipe/user/metadata/remove", {"userId": self.anyone(rnd)})],
            "external id's info": lambda client, rnd: [client.put("/recipe/userid/external-user-id-info", {
                "userId": self.anyone(rnd), "userIdType": "ANY", "externalUserIdInfo": "info %d" % rnd.randrange(10)})],
        }

    def session(self, client, rnd):
        user = self.anyone(rnd)
        made = client.post("/recipe/session", {"userId": user, "userDataInJWT": {}, "userDataInDatabase": {}, "enableAntiCsrf": False})
        replies = [made]
        if made.status == 200:
            handle = made.json["session"]["handle"]
            replies += [client.post("/recipe/session/refresh", {"refreshToken": made.json["refreshToken"]["token"], "enableAntiCsrf": False}),
                        client.put("/recipe/session/data", {"sessionHandle": handle, "userDataInDatabase": {"a": 1}}),
                        client.put("/recipe/jwt/data", {"sessionHandle": handle, "userDataInJWT": {"a": 1}})]
        return replies + [client.post("/recipe/session/remove", {"userId": self.anyone(rnd)})]

    def role(self, client, rnd):
        role, user = "role%d" % rnd.randrange(3), self.anyone(rnd)
        return [client.put("/recipe/role", {"role": role, "permissions": rnd.sample(("a", "b", "c", "d"), 3)}),
                client.put("/recipe/user/role", {"userId": user, "role": role}),
                client.post("/recipe/role/permissions/remove", {"role": role, "permissions": rnd.sample(("a", "b", "c", "d"), 2)}),
                client.post("/recipe/user/role/remove", {"userId": self.anyone(rnd), "role": role}) if rnd.random() < 0.5 else
                client.post("/recipe/role/remove", {"role": role})]

    def totp(self, client, rnd):
        user, tenant = self.anyone(rnd), rnd.choice((None, *TENANTS))
        device = {"userId": user, "deviceName": "d%d" % rnd.randrange(3)}
        return [client.post("/recipe/totp/device/import", {**device, "skew": 1, "period": 30, "secretKey": TOTP_SECRET}),
                client.post("/recipe/totp/device/verify", {"userId": user, "deviceName": device["deviceName"], "totp": totp_code(TOTP_SECRET)}, tenant=tenant),
                client.post("/recipe/totp/verify", {"userId": user, "totp": "x"}, tenant=tenant),
                client.put("/recipe/totp/device", {"userId": user, "existingDeviceName": device["deviceName"], "newDeviceName": "d%d" % rnd.randrange(3)}),
                client.post("/recipe/totp/device/remove", {**device, "userId": self.anyone(rnd)})]

    def further_passkeys(self, client, rnd):
        slot = rnd.randrange(SLOTS)
        user, key = self.ids[("passkey", slot)], rnd.choice(self.passkeys)
        return [Site(client).add(key, user, "e%d@example.com" % slot, **PASSKEY_CDI),
                client.request("DELETE", "/recipe/webauthn/user/credential/remove", query={
                    "recipeUserId": self.ids[("passkey", rnd.randrange(SLOTS))], "webauthnCredentialId": rnd.choice(self.passkeys).id}, **PASSKEY_CDI)]

    def recover(self, client, rnd):
        slot = rnd.randrange(SLOTS)
        body = {"userId": self.ids[("passkey", slot)], "email": "e%d@example.com" % slot}
        replies = [client.post("/recipe/webauthn/user/recover/token", body, **PASSKEY_CDI) for _ in range(2)]
        for reply in replies[:]:
            if reply.status == 200 and reply.json["status"] == "OK":
                replies.append(client.post("/recipe/webauthn/user/recover/token/consume", {"token": reply.json["token"]}, **PASSKEY_CDI))
        return replies

    def revoke_codes(self, client, rnd):
        email = "e%d@example.com" % rnd.randrange(SLOTS)
        made = client.post("/recipe/signinup/code", {"email": email})
        return [made, client.post("/recipe/signinup/code/remove", {"codeId": made.json["codeId"]}) if made.status == 200 else made,
                client.post("/recipe/signinup/codes/remove", {"email": email})]

    def revoke_tokens(self, client, rnd):
        body = {"userId": self.anyone(rnd), "email": "e%d@example.com" % rnd.randrange(SLOTS)}
        return [client.post("/recipe/user/email/verify/token", body), client.post("/recipe/user/email/verify/token/remove", body)]

    def remove_one(self, client, rnd):
        slot = rnd.randrange(SLOTS)
        replies = [client.post("/user/remove", {"userId": self.ids[("social", slot)], "removeAllLinkedAccounts": False})]
        return replies + [self.social(client, slot)]

    def remove_group(self, client, rnd):
        slot = rnd.randrange(SLOTS)
        replies = [client.post("/user/remove", {"userId": self.anyone(rnd), "removeAllLinkedAccounts": True})]
        return replies + [self.social(client, slot), self.password(client, slot), self.code(client, slot), self.passkey(client, slot)]

    def map_id(self, client, rnd):
        user = self.anyone(rnd)
        made = client.post("/recipe/userid/map", {"superTokensUserId": user, "externalUserId": "ext-%d" % rnd.randrange(1000), "force": True})
        return [made, client.post("/recipe/userid/map/remove", {"userId": user, "userIdType": "SUPERTOKENS", "force": True})]

    def verify_email(self, client, rnd):
        body = {"userId": self.anyone(rnd), "email": "e%d@example.com" % rnd.randrange(SLOTS)}
        replies = [client.post("/recipe/user/email/verify/token", body) for _ in range(3)]
        for reply in replies[:]:
            if reply.status == 200 and reply.json["status"] == "OK":
                replies.append(client.post("/recipe/user/email/verify", {"method": "token", "token": reply.json["token"]}))
        return replies + [client.post("/recipe/user/email/verify/remove", body)]

    def reset_password(self, client, rnd):
        user = self.ids[("password", rnd.randrange(SLOTS))]
        replies = [client.post("/recipe/user/password/reset/token", {"userId": user, "email": "e0@example.com"}) for _ in range(2)]
        for reply in replies[:]:
            if reply.status == 200 and reply.json["status"] == "OK":
                replies.append(client.post("/recipe/user/password/reset", {"method": "token", "token": reply.json["token"], "newPassword": PASSWORD}))
        return replies

    def renew_tenant(self, client, rnd):
        removed = client.post("/recipe/multitenancy/tenant/remove", {"tenantId": "t2"})
        return [removed, self.put_tenant(client, "t2"),
                client.post("/recipe/multitenancy/tenant/user", {"recipeUserId": self.anyone(rnd)}, tenant="t2")]


class Clients:
    def __init__(self, registry, count):
        self.clients = [harness.Client(registry.gatehouse.port, app=registry.app) for _ in range(count)]
        for client in self.clients:
            client.get("/users/count")  # connects

    def close(self):
        for client in self.clients:
            client.close()

    def run(self, writers, times, seed=0):
        """Each client calls one of the writers, `times` times; all at once. Returns the replies that nobody should get, with the writer's name."""
        wrong, barrier = [], threading.Barrier(len(self.clients))

        def run(number):
            rnd = random.Random(seed * 1000 + number)
            name, call = writers[number % len(writers)]
            barrier.wait()
            try:
                for _ in range(times):
                    for reply in call(self.clients[number], rnd):
                        if reply.status >= 429:
                            wrong.append((name, reply))
            except Exception as error:  # reported by the caller, which checks the replies
                wrong.append((name, error))
        threads = [threading.Thread(target=run, args=(number,)) for number in range(len(self.clients))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return wrong

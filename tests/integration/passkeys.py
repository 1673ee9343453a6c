"""An authenticator in software: ES256 on P-256 (FIPS 186-4) in plain Python, for tests only. Its keys are made from a seed, and signing is not constant-time."""
import base64
import hashlib
import json

P = 2**256 - 2**224 + 2**192 + 2**96 - 1
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
BASE = (0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296, 0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5)


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def plus(a, b):
    if a is None or b is None:
        return a or b
    if a[0] == b[0] and a[1] != b[1]:
        return None
    slope = (3 * (a[0] ** 2 - 1) * pow(2 * a[1], -1, P) if a == b else (b[1] - a[1]) * pow(b[0] - a[0], -1, P)) % P
    x = (slope**2 - a[0] - b[0]) % P
    return x, (slope * (a[0] - x) - a[1]) % P


def times(factor, point):
    total = None
    for bit in bin(factor)[2:]:
        total = plus(total, total)
        if bit == "1":
            total = plus(total, point)
    return total


def der(number):
    data = number.to_bytes(number.bit_length() // 8 + 1, "big")
    return b"\x02" + bytes([len(data)]) + data


class Authenticator:
    """One passkey. `counts`: whether it counts its signatures."""

    def __init__(self, seed, rp="example.com", origin="https://example.com", counts=False):
        self.secret = int.from_bytes(hashlib.sha256(b"secret" + seed.encode()).digest(), "big") % ORDER
        self.raw_id = hashlib.sha256(b"id" + seed.encode()).digest()
        self.id = base64url(self.raw_id)
        self.rp, self.origin, self.counts, self.counter = rp, origin, counts, 0
        x, y = times(self.secret, BASE)
        # COSE: a map of key type, algorithm, curve, and the point.
        self.key = bytes.fromhex("a5010203262001215820") + x.to_bytes(32, "big") + b"\x22\x58\x20" + y.to_bytes(32, "big")

    def attested(self):
        return bytes(16) + len(self.raw_id).to_bytes(2, "big") + self.raw_id + self.key

    def data(self, flags):
        return hashlib.sha256(self.rp.encode()).digest() + bytes([flags]) + self.counter.to_bytes(4, "big")

    def client_data(self, kind, challenge):
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}).encode()

    def sign(self, message):
        digest = int.from_bytes(hashlib.sha256(message).digest(), "big")
        nonce = int.from_bytes(hashlib.sha512(self.secret.to_bytes(32, "big") + message).digest(), "big") % ORDER
        r = times(nonce, BASE)[0] % ORDER
        s = (digest + r * self.secret) * pow(nonce, -1, ORDER) % ORDER
        body = der(r) + der(s)
        return b"\x30" + bytes([len(body)]) + body

    def credential(self, response):
        return {"id": self.id, "rawId": self.id, "type": "public-key", "authenticatorAttachment": "platform", "clientExtensionResults": {}, "response": response}

    def register(self, challenge):
        data = self.data(0x45) + self.attested()
        attestation = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58" + bytes([len(data)]) + data
        return self.credential({"clientDataJSON": base64url(self.client_data("webauthn.create", challenge)), "attestationObject": base64url(attestation), "transports": ["internal"]})

    def answer(self, challenge):
        self.counter += self.counts
        data, client = self.data(5), self.client_data("webauthn.get", challenge)
        signature = self.sign(data + hashlib.sha256(client).digest())
        return self.credential({"clientDataJSON": base64url(client), "authenticatorData": base64url(data), "signature": base64url(signature), "userHandle": "AAAA"})


class Site:
    """What a site's backend does with passkeys, by a client of one app."""

    def __init__(self, app, rp="example.com", origin="https://example.com"):
        self.app, self.party = app, {"relyingPartyId": rp, "relyingPartyName": "Example", "origin": origin, "timeout": 60000}

    def registration(self, email, **k):
        return self.app.post("/recipe/webauthn/options/register", {"email": email, **self.party}, **k).json

    def sign_in_options(self, **k):
        return self.app.post("/recipe/webauthn/options/signin", self.party, **k).json

    def sign_up(self, key, email, **k):
        options = self.registration(email, **k)
        return self.app.post("/recipe/webauthn/signup", {"webauthnGeneratedOptionsId": options["webauthnGeneratedOptionsId"], "credential": key.register(options["challenge"])}, **k)

    def sign_in(self, key, **k):
        options = self.sign_in_options(**k)
        return self.app.post("/recipe/webauthn/signin", {"webauthnGeneratedOptionsId": options["webauthnGeneratedOptionsId"], "credential": key.answer(options["challenge"])}, **k)

    def add(self, key, user, email, **k):
        options = self.registration(email, **k)
        body = {"recipeUserId": user, "webauthnGeneratedOptionsId": options["webauthnGeneratedOptionsId"], "credential": key.register(options["challenge"])}
        return self.app.post("/recipe/webauthn/user/credential/register", body, **k)

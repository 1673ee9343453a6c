#!/usr/bin/env python3
"""A small OpenID Connect provider on loopback, for the SDK walks. Standard library only.

It signs in the user named by `login_hint` (by default "walker") without asking, with the address
<login_hint>@oidc.example. Codes work once, for the client, redirect URI and PKCE challenge that they
were issued to. Keys and codes live as long as the process. Not for production: there is no login page.

    oidc_provider.py [--port 0] [--client-id ID] [--client-secret SECRET]

Prints its issuer URL as the first line of its output, and serves until it is told to stop or its
standard input ends (so that it does not outlive a runner that was killed).
"""
import argparse
import base64
import hashlib
import hmac
import json
import secrets
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

KEY_BITS = 2048
CODE_LIFETIME_S = 60
TOKEN_LIFETIME_S = 3600
MAX_BODY_BYTES = 16 * 1024
# The DER prefix of a SHA-256 DigestInfo (RFC 8017, section 9.2, note 1).
SHA256_DIGEST_INFO = bytes.fromhex("3031300d060960864801650304020105000420")
SMALL_PRIMES = [p for p in range(3, 2000, 2) if all(p % d for d in range(3, int(p**0.5) + 1, 2))]


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def is_probable_prime(n, rounds=20):
    """Miller-Rabin; 20 rounds leave a chance below 4^-20 of calling a composite prime."""
    if any(n % p == 0 for p in SMALL_PRIMES):
        return False
    odd, shifts = n - 1, 0
    while odd % 2 == 0:
        odd, shifts = odd // 2, shifts + 1
    for _ in range(rounds):
        x = pow(secrets.randbelow(n - 3) + 2, odd, n)
        if x in (1, n - 1):
            continue
        for _ in range(shifts - 1):
            x = x * x % n
            if x == n - 1:
                break
        else:
            return False
    return True


def random_prime(bits):
    while True:
        # The two highest bits set, so that a product of two such primes has exactly 2 * bits bits.
        candidate = secrets.randbits(bits) | 3 << (bits - 2) | 1
        if candidate % 65537 != 1 and is_probable_prime(candidate):
            return candidate


class SigningKey:
    """An RSA key that signs RS256 JSON Web Tokens."""

    def __init__(self, bits=KEY_BITS):
        p, q = random_prime(bits // 2), random_prime(bits // 2)
        self.size = bits // 8
        self.n, self.e = p * q, 65537
        self.d = pow(self.e, -1, (p - 1) * (q - 1))
        self.kid = hashlib.sha256(self.n.to_bytes(self.size, "big")).hexdigest()[:16]

    def jwk(self):
        return {
            "kty": "RSA",
            "alg": "RS256",
            "use": "sig",
            "kid": self.kid,
            "n": base64url(self.n.to_bytes(self.size, "big")),
            "e": base64url(self.e.to_bytes(3, "big")),
        }

    def sign_jwt(self, claims):
        header = {"alg": "RS256", "typ": "JWT", "kid": self.kid}
        signed = ".".join(base64url(json.dumps(part).encode()) for part in (header, claims))
        info = SHA256_DIGEST_INFO + hashlib.sha256(signed.encode()).digest()
        padded = b"\x00\x01" + b"\xff" * (self.size - len(info) - 3) + b"\x00" + info
        signature = pow(int.from_bytes(padded, "big"), self.d, self.n)
        return signed + "." + base64url(signature.to_bytes(self.size, "big"))


class Provider:
    """The provider's state; safe to use from several threads."""

    def __init__(self, client_id, client_secret):
        self.client_id, self.client_secret = client_id, client_secret
        self.key = SigningKey()
        self.lock = threading.Lock()
        self.codes = {}
        self.access_tokens = {}

    def authorize(self, query):
        """Returns a code for the user that `login_hint` names, or raises ValueError."""
        if query.get("client_id") != self.client_id or query.get("response_type") != "code":
            raise ValueError("unauthorized_client")
        if query.get("code_challenge_method", "S256") != "S256":
            raise ValueError("invalid_request")
        code = secrets.token_urlsafe(24)
        grant = {k: query.get(k) for k in ("redirect_uri", "code_challenge", "nonce")}
        grant["user"] = query.get("login_hint") or "walker"
        grant["expires"] = time.time() + CODE_LIFETIME_S
        with self.lock:
            self.codes[code] = grant
        return code

    def exchange(self, form, issuer):
        """Returns the tokens for a code, or raises ValueError with an OAuth error name."""
        if form.get("grant_type") != "authorization_code":
            raise ValueError("unsupported_grant_type")
        secret_matches = hmac.compare_digest(form.get("client_secret", ""), self.client_secret)
        if form.get("client_id") != self.client_id or not secret_matches:
            raise ValueError("invalid_client")
        with self.lock:
            grant = self.codes.pop(form.get("code", ""), None)
        if not grant or grant["expires"] < time.time():
            raise ValueError("invalid_grant")
        if grant["redirect_uri"] != form.get("redirect_uri"):
            raise ValueError("invalid_grant")
        if grant["code_challenge"]:
            verifier = form.get("code_verifier", "").encode()
            if base64url(hashlib.sha256(verifier).digest()) != grant["code_challenge"]:
                raise ValueError("invalid_grant")
        claims = user_claims(grant["user"])
        now = int(time.time())
        token = secrets.token_urlsafe(24)
        with self.lock:
            self.access_tokens[token] = claims
        id_token = dict(claims, iss=issuer, aud=self.client_id, iat=now, exp=now + TOKEN_LIFETIME_S)
        if grant["nonce"]:
            id_token["nonce"] = grant["nonce"]
        return {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": TOKEN_LIFETIME_S,
            "scope": "openid email",
            "id_token": self.key.sign_jwt(id_token),
        }

    def userinfo(self, authorization):
        with self.lock:
            return self.access_tokens.get(authorization.removeprefix("Bearer "))


def user_claims(user):
    return {"sub": "oidc-" + user, "email": user + "@oidc.example", "email_verified": True}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def issuer(self):
        return "http://127.0.0.1:%d" % self.server.server_port

    def reply(self, status, body=None, headers=()):
        data = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if body is not None:
            self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        url = urlsplit(self.path)
        query = {k: v[0] for k, v in parse_qs(url.query).items()}
        provider = self.server.provider
        if url.path == "/.well-known/openid-configuration":
            self.reply(200, self.discovery())
        elif url.path == "/jwks":
            self.reply(200, {"keys": [provider.key.jwk()]})
        elif url.path == "/authorize":
            self.authorize(query)
        elif url.path == "/userinfo":
            claims = provider.userinfo(self.headers.get("Authorization", ""))
            self.reply(200, claims) if claims else self.reply(401, {"error": "invalid_token"})
        else:
            self.reply(404, {"error": "not_found"})

    def do_POST(self):
        length = int(self.headers.get("Content-Length") or 0)
        if length > MAX_BODY_BYTES:
            self.close_connection = True
            return self.reply(413, {"error": "invalid_request"})
        form = {k: v[0] for k, v in parse_qs(self.rfile.read(length).decode()).items()}
        if urlsplit(self.path).path != "/token":
            return self.reply(404, {"error": "not_found"})
        try:
            self.reply(200, self.server.provider.exchange(form, self.issuer))
        except ValueError as error:
            self.reply(400, {"error": str(error)})

    def authorize(self, query):
        try:
            answer = {"code": self.server.provider.authorize(query)}
        except ValueError as error:
            answer = {"error": str(error)}
        if "state" in query:
            answer["state"] = query["state"]
        target = query.get("redirect_uri")
        if not target:
            return self.reply(400, {"error": "invalid_request"})
        separator = "&" if "?" in target else "?"
        self.reply(302, headers=[("Location", target + separator + urlencode(answer))])

    def discovery(self):
        return {
            "issuer": self.issuer,
            "authorization_endpoint": self.issuer + "/authorize",
            "token_endpoint": self.issuer + "/token",
            "userinfo_endpoint": self.issuer + "/userinfo",
            "jwks_uri": self.issuer + "/jwks",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["S256"],
            "scopes_supported": ["openid", "email"],
        }

    def log_message(self, *_):
        pass  # Codes and tokens are in the URLs.


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--client-id", default="walk-client")
    parser.add_argument("--client-secret", default="walk-secret")
    args = parser.parse_args()
    server = ThreadingHTTPServer(("127.0.0.1", args.port), Handler)
    server.provider = Provider(args.client_id, args.client_secret)
    print("http://127.0.0.1:%d" % server.server_port, flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        sys.stdin.buffer.read()
    except KeyboardInterrupt:
        pass
    server.shutdown()


if __name__ == "__main__":
    main()

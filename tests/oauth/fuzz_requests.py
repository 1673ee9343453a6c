#!/usr/bin/env python3
"""Authorization and token requests that nobody means well: fuzz_requests.py [--count N] [--seed N] [--processes N]; GATEHOUSE_MODE and GATEHOUSE_BIN as for the integration tests.

Each process has an app of its own with clients of every kind. It begins flows, takes them a step further, and mostly gets something wrong on the way: parameters of other types, of
other clients, from other flows, damaged, too long, twice. It knows what each user has granted, so it knows which requests may be answered with a code or a token. Checked of every answer:
- it is no 5xx, and comes;
- a redirect goes to the application's own pages, or to an address that the request's client has registered;
- a code, or a token in a redirect, comes for the verifier of a consent that was given, in its own browser, and only once;
- tokens come for a code that was issued, to its client, with its verifier and address, and only once; for a refresh token that is good; or to a client for itself, with its secret;
- they say the subject that logged in, and no scope that was not granted; a damaged token is not alive.
Prints the seed and what it has seen. The same seed makes the same requests, in each process, but for what the server makes up. Exits with 1 at the first wrong answer, and shows it.
"""
import argparse
import base64
import collections
import hashlib
import http.client
import json
import multiprocessing
import os
import random
import sys
import time
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
from integration import harness  # noqa: E402

O = "/recipe/oauth"
ISSUER = "https://api.example.com/auth"
CALLBACKS = ("https://app.example.com/cb?x=1", "http://127.0.0.1/cb", "com.example.app:/cb", "https://app.example.com/other")
SCOPES = ("openid", "offline_access", "profile", "read")
RESPONSES = ("code", "token", "id_token", "code id_token", "code token", "id_token token", "code id_token token")
ODD = ("", " ", "\0", "x" * 5000, "%00", "%", "a\r\nSet-Cookie: a=b", "javascript:alert(1)", "//evil.example.com", "https://evil.example.com/cb?x=1", "https://app.example.com@evil.example.com/cb",
       "https://app.example.com/cb?x=1#", "https://app.example.com/cb?x=1&", "https://app.example.com\\@evil.example.com", "http://127.0.0.1:80@evil.example.com/cb", "http://127.0.0.1.evil.example.com/cb",
       "http://[::1]/cb", "\u202egnp", "\U0001f600", "null", "0", "-1", "9" * 40, "' OR 1=1 --", "{apiDomain}/x", "st_ac_x", "ory_ac_x", "st_rt_x.y", "none", "plain", "S256", "code", "*", "foo.*")
WRONG_TYPES = (None, 0, 1.5, True, [], {}, ["a"], ["a", "b"], {"a": "b"}, -(2 ** 63), 1e300)
PARAMETERS = ("client_id", "redirect_uri", "response_type", "scope", "state", "nonce", "audience", "prompt", "max_age", "response_mode", "code_challenge", "code_challenge_method", "id_token_hint",
              "login_verifier", "consent_verifier", "request", "request_uri", "registration", "claims", "display", "ui_locales", "acr_values", "login_hint", "st_prompt")


class Wrong(Exception):
    pass


def challenge_of(verifier):
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def claims_of(token):
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def parameters_of(address):
    parts = urllib.parse.urlsplit(address)
    return dict(urllib.parse.parse_qsl(parts.query, keep_blank_values=True) + urllib.parse.parse_qsl(parts.fragment, keep_blank_values=True))


class Fuzzer:
    def __init__(self, port, app, seed):
        self.port, self.app, self.random = port, app, random.Random(seed)
        self.connection, self.sent, self.seen = None, 0, collections.Counter()
        self.flows, self.codes, self.refresh, self.access, self.used_codes = [], {}, {}, {}, []
        self.clients = []
        for number, method in enumerate(("none", "client_secret_basic", "client_secret_post") * 2):
            self.clients.append(self.call("POST", O + "/clients", {
                "redirectUris": list(CALLBACKS), "grantTypes": ["authorization_code", "refresh_token", "implicit", "client_credentials"], "responseTypes": list(RESPONSES), "scope": " ".join(SCOPES),
                "audience": ["https://api.example.com"], "tokenEndpointAuthMethod": method, "enableRefreshTokenRotation": number >= 3})[1])
        self.sent = 0

    # What is sent

    def call(self, method, path, body=None, query=None, raw=None):
        url = "/appid-%s%s" % (self.app, path)
        if query:
            url += "?" + urllib.parse.urlencode(query)
        data = raw if raw is not None else json.dumps(body).encode()
        self.sent += 1
        for _ in range(2):
            if self.connection is None:
                self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
            try:
                self.connection.request(method, url, body=data, headers={"cdi-version": "5.4", "Content-Type": "application/json; charset=utf-8"})
                reply = self.connection.getresponse()
                text = reply.read()
                break
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
                # The server closes after a malformed request, and may have done so before this one.
                self.connection.close()
                self.connection = None
        else:
            raise Wrong("no answer to %s %s %s" % (method, url, data[:2000]))
        if reply.status >= 500:
            raise Wrong("%d to %s %s %s" % (reply.status, method, url, data[:2000]))
        try:
            answer = json.loads(text)
        except ValueError:
            answer = {}
        self.seen["%s %s" % (path.replace(O, ""), answer.get("error") or answer.get("status") or reply.status) if isinstance(answer, dict) else path] += 1
        return reply.status, answer if isinstance(answer, dict) else {}

    def chance(self, one_in):
        return self.random.randrange(one_in) == 0

    def damaged(self, text):
        """The same text with something else about it."""
        if not text:
            return self.random.choice(ODD)
        at = self.random.randrange(len(text))
        return self.random.choice((text[:at], text[:at] + self.random.choice("aZ0-_.~ %\0\"") + text[at + 1:], text + self.random.choice(("x", " ", "&", "#", "/", "\n", ".")), text.upper(), text[::-1], text[:at] + text,
                                   self.random.choice(ODD)))

    def mutated(self, values, names):
        """A copy with one to three changes."""
        values = dict(values)
        for _ in range(self.random.randint(1, 3)):
            name = self.random.choice(names)
            kind = self.random.randrange(6)
            if kind == 0:
                values.pop(name, None)
            elif kind == 1:
                values[name] = self.random.choice(WRONG_TYPES)
            elif kind == 2:
                values[name] = self.random.choice(ODD)
            elif kind == 3:
                values[name[:1].upper() + name[1:] if self.chance(2) else name.replace("_", "")] = values.get(name, "x")
            else:
                values[name] = self.damaged(values[name]) if isinstance(values.get(name), str) else self.random.choice(ODD)
        return values

    # What may come back

    def check_redirect(self, sent, address):
        client = next((one for one in self.clients if one["clientId"] == sent.get("client_id")), None)
        if address.startswith(("{apiDomain}/oauth/login?login_challenge=", "{apiDomain}/oauth/consent?consent_challenge=", "{apiDomain}/oauth/auth?")):
            return
        if any(c in address for c in "\r\n\0 "):
            raise Wrong("a redirect with blanks or control characters: %r for %r" % (address, sent))
        at = urllib.parse.urlsplit(address)
        for uri in CALLBACKS:
            registered = urllib.parse.urlsplit(uri)
            same = (at.scheme, at.netloc, at.path) == (registered.scheme, registered.netloc, registered.path)
            loopback = registered.netloc == "127.0.0.1" and at.hostname == "127.0.0.1" and at.username is None and (at.scheme, at.path) == (registered.scheme, registered.path)
            if client is not None and (same or loopback):
                return
        raise Wrong("a redirect to an unregistered place: %r for %r" % (address, sent))

    def check_answer(self, flow, sent, address):
        """Whether what a redirect brings was granted. `flow`: the one whose consent the request shows, unharmed."""
        brought = parameters_of(address)
        if not {"code", "access_token", "id_token"} & set(brought):
            return
        if flow is None or not flow["granted"] or flow["answered"]:
            raise Wrong("a code or token without consent: %r for %r: %r" % (address, sent, flow))
        flow["answered"] = True
        for name in ("access_token", "id_token"):
            if name in brought and claims_of(brought[name])["sub"] != (flow["subject"] or claims_of(brought[name])["sub"]):
                raise Wrong("another's token: %r of %r" % (address, flow))
        if "access_token" in brought:
            self.check_scopes(flow, claims_of(brought["access_token"])["scp"])
            self.access[brought["access_token"]] = flow
        if "code" in brought:
            self.codes[brought["code"]] = flow

    def check_scopes(self, flow, scopes):
        if not set(scopes) <= set(flow["scopes"]):
            raise Wrong("scopes that were not granted: %r, granted: %r" % (scopes, flow["scopes"]))

    # Steps

    def begin(self):
        client = self.random.choice(self.clients)
        verifier = "".join(self.random.choice("abcdefghijklmnop-._~0123") for _ in range(self.random.randint(43, 128))) if self.chance(2) else None
        good = {"client_id": client["clientId"], "redirect_uri": self.random.choice(CALLBACKS), "response_type": self.random.choice(("code",) * 4 + RESPONSES),
                "scope": " ".join(self.random.sample(SCOPES, self.random.randint(0, 4))), "state": "state-of-%016x" % self.random.getrandbits(64), "nonce": "nonce-%016x" % self.random.getrandbits(64)}
        if good["redirect_uri"] == "http://127.0.0.1/cb" and self.chance(2):
            good["redirect_uri"] = "http://127.0.0.1:%d/cb" % self.random.randint(1, 65535)
        if verifier is not None:
            good.update(code_challenge=challenge_of(verifier), code_challenge_method="S256")
        sent = good if self.chance(2) else self.mutated(good, PARAMETERS)
        status, reply = self.auth(sent, {})
        address = reply.get("redirectTo", "")
        challenge = parameters_of(address).get("login_challenge")
        if challenge:
            flow = {"client": next(one for one in self.clients if one["clientId"] == self.text(sent.get("client_id"))), "sent": sent, "jar": self.cookies({}, reply), "stage": "login", "challenge": challenge,
                    "verifier": None, "granted": False, "answered": False, "redeemed": False, "subject": None, "scopes": [],
                    # What the server has understood: it is what a code is bound to.
                    "pkce": verifier if sent.get("code_challenge") == good.get("code_challenge") else ...}
            if "code_challenge" not in sent:
                flow["pkce"] = None
            self.flows.append(flow)
            if len(self.flows) > 30:
                self.flows.pop(self.random.randrange(20))

    @staticmethod
    def text(value):
        return value[0] if isinstance(value, list) and len(value) == 1 else value

    def auth(self, params, jar, flow=None):
        body = {"params": params, "iss": ISSUER}
        if jar:
            body["cookies"] = "; ".join("%s=%s" % one for one in jar.items())
        if self.chance(30):
            body = self.mutated(body, ("params", "iss", "cookies", "access_token", "id_token", "useStaticSigningKey"))
        status, reply = self.call("POST", O + "/auth", body)
        if reply.get("redirectTo"):
            sent = {name: self.text(value) for name, value in body["params"].items()} if isinstance(body.get("params"), dict) else {}
            self.check_redirect(sent, reply["redirectTo"])
            self.check_answer(flow, sent, reply["redirectTo"])
        return status, reply

    @staticmethod
    def cookies(jar, reply):
        for line in reply.get("cookies", []):
            name, _, value = line.partition(";")[0].partition("=")
            jar[name] = value
        return jar

    def page(self):
        """A login or consent page answers."""
        flow = self.random.choice(self.flows)
        if flow["stage"] not in ("login", "consent"):
            return
        kind = flow["stage"]
        query = {kind + "Challenge": flow["challenge"]}
        if self.chance(10):
            query = {self.random.choice(("loginChallenge", "consentChallenge", "challenge", "login_challenge")): self.damaged(flow["challenge"]) if self.chance(2) else self.random.choice(self.flows)["challenge"]}
        good = query == {kind + "Challenge": flow["challenge"]}
        if self.chance(8):
            self.call("GET", "%s/auth/requests/%s" % (O, self.random.choice(("login", "consent"))), query=query)
            return
        if self.chance(12):
            body = {"error": "access_denied", "errorDescription": self.random.choice(ODD)}
            body = body if self.chance(2) else self.mutated(body, ("error", "errorDescription", "errorHint", "statusCode"))
            status, reply = self.call("PUT", "%s/auth/requests/%s/reject" % (O, kind), body, query)
            if good and reply.get("status") == "OK":
                flow.update(stage="rejected", granted=False, verifier=parameters_of(reply["redirectTo"]).get(kind + "_verifier"))
            return
        if kind == "login":
            subject = "user-%d" % self.random.randrange(1000)
            body = {"subject": subject, "remember": self.chance(4), "rememberFor": self.random.choice((0, 60, -1))}
        else:
            asked = self.text(flow["sent"].get("scope")) if isinstance(self.text(flow["sent"].get("scope")), str) else ""
            scopes = [one for one in asked.split(" ") if one and self.random.randrange(4)]
            body = {"grantScope": scopes, "grantAccessTokenAudience": [], "iss": ISSUER, "tId": "public", "rsub": "r", "sessionHandle": "h%d" % self.random.randrange(50),
                    "initialAccessTokenPayload": {}, "initialIdTokenPayload": {}}
        sent = body if self.random.randrange(5) else self.mutated(body, list(body))
        status, reply = self.call("PUT", "%s/auth/requests/%s/accept" % (O, kind), sent, query)
        if reply.get("status") != "OK":
            return
        verifier = parameters_of(reply["redirectTo"]).get(kind + "_verifier")
        if not good:
            # It was another flow's page that answered: which one is not followed.
            for one in self.flows:
                if one["challenge"] in query.values():
                    one["stage"] = "lost"
            return
        if verifier is None:
            return  # another subject than the remembered one: back to the login
        if kind == "login":
            # Of a mutated answer it is not known what it says: a member may be there twice, in two spellings.
            flow.update(stage="login-decided", verifier=verifier, subject=subject if sent is body else None)
        else:
            flow.update(stage="consent-decided", verifier=verifier, granted=True, scopes=scopes if sent is body else asked.split(" "))

    def back(self):
        """The browser comes back with a verifier."""
        flow = self.random.choice(self.flows)
        if flow["verifier"] is None:
            return
        kind = "consent" if flow["stage"] in ("consent-decided", "done") else "login"
        params = {name: value for name, value in flow["sent"].items()}
        params[kind + "_verifier"] = flow["verifier"]
        jar = dict(flow["jar"])
        own = True
        if self.chance(3):
            own = False
            what = self.random.randrange(5)
            if what == 0:
                # Blanks round a cookie are no part of it.
                jar = {name: self.damaged(value).strip() for name, value in jar.items()}
            elif what == 1:
                jar = self.random.choice(self.flows)["jar"]
            elif what == 2:
                params[kind + "_verifier"] = self.damaged(flow["verifier"])
            elif what == 3:
                params["client_id"] = self.random.choice(self.clients)["clientId"]
            else:
                params, own = self.mutated(params, PARAMETERS), True
        # The other cookies are of other steps.
        consent = [one for one in flow["jar"] if "consent_csrf" in one]
        shown = params.get("consent_verifier") == flow["verifier"] and self.text(params.get("client_id")) == flow["client"]["clientId"] and all(jar.get(one) == flow["jar"][one] for one in consent)
        _, reply = self.auth(params, jar, flow if shown else None)
        address = reply.get("redirectTo", "")
        if own and jar == flow["jar"]:
            self.cookies(flow["jar"], reply)
        consent = parameters_of(address).get("consent_challenge") if address.startswith("{apiDomain}") else None
        if consent:
            if params.get("login_verifier") != flow["verifier"]:
                raise Wrong("a consent page for another verifier: %r" % params)
            self.cookies(flow["jar"], reply)
            flow.update(stage="consent", challenge=consent, verifier=None)
        elif flow["stage"] == "consent-decided" and shown and flow["answered"]:
            flow["stage"] = "done"

    def token_request(self, form, client, secret=...):
        secret = client.get("clientSecret", "") if secret is ... else secret
        body = {"iss": ISSUER, "inputBody": dict(form), "access_token": {}, "id_token": {}}
        if client["tokenEndpointAuthMethod"] == "client_secret_basic":
            body["authorizationHeader"] = "Basic " + base64.b64encode(("%s:%s" % (client["clientId"], secret)).encode("utf-8", "replace")).decode()
        else:
            body["inputBody"]["client_id"] = client["clientId"]
            if client["tokenEndpointAuthMethod"] == "client_secret_post":
                body["inputBody"]["client_secret"] = secret
        return body

    def take(self, reply, flow):
        """Notes what a token answer brought, and checks what it says."""
        claims = claims_of(reply["access_token"])
        if claims["sub"] != (flow["subject"] or claims["sub"]) or claims["client_id"] != flow["client"]["clientId"]:
            raise Wrong("another's token: %r" % claims)
        self.check_scopes(flow, claims["scp"])
        if "id_token" in reply and claims_of(reply["id_token"])["sub"] != claims["sub"]:
            raise Wrong("another's ID token")
        self.access[reply["access_token"]] = flow
        if "refresh_token" in reply:
            flow["refresh"] = reply["refresh_token"]
            self.refresh[reply["refresh_token"]] = flow

    def redeem(self):
        again = self.used_codes and self.chance(6)
        if not again and not self.codes:
            return
        code = self.random.choice(self.used_codes if again else list(self.codes))
        flow = code[1] if again else self.codes[code]
        code = code[0] if again else code
        sent = self.text(flow["sent"].get("redirect_uri"))
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": sent if sent is not None else CALLBACKS[0]}
        if flow["pkce"] not in (None, ...):
            form["code_verifier"] = flow["pkce"]
        client, secret, wrong = flow["client"], ..., again
        if self.chance(2):
            what = self.random.randrange(5)
            if what == 0:
                client = self.random.choice([one for one in self.clients if one is not flow["client"]])
                wrong = True
            elif what == 1:
                form["code"] = self.damaged(code)
                wrong = wrong or form["code"].removeprefix("ory_ac_").removeprefix("st_ac_") != code.removeprefix("st_ac_")
            elif what == 2 and client["tokenEndpointAuthMethod"] != "none":
                secret = self.damaged(client["clientSecret"])
                wrong = wrong or secret != client["clientSecret"]
            elif what == 3 and flow["pkce"] is not ...:
                form["code_verifier"] = self.damaged(form.get("code_verifier", "x" * 50))
                wrong = wrong or form["code_verifier"] != (flow["pkce"] or "")
            elif what == 4:
                form["redirect_uri"] = self.damaged(form["redirect_uri"])
                wrong = wrong or sent not in (None, "") and form["redirect_uri"] != sent
        body = self.token_request(form, client, secret)
        odd = self.chance(20)
        if odd:
            body = self.mutated(body, list(body)) if self.chance(2) else {**body, "inputBody": self.mutated(body["inputBody"], list(body["inputBody"]))}
        _, reply = self.call("POST", O + "/token", body)
        if reply.get("status") == "OK":
            if wrong and not odd:
                raise Wrong("tokens for %r of %r" % (body, flow))
            self.take(reply, flow)
            self.codes.pop(code, None)
            self.used_codes = self.used_codes[-50:] + [(code, flow)]
        elif "has already been used" in reply.get("errorDescription", ""):
            flow["ended"] = True
        if len(self.codes) > 50:
            self.codes.pop(next(iter(self.codes)))

    def renew(self):
        if not self.refresh:
            return
        token = self.random.choice(list(self.refresh))
        flow = self.refresh[token]
        client, wrong, secret = flow["client"], False, ...
        form = {"grant_type": "refresh_token", "refresh_token": token}
        if self.chance(3):
            what = self.random.randrange(3)
            if what == 0:
                client, wrong = self.random.choice([one for one in self.clients if one is not flow["client"]]), True
            elif what == 1:
                form["refresh_token"] = self.damaged(token)
                wrong = form["refresh_token"] != token
            elif client["tokenEndpointAuthMethod"] != "none":
                secret = self.damaged(client["clientSecret"])
                wrong = secret != client["clientSecret"]
        replaced = flow["client"]["enableRefreshTokenRotation"] and flow["refresh"] != token
        body = self.token_request(form, client, secret)
        odd = self.chance(20)
        if odd:
            body = {**body, "inputBody": self.mutated(body["inputBody"], list(body["inputBody"]))}
        _, reply = self.call("POST", O + "/token", body)
        if reply.get("status") == "OK":
            if (wrong or replaced or flow.get("ended")) and not odd:
                raise Wrong("tokens for %r (wrong: %r, replaced: %r) of %r" % (body, wrong, replaced, flow))
            self.take(reply, flow)
        elif replaced and not wrong and not odd:
            flow["ended"] = True
        if len(self.refresh) > 60:
            self.refresh.pop(next(iter(self.refresh)))

    def machine(self):
        client = self.random.choice(self.clients)
        form = {"grant_type": "client_credentials", "scope": self.random.choice(("", "read", "openid read", "admin", "read admin"))}
        wrong = client["tokenEndpointAuthMethod"] == "none" or "admin" in form["scope"]
        secret = ...
        if self.chance(3):
            secret = self.damaged(client.get("clientSecret", ""))
            wrong = wrong or secret != client["clientSecret"]
        body = self.token_request(form, client, secret)
        odd = self.chance(4)
        if odd:
            body = self.mutated(body, list(body) + ["authorizationHeader"]) if self.chance(2) else {**body, "inputBody": self.mutated(body["inputBody"], list(body["inputBody"]))}
        _, reply = self.call("POST", O + "/token", body)
        if reply.get("status") == "OK":
            if wrong and not odd:
                raise Wrong("a token for %r" % body)
            if not set(claims_of(reply["access_token"])["scp"]) <= set(SCOPES):
                raise Wrong("a scope that is not registered: %r" % reply)

    def introspect(self):
        pool = list(self.access if self.chance(2) else self.refresh)
        token = self.random.choice(pool) if pool else "x"
        changed = self.damaged(token) if self.chance(2) else token
        if self.chance(10):
            self.call("POST", O + "/introspect", self.mutated({"token": changed, "scope": "read"}, ("token", "scope")))
            return
        _, reply = self.call("POST", O + "/introspect", {"token": changed})
        # The last character of a signature has bits that mean nothing.
        if reply.get("active") and changed.strip()[:-1] != token[:-1]:
            raise Wrong("a damaged token is alive: %r from %r" % (changed, token))
        if len(self.access) > 60:
            self.access.pop(next(iter(self.access)))

    def revoke(self):
        if not self.refresh:
            return
        token = self.random.choice(list(self.refresh))
        body = {"token": self.damaged(token) if self.chance(2) else token}
        client = self.random.choice(self.clients)
        if self.chance(2):
            body.update(client_id=client["clientId"], client_secret=client.get("clientSecret", ""))
        else:
            body["authorizationHeader"] = self.random.choice(("Basic ", "basic ", "Bearer ", "")) + base64.b64encode(("%s:%s" % (client["clientId"], client.get("clientSecret", ""))).encode()).decode()
        self.call("POST", O + "/token/revoke", self.mutated(body, list(body)) if self.chance(3) else body)

    def logout(self):
        flow = self.random.choice(self.flows) if self.flows else None
        query = {"clientId": flow["client"]["clientId"] if flow else "x", "postLogoutRedirectUri": self.random.choice(ODD), "state": self.random.choice(ODD), "idTokenHint": self.random.choice(ODD)}
        for name in self.random.sample(list(query), self.random.randrange(4)):
            del query[name]
        _, reply = self.call("GET", O + "/sessions/logout", query={name: value.replace("\0", "") for name, value in query.items()})
        address = reply.get("redirectTo", "{apiDomain}")
        if not address.startswith("{apiDomain}"):
            raise Wrong("a logout goes to %r for %r" % (address, query))

    def nonsense(self):
        raw = bytes(self.random.getrandbits(8) for _ in range(self.random.randrange(200)))
        if self.chance(2):
            raw = json.dumps({"iss": ISSUER, "inputBody": {"grant_type": "authorization_code", "code": "x"}}).encode()
            at = self.random.randrange(len(raw))
            raw = raw[:at] + bytes([self.random.getrandbits(8)]) + raw[at + 1:]
        self.call("POST", O + self.random.choice(("/auth", "/token", "/introspect", "/token/revoke")), raw=raw)

    def run(self, count):
        steps = [self.begin] * 4 + [self.page] * 6 + [self.back] * 6 + [self.redeem] * 4 + [self.renew] * 2 + [self.machine, self.introspect, self.introspect, self.revoke, self.logout, self.nonsense]
        while self.sent < count:
            if not self.flows:
                self.begin()
                continue
            self.random.choice(steps)()


def work(port, app, seed, count, results):
    fuzzer = None
    try:
        fuzzer = Fuzzer(port, app, seed)
        fuzzer.run(count)
        results.put((fuzzer.sent, fuzzer.seen, None))
    except Exception as error:
        results.put((fuzzer.sent if fuzzer else 0, fuzzer.seen if fuzzer else collections.Counter(), "%s: %s" % (type(error).__name__, error)))
        if not isinstance(error, Wrong):
            raise


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=20000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 31))
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    print("seed %d" % arguments.seed, flush=True)
    gatehouse = harness.Gatehouse(environment={"LOG_LEVEL": "WARN"}).start()
    results = multiprocessing.Queue()
    sent, seen, wrong, since = 0, collections.Counter(), [], time.monotonic()
    try:
        workers = []
        for number in range(arguments.processes):
            # Wrong secrets are to be looked at.
            settings = {"failed_authentications_per_minute": 0, "token_requests_per_minute": 0, "response_iss": number % 2 == 0, "pkce_required_for": ("NONE", "PUBLIC_CLIENTS")[number % 2]}
            app = gatehouse.new_app({"gatehouse_oauth_" + name: value for name, value in settings.items()})
            workers.append(multiprocessing.Process(target=work, args=(gatehouse.port, app.app, arguments.seed * 1000 + number, arguments.count // arguments.processes, results)))
            app.close()
        for worker in workers:
            worker.start()
        for _ in workers:
            one_sent, one_seen, error = results.get()
            sent, seen = sent + one_sent, seen + one_seen
            if error:
                wrong.append(error)
        for worker in workers:
            worker.join()
        # Whatever came, it is still there.
        if gatehouse.once("GET", "/hello").status != 200:
            wrong.append("the server is gone")
        logs = "".join(process.log() for process in gatehouse.processes.values())
        wrong += ["logged: " + line[:500] for line in logs.splitlines() if "ERROR" in line][:5]
    finally:
        gatehouse.kill()
    print("%d requests in %d s; %d wrong" % (sent, time.monotonic() - since, len(wrong)))
    for name, number in sorted(seen.items(), key=lambda one: -one[1])[:40]:
        print("%9d %s" % (number, name))
    for error in wrong:
        print("*** WRONG: %s" % error)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

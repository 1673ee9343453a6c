#!/usr/bin/env python3
"""Takes the SDK walks: small applications with the published SDKs against a running core.

    run.py [--public-app] [--keep-app] WALK... URL

WALK is one of node, python, go (the newest SDKs), node13, node16, python015, go013 (old ones), or
"current", "old", "all". URL is the core, such as http://127.0.0.1:3567; GATEHOUSE_API_KEY is its API
key, if it wants one.

Each walk gets its own app in the core, which is removed at the end; --public-app walks in the
default app instead. Packages are installed from the lock files, once: as long as a lock file does
not change, later runs need no network. Exits with 0 if every walk passed.
"""
import argparse
import hashlib
import json
import os
import secrets
import signal
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
# A walk takes seconds; this is for a core that hangs on each of its calls.
WALK_TIMEOUT_S = 300
INSTALL_TIMEOUT_S = 900
# No proxy: the core and the provider are on this machine, or named by the user.
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))

CURRENT = ["node", "python", "go"]
OLD = ["node13", "node16", "python015", "go013"]
GROUPS = {"current": CURRENT, "old": OLD, "all": CURRENT + OLD}


class WalkError(Exception):
    pass


def folder(walk):
    return HERE / walk if walk in CURRENT else HERE / "old" / walk


def language(walk):
    return walk.rstrip("0123456789")


def run(command, cwd, timeout_s, env=None):
    """Runs a command in its own process group, and ends the whole group with it."""
    process = subprocess.Popen(
        command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, start_new_session=True
    )
    try:
        return process.wait(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        raise WalkError(f"no end after {timeout_s} s: {command[0]}") from None
    finally:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()


# ---- Packages.


def install_packages(where, kind):
    """Installs what the lock file in the folder names, unless that has been done. `kind`: node, python or go."""
    if kind == "go":
        if run(["go", "mod", "download"], where, INSTALL_TIMEOUT_S) != 0:
            raise WalkError("go mod download failed")
        return
    lock_name = {"node": "package-lock.json", "python": "requirements.txt"}[kind]
    target = where / {"node": "node_modules", "python": ".venv"}[kind]
    digest = hashlib.sha256((where / lock_name).read_bytes() + sys.version.encode()).hexdigest()
    stamp = target / ".installed"
    if stamp.exists() and stamp.read_text() == digest:
        return
    if kind == "node":
        command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline"]
    else:
        shutil.rmtree(target, ignore_errors=True)
        if run([sys.executable, "-m", "venv", ".venv"], where, INSTALL_TIMEOUT_S) != 0:
            raise WalkError("no virtual environment (Debian: apt install python3-venv)")
        pip = [".venv/bin/python", "-m", "pip", "install", "--quiet"]
        command = pip + ["--disable-pip-version-check", "-r", lock_name]
    if run(command, where, INSTALL_TIMEOUT_S) != 0:
        raise WalkError("installing packages failed")
    stamp.write_text(digest)


# ---- The core.


def call(method, url, body):
    headers = {"Content-Type": "application/json; charset=utf-8"}
    if os.environ.get("GATEHOUSE_API_KEY"):
        headers["api-key"] = os.environ["GATEHOUSE_API_KEY"]
    request = urllib.request.Request(url, json.dumps(body).encode(), headers, method=method)
    try:
        with OPENER.open(request, timeout=60) as response:
            return json.loads(response.read())
    except urllib.error.HTTPError as error:
        text = error.read(300).decode(errors="replace").strip()
        raise WalkError(f"{method} {url}: {error.code} {text}") from None
    except (OSError, ValueError) as error:
        raise WalkError(f"{method} {url}: {error}") from None


def create_app(core, walk):
    app_id = f"walk-{walk}-{secrets.token_hex(6)}"
    reply = call("PUT", core + "/recipe/multitenancy/app/v2", {"appId": app_id, "coreConfig": {}})
    if reply.get("status") != "OK":
        raise WalkError(f"no app for the walk: {reply}")
    return app_id


# ---- The walks.


def walk_command(walk):
    kind = language(walk)
    if kind == "node":
        tests = sorted(path.name for path in folder(walk).glob("*.test.js"))
        return ["node", "--test", *tests]
    if kind == "python":
        return [".venv/bin/python", "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=short"]
    return ["go", "test", "-count=1", "./..."]


def take(walk, core, oidc_url, args):
    install_packages(folder(walk), language(walk))
    app_id = None if args.public_app else create_app(core, walk)
    env = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    env["GATEHOUSE_URL"] = f"{core}/appid-{app_id}" if app_id else core
    env["OIDC_URL"] = oidc_url
    env["PYTHONDONTWRITEBYTECODE"] = "1"
    try:
        status = run(walk_command(walk), folder(walk), WALK_TIMEOUT_S, env)
    finally:
        if app_id and not args.keep_app:
            remove_app(core, app_id)
    if status != 0:
        raise WalkError(f"its tests failed (status {status})")


def remove_app(core, app_id):
    """Best effort: a walk that left a tenant behind has failed already, and said so."""
    try:
        call("POST", core + "/recipe/multitenancy/app/remove", {"appId": app_id})
    except WalkError as error:
        print(f"the walk's app stays: {error}", file=sys.stderr)


def start_provider():
    """Starts the OpenID Connect provider; it ends when our end of its standard input does."""
    provider = subprocess.Popen(
        [sys.executable, str(HERE / "oidc_provider" / "oidc_provider.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    url = provider.stdout.readline().strip()
    if not url:
        raise WalkError("the OpenID Connect provider did not start")
    return provider, url


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("walks", nargs="+", choices=[*GROUPS, *CURRENT, *OLD], metavar="WALK")
    parser.add_argument("url", metavar="URL")
    parser.add_argument("--public-app", action="store_true", help="walk in the default app")
    parser.add_argument("--keep-app", action="store_true", help="leave each walk's app in the core")
    args = parser.parse_args()
    core = args.url.rstrip("/")
    walks = list(dict.fromkeys(w for name in args.walks for w in GROUPS.get(name, [name])))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # So that the finally clauses run.

    results = []
    provider, oidc_url = start_provider()
    try:
        for walk in walks:
            print(f"== {walk}", flush=True)
            start = time.monotonic()
            try:
                take(walk, core, oidc_url, args)
                failure = None
            except (WalkError, OSError) as error:
                failure = str(error)
            results.append((walk, time.monotonic() - start, failure))
    finally:
        provider.stdin.close()
        provider.wait(timeout=10)

    print("\nSDK walks:")
    for walk, seconds, failure in results:
        print(f"  {walk:10} {'passed' if failure is None else 'FAILED: ' + failure} ({seconds:.1f} s)")
    return 0 if all(failure is None for _, _, failure in results) else 1


if __name__ == "__main__":
    sys.exit(main())

"""What the tests of images and of docker-compose.yml share: commands, waiting, and what they skip."""
import json
import os
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SKIPPED = 77  # ctest's SKIP_RETURN_CODE
START_TIMEOUT_S = 180
# No proxy: everything is on this machine.
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
SERVICES = [row["name"] for row in json.loads((ROOT / "services/services.json").read_text()) if not row.get("planned")]
IMAGES = ["gatehouse", "gatehouse-gateway"] + ["gatehouse-" + service for service in SERVICES]


def run(*command, check=True, env=None, timeout_s=900):
    done = subprocess.run([str(part) for part in command], cwd=ROOT, env=env, capture_output=True, text=True, timeout=timeout_s)
    if check and done.returncode != 0:
        raise AssertionError("%s: status %d\n%s%s" % (" ".join(map(str, command)), done.returncode, done.stdout[-3000:], done.stderr[-3000:]))
    return done


def docker(*arguments, **options):
    return run("docker", *arguments, **options)


def has_image(name):
    return docker("image", "inspect", name, check=False).returncode == 0


def skip_without(*images):
    """Ends the process, loudly, where Docker or the images are missing."""
    try:
        reason = "" if docker("info", check=False).returncode == 0 else "no Docker daemon answers"
    except FileNotFoundError:
        reason = "there is no docker"
    if not reason:
        missing = [image for image in images if not has_image(image)]
        reason = "no images %s: scripts/images.sh builds them" % ", ".join(missing) if missing else ""
    if reason:
        print("*** NOT CHECKED: %s; %s ***" % (Path(sys.argv[0]).name, reason), flush=True)
        sys.exit(SKIPPED)


def image_or_stand_in(variable, public, target):
    """The image that `variable` names, the public one where it is here or can be had, or ours from Debian's packages."""
    if os.environ.get(variable):
        return os.environ[variable]
    if has_image(public) or docker("pull", "-q", public, check=False).returncode == 0:
        return public
    name = "gatehouse-test-" + target
    if not has_image(name):
        print("no %s here: a stand-in is built from Debian's packages" % public, flush=True)
        base = ["--build-arg", "BASE_IMAGE=" + os.environ["BASE_IMAGE"]] if os.environ.get("BASE_IMAGE") else []
        docker("build", "-q", *base, "--target", target, "-t", name, ROOT / "tests/deploy/standins")
    return name


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_until(condition, what, timeout_s=START_TIMEOUT_S):
    """Polls what another process does."""
    deadline = time.monotonic() + timeout_s
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError("not within %d s: %s" % (timeout_s, what))
        time.sleep(0.1)
    return value


def request(method, url, body=None, headers=None):
    """Status and text; None and the reason without an answer."""
    data = None if body is None else json.dumps(body).encode()
    call = urllib.request.Request(url, data, {"Content-Type": "application/json", **(headers or {})}, method=method)
    try:
        with OPENER.open(call, timeout=30) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError as error:
        return None, str(error)


def says_hello(url):
    return request("GET", url + "/hello")[0] == 200


def sign_up(url, email, headers=None):
    status, text = request("POST", url + "/recipe/signup", {"email": email, "password": "correct horse 1"}, headers)
    assert status == 200, (status, text)
    return json.loads(text)["status"]


def sign_in(url, email, headers=None):
    status, text = request("POST", url + "/recipe/signin", {"email": email, "password": "correct horse 1"}, headers)
    assert status == 200, (status, text)
    return json.loads(text)["status"]


def logs(container):
    done = docker("logs", container)
    return done.stdout + done.stderr


def inspect(container, template):
    return docker("inspect", "-f", template, container).stdout.strip()


def memory_mib(container):
    """Resident memory without the page cache, as `docker stats` shows it."""
    text = docker("stats", "--no-stream", "--format", "{{.MemUsage}}", container).stdout.split("/")[0].strip()
    for unit, factor in (("GiB", 1024), ("MiB", 1), ("KiB", 1 / 1024), ("B", 1 / 1048576)):
        if text.endswith(unit):
            return float(text[: -len(unit)]) * factor
    raise AssertionError(text)


def completes_tls(address, port):
    """Whether a client without a certificate may speak TLS there."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    try:
        with socket.create_connection((address, port), 10) as plain, context.wrap_socket(plain) as secure:
            secure.settimeout(10)
            # In TLS 1.3 the server's refusal comes after the handshake.
            secure.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0")
            return secure.recv(1) != b""
    except OSError:
        return False


def answers_plain(address, port):
    """Whether a client without TLS gets HTTP/2 there."""
    try:
        with socket.create_connection((address, port), 10) as plain:
            plain.settimeout(10)
            plain.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0")
            return plain.recv(1) != b""
    except OSError:
        return False


class Report:
    """One line a check; the status of the run."""

    def __init__(self):
        self.failed = 0

    def check(self, name, condition, detail=""):
        self.failed += not condition
        print("%-6s %s%s" % ("ok" if condition else "FAILED", name, ": %s" % (detail,) if detail != "" else ""), flush=True)

    def note(self, text):
        print("       " + text, flush=True)

    def exit(self):
        print("%d checks failed" % self.failed if self.failed else "all checks passed")
        sys.exit(1 if self.failed else 0)

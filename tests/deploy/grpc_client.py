#!/usr/bin/env python3
"""docs/recipes/grpc-client.md, followed: certificates, stubs, docs/recipes/grpc_client.py, against a split suite and against all-in-one.

Usage: GATEHOUSE_BIN=build/debug/bin tests/deploy/grpc_client.py [DIRECTORY]
Makes a venv with grpcio in DIRECTORY (default: a temporary one): it downloads packages, so it is started by hand.
"""
import glob
import os
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests"))
from integration import harness  # noqa: E402

SECRET = "a secret between processes 0123456789"
EXPECTED = """created: True
roles: editor
no name: INVALID_ARGUMENT ERROR_REASON_BAD_INPUT ERROR_PROBLEM_EMPTY {'field': 'role'}
no such app: NOT_FOUND ERROR_REASON_TENANT_NOT_FOUND ERROR_PROBLEM_UNSPECIFIED {}
"""


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, **options)
    if done.returncode != 0:
        sys.exit("%s\n%sFAILED: %s" % (done.stdout, done.stderr, " ".join(command)))
    return done.stdout


def main():
    work = sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp(prefix="gatehouse-grpc-")
    python = os.path.join(work, "venv", "bin", "python")
    if not os.path.exists(python):
        run(sys.executable, "-m", "venv", os.path.join(work, "venv"))
        run(python, "-m", "pip", "install", "-q", "grpcio", "grpcio-tools")
    stubs = os.path.join(work, "stubs")
    os.makedirs(stubs, exist_ok=True)
    protos = [name for folder in ("common", "roles") for name in glob.glob(os.path.join(ROOT, "protos", "gatehouse", folder, "v1", "*.proto"))]
    run(python, "-m", "grpc_tools.protoc", "-I", os.path.join(ROOT, "protos"), "--python_out=" + stubs, "--grpc_python_out=" + stubs, *protos)
    for mode in os.environ.get("GATEHOUSE_MODE", "split all-in-one").split():
        port = harness.free_port()
        environment = {"GATEHOUSE_INTERNAL_SECRET": SECRET, "GATEHOUSE_ROLES_ADDRESS": "localhost:%d" % port}
        gatehouse = harness.Gatehouse(mode=mode, environment=environment).start()
        certificates = os.path.join(work, "certificates-" + mode)
        shutil.rmtree(certificates, ignore_errors=True)
        try:
            run(os.path.join(harness.BIN, "gatehouse"), "issue-certificate", "--out", certificates, env={**os.environ, "GATEHOUSE_INTERNAL_SECRET": SECRET})
            output = run(python, os.path.join(ROOT, "docs", "recipes", "grpc_client.py"), "localhost:%d" % port, certificates, "ada", env={**os.environ, "PYTHONPATH": stubs})
            if output != EXPECTED:
                sys.exit("%sFAILED: %s: not what was expected:\n%s" % (output, mode, EXPECTED))
            roles = gatehouse.once("GET", "/recipe/user/roles", query={"userId": "ada"}).json
            if roles != {"status": "OK", "roles": ["editor"]}:
                sys.exit("FAILED: %s: over REST: %s" % (mode, roles))
            print("ok: " + mode, flush=True)
        finally:
            gatehouse.stop()


if __name__ == "__main__":
    main()

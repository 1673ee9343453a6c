#!/usr/bin/env python3
"""docs/recipes/grpc-client.md, followed: certificates, stubs, its clients in Python and Go, and grpcurl, against a split suite and against all-in-one.

Usage: GATEHOUSE_BIN=build/debug/bin tests/deploy/grpc_client.py [DIRECTORY]
Makes a venv with grpcio, and a Go module, in DIRECTORY (default: a temporary one). It downloads packages and needs Go and protoc, so it is started by hand.
"""
import glob
import json
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests"))
from integration import harness  # noqa: E402

SECRET = "a secret between processes 0123456789"
MODULE = "example.com/client"
TOOLS = ("google.golang.org/protobuf/cmd/protoc-gen-go@v1.36.6", "google.golang.org/grpc/cmd/protoc-gen-go-grpc@v1.5.1")
GRPCURL = "github.com/fullstorydev/grpcurl/cmd/grpcurl@v1.9.1"
ROLES = "gatehouse.roles.v1.RolesService/"
# What grpcurl exits with: 64 and the status.
DEADLINE_EXCEEDED, PERMISSION_DENIED = 64 + 4, 64 + 7
DONE = """created: True
roles: editor
no name: INVALID_ARGUMENT ERROR_REASON_BAD_INPUT ERROR_PROBLEM_EMPTY {'field': 'role'}
no such app: NOT_FOUND ERROR_REASON_TENANT_NOT_FOUND ERROR_PROBLEM_UNSPECIFIED {}
"""
DONE_IN_GO = """created: true
roles: editor
no name: InvalidArgument ERROR_REASON_BAD_INPUT ERROR_PROBLEM_EMPTY map[field:role]
no such app: NotFound ERROR_REASON_TENANT_NOT_FOUND ERROR_PROBLEM_UNSPECIFIED map[]
"""


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, **options)
    if done.returncode != 0:
        sys.exit("%s\n%sFAILED: %s" % (done.stdout, done.stderr, " ".join(command)))
    return done.stdout


def protos():
    names = [name for folder in ("common", "roles") for name in glob.glob(os.path.join(ROOT, "protos", "gatehouse", folder, "v1", "*.proto"))]
    return [os.path.relpath(name, os.path.join(ROOT, "protos")) for name in names]


def python_client(work):
    """The command, and what it needs in its environment."""
    python = os.path.join(work, "venv", "bin", "python")
    if not os.path.exists(python):
        run(sys.executable, "-m", "venv", os.path.join(work, "venv"))
        run(python, "-m", "pip", "install", "-q", "grpcio", "grpcio-tools", "grpcio-status")
    stubs = os.path.join(work, "stubs")
    os.makedirs(stubs, exist_ok=True)
    run(python, "-m", "grpc_tools.protoc", "-I", "protos", "--python_out=" + stubs, "--grpc_python_out=" + stubs, *protos(), cwd=ROOT)
    return [python, os.path.join(ROOT, "docs", "recipes", "grpc_client.py")], {"PYTHONPATH": stubs}


def go_client(work):
    module = os.path.join(work, "go")
    shutil.copytree(os.path.join(ROOT, "docs", "recipes", "grpc_client_go"), module, dirs_exist_ok=True)
    tools = {**os.environ, "GOBIN": os.path.join(work, "gobin")}
    tools["PATH"] = tools["GOBIN"] + ":" + tools["PATH"]
    for tool in TOOLS:
        run("go", "install", tool, env=tools)
    options = []
    for kind in ("go", "go-grpc"):
        options += ["--%s_out=%s" % (kind, module), "--%s_opt=module=%s" % (kind, MODULE)]
        options += ["--%s_opt=M%s=%s/%s" % (kind, name, MODULE, os.path.dirname(name)) for name in protos()]
    run("protoc", "-I", "protos", *options, *protos(), cwd=ROOT, env=tools)
    run("go", "build", "-o", "client", ".", cwd=module, env=tools)
    return [os.path.join(module, "client")], {}


class Grpcurl:
    """Calls without stubs: what a service says of itself, who may call what, and how long a call lasts."""

    def __init__(self, work, port, certificates):
        self.program, self.address, self.certificates = os.path.join(work, "gobin", "grpcurl"), "localhost:%d" % port, certificates
        if not os.path.exists(self.program):
            run("go", "install", GRPCURL, env={**os.environ, "GOBIN": os.path.dirname(self.program)})

    def command(self, *arguments, own=True):
        mine = ["-cert", self.certificates + "/client.crt", "-key", self.certificates + "/client.key"] if own else []
        return [self.program, "-cacert", self.certificates + "/ca.crt", "-servername", "roles", "-connect-timeout", "5", *mine, *arguments]

    def call(self, method, request, *options, own=True):
        command = self.command("-d", json.dumps({"scope": {"appId": "public", "tenantId": "public"}, **request}), *options, self.address, ROLES + method, own=own)
        return subprocess.run(command, capture_output=True, text=True)

    def check(self, gatehouse, user):
        listed = run(*self.command(self.address, "list")).split()
        expect({"gatehouse.roles.v1.RolesService", "grpc.health.v1.Health"} <= set(listed), listed)
        described = run(*self.command(self.address, "describe", ROLES[:-1]))
        expect("rpc AssignRole ( .gatehouse.roles.v1.AssignRoleRequest )" in described, described)
        given = self.call("ListUserRoles", {"userId": user})
        expect(given.returncode == 0 and json.loads(given.stdout) == {"roles": ["editor"]}, given)
        # services/roles/policies.golden: for `accounts` alone.
        refused = self.call("AssignRoles", {})
        expect(refused.returncode == PERMISSION_DENIED and "ERROR_REASON_CALLER_NOT_ALLOWED" in refused.stderr, refused)
        unknown = self.call("ListUserRoles", {"userId": user}, own=False)
        expect(unknown.returncode == 1 and "roles" not in unknown.stdout, unknown)
        self.check_deadline(gatehouse)

    def check_deadline(self, gatehouse):
        """A call that has to wait ends in time, and so does its statement."""
        waiting = "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'roles'::regclass"
        with gatehouse.postgres.session(gatehouse.database) as session, ThreadPoolExecutor(1) as pool:
            session.run("BEGIN; LOCK TABLE roles IN ACCESS EXCLUSIVE MODE;")
            late = pool.submit(self.call, "UpsertRole", {"role": "late"}, "-max-time", "3")
            harness.wait_until(lambda: gatehouse.sql(waiting) or late.done(), 10, "the call's statement to wait")
            expect(not late.done(), "ended before its statement waited")
            ended = late.result()
            expect(ended.returncode == DEADLINE_EXCEEDED, ended)
            harness.wait_until(lambda: not gatehouse.sql(waiting), 5, "the call's statement to be cancelled")
            session.run("ROLLBACK;")


def expect(condition, what):
    if not condition:
        sys.exit("FAILED: grpcurl: %s" % (what,))


def main():
    work = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else tempfile.mkdtemp(prefix="gatehouse-grpc-")
    clients = (("python", python_client(work), DONE, "ada"), ("go", go_client(work), DONE_IN_GO, "bea"))
    for mode in os.environ.get("GATEHOUSE_MODE", "split all-in-one").split():
        for language, (command, environment), done, user in clients:
            port = harness.free_port()
            settings = {"GATEHOUSE_INTERNAL_SECRET": SECRET, "GATEHOUSE_ROLES_ADDRESS": "localhost:%d" % port}
            gatehouse = harness.Gatehouse(mode=mode, environment=settings).start()
            certificates = os.path.join(work, "certificates-" + mode)
            shutil.rmtree(certificates, ignore_errors=True)
            try:
                run(os.path.join(harness.BIN, "gatehouse"), "issue-certificate", "--out", certificates, env={**os.environ, "GATEHOUSE_INTERNAL_SECRET": SECRET})
                output = run(*command, "localhost:%d" % port, certificates, user, env={**os.environ, **environment})
                if output != done:
                    sys.exit("%sFAILED: %s, %s: not what was expected:\n%s" % (output, language, mode, done))
                roles = gatehouse.once("GET", "/recipe/user/roles", query={"userId": user}).json
                if roles != {"status": "OK", "roles": ["editor"]}:
                    sys.exit("FAILED: %s, %s: over REST: %s" % (language, mode, roles))
                print("ok: %s, %s" % (language, mode), flush=True)
                if language == "go":
                    Grpcurl(work, port, certificates).check(gatehouse, user)
                    print("ok: grpcurl, %s" % mode, flush=True)
            finally:
                gatehouse.stop()


if __name__ == "__main__":
    main()

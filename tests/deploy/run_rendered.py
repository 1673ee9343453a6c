#!/usr/bin/env python3
"""Runs what the chart renders as processes of this machine: run_rendered.py. The values are ci/split.yaml. Needs root, helm, PostgreSQL, and the programs in GATEHOUSE_BIN.

In a network and mount namespace of its own every Deployment has an address, and /etc/hosts its Service's name. The migration Job runs with the owner's credentials, then each program with exactly the
environment, files and settings of its pod (but for TLS towards PostgreSQL); the command of `helm test` and a few requests follow, and all are ended by SIGTERM. About 15 s.
"""
import base64
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import rendering

BIN = pathlib.Path(os.environ.get("GATEHOUSE_BIN", rendering.ROOT / "build/debug/bin")).resolve()
API_KEY = "aKeyOfAtLeast20Characters"
GIVEN = {"password": "of-the-owner", "api_keys": API_KEY}
DATABASE_ADDRESS = "127.0.2.1"


def wait_until(condition, what, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            sys.exit("not within %d s: %s" % (seconds, what))
        time.sleep(0.2)


class Postgres:
    def __init__(self, folder):
        self.bin = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"))[-1]
        self.data = folder / "data"
        subprocess.run(["chown", "postgres", str(folder)], check=True)
        (folder / "password").write_text("of-the-administrator")
        self.run("%s/initdb -D %s -U administrator -A scram-sha-256 --pwfile=%s" % (self.bin, self.data, folder / "password"))
        self.run("%s/pg_ctl -D %s -w -l %s/log -o '-c listen_addresses=%s -k %s' start" % (self.bin, self.data, folder, DATABASE_ADDRESS, folder))
        self.sql("CREATE ROLE gatehouse LOGIN CREATEROLE PASSWORD 'of-the-owner'", "CREATE DATABASE gatehouse OWNER gatehouse")

    def run(self, command):
        subprocess.run(["su", "postgres", "-s", "/bin/sh", "-c", command], check=True, stdout=subprocess.DEVNULL)

    def sql(self, *statements):
        for statement in statements:
            subprocess.run(["psql", "-qAt", "-h", DATABASE_ADDRESS, "-U", "administrator", "postgres", "-c", statement], env=dict(os.environ, PGPASSWORD="of-the-administrator"), check=True)

    def stop(self):
        self.run("%s/pg_ctl -D %s -m fast stop" % (self.bin, self.data))


def command_of(item, objects, root, address):
    """Lays out the files of a pod; its program with arguments, and its environment."""
    container = rendering.containers(item)[-1]
    volumes = {volume["name"]: volume for volume in rendering.pod_spec(item)["volumes"]}
    for mount in container["volumeMounts"]:
        volume, folder = volumes[mount["name"]], root / mount["mountPath"].lstrip("/")
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in (objects["ConfigMap", volume["configMap"]["name"]]["data"] if "configMap" in volume else {}).items():
            (folder / name).write_text(text)
        sources = [dict(volume["secret"], name=volume["secret"]["secretName"])] if "secret" in volume else [source["secret"] for source in volume.get("projected", {}).get("sources", [])]
        for source in sources:
            secret = objects.get(("Secret", source["name"]))
            for entry in source["items"]:
                if entry["path"] != "ca.crt":
                    (folder / entry["path"]).write_text(base64.b64decode(secret["data"][entry["key"]]).decode() if secret else GIVEN[entry["key"]])
    environment = {entry["name"]: re.sub(r"^(?=/run/)", str(root), entry["value"]).replace("0.0.0.0", address) for entry in container["env"] if entry["name"] != "POSTGRESQL_CONNECTION_ATTRIBUTES"}
    return [str(BIN / pathlib.Path(container["command"][0]).name), *container["args"], "--with-config", str(root / "etc/gatehouse/config.yaml")], environment


def request(path, body=None, key=API_KEY):
    sent = urllib.request.Request("http://gatehouse:3567" + path, data=body and json.dumps(body).encode(), headers={"api-key": key, "Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(sent, timeout=30) as reply:
            return reply.status, json.load(reply)
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def check(objects, folder):
    deployments = {rendering.component(item): item for (kind, _), item in objects.items() if kind == "Deployment"}
    front = "gateway" if "gateway" in deployments else "gatehouse"
    addresses = {name: "127.0.1.%d" % number for number, name in enumerate(sorted(deployments), 1)}
    names = [("127.0.0.1", "localhost"), (DATABASE_ADDRESS, "postgres.example.internal"), (addresses[front], "gatehouse")] + [(address, "gatehouse-" + name) for name, address in addresses.items()]
    (folder / "hosts").write_text("".join("%s %s\n" % pair for pair in names))
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    subprocess.run(["mount", "--bind", str(folder / "hosts"), "/etc/hosts"], check=True)

    arguments, environment = command_of(objects["Job", "gatehouse-migration"], objects, folder / "migration", "")
    subprocess.run(arguments, env=environment, check=True)
    processes = {}
    try:
        for name, item in deployments.items():
            arguments, environment = command_of(item, objects, folder / name, addresses[name])
            with open(folder / (name + ".log"), "w") as log:
                processes[name] = subprocess.Popen(arguments, env=environment, stdout=log, stderr=subprocess.STDOUT)
        for name in deployments:
            health = [str(BIN / "gatehouse"), "health", "--url", "http://%s:3568/readyz" % addresses[name]]
            wait_until(lambda: processes[name].poll() is not None or subprocess.run(health, capture_output=True).returncode == 0, "%s is ready" % name)
        test = rendering.containers(objects["Pod", "gatehouse-test"])[0]
        subprocess.run([str(BIN / pathlib.Path(test["command"][0]).name), *test["args"]], check=True)
        credentials = {"email": "a@example.com", "password": "abcd1234"}
        for path in ("/recipe/signup", "/recipe/signin"):
            status, body = request(path, credentials)
            assert (status, body["status"]) == (200, "OK"), (path, status, body)
        status, body = request("/users/count")
        assert (status, body["status"], body["count"]) == (200, "OK", 1), (status, body)
        assert request("/users/count", key="x" * 20)[0] == 401
        processes[front].send_signal(signal.SIGTERM)
        assert processes[front].wait(timeout=35) == 0
    except BaseException:
        for name in deployments:
            if (folder / (name + ".log")).exists():
                print("%s: %s" % (name, (folder / (name + ".log")).read_text()[-1000:]))
        raise
    finally:
        for process in processes.values():
            process.terminate()
        statuses = {name: process.wait(timeout=35) for name, process in processes.items()}
    assert set(statuses.values()) == {0}, statuses
    print("%d processes ran as the chart says: migration, readiness, helm test, requests, end" % len(processes))


def main():
    if os.environ.get("RUN_RENDERED_INSIDE") != "1":
        os.execvpe("unshare", ["unshare", "-n", "-m", sys.executable, *sys.argv], dict(os.environ, RUN_RENDERED_INSIDE="1"))
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        (folder / "postgres").mkdir()
        postgres = Postgres(folder / "postgres")
        try:
            check(rendering.rendered("split"), folder)
        finally:
            postgres.stop()


if __name__ == "__main__":
    main()

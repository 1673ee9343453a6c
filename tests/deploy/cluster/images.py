#!/usr/bin/env python3
"""Writes images as archives that `ctr images import` and `docker load` take, without a registry and without Docker.

    images.py gatehouse OUT.tar TAG PROGRAMS   localhost/gatehouse…:TAG, with the file systems that the Dockerfile has (deploy/images/collect-files.sh), of the programs in that folder
    images.py node OUT.tar TOOLS               what the test's cluster needs: pause, CoreDNS, busybox, and PostgreSQL from this machine's packages

The machine must be a Debian 12, as the programs' own.
"""
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
# pause: a program that does nothing, and outlives the containers of its pod.
PAUSE = "#include <unistd.h>\n#include <signal.h>\nstatic void end(int n) { _exit(0); }\nint main(void) { signal(SIGTERM, end); signal(SIGINT, end); for (;;) pause(); }\n"
PROGRAMS_OF_POSTGRES = ["postgres", "initdb", "pg_ctl", "psql", "pg_isready"]


def run(*command, **options):
    return subprocess.run([str(part) for part in command], check=True, **options)


def layer(folder):
    """An archive of the folder, the same bytes for the same files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path in sorted(Path(folder).rglob("*")):
            information = archive.gettarinfo(str(path), str(path.relative_to(folder)))
            information.mtime = 0
            if information.isfile():
                with path.open("rb") as content:
                    archive.addfile(information, content)
            else:
                archive.addfile(information)
    return buffer.getvalue()


class Archive:
    """Several images, which share layers."""

    def __init__(self, path):
        self.archive = tarfile.open(path, "w")
        self.manifest, self.written = [], set()

    def add(self, name, data):
        if name not in self.written:
            self.written.add(name)
            information = tarfile.TarInfo(name)
            information.size = len(data)
            self.archive.addfile(information, io.BytesIO(data))

    def image(self, name, layers, **config):
        digests = [hashlib.sha256(data).hexdigest() for data in layers]
        for digest, data in zip(digests, layers):
            self.add(digest + "/layer.tar", data)
        text = json.dumps({"architecture": "amd64", "os": "linux", "config": config, "rootfs": {"type": "layers", "diff_ids": ["sha256:" + digest for digest in digests]}}).encode()
        file = hashlib.sha256(text).hexdigest() + ".json"
        self.add(file, text)
        self.manifest.append({"Config": file, "RepoTags": [name], "Layers": [digest + "/layer.tar" for digest in digests]})

    def close(self):
        self.add("manifest.json", json.dumps(self.manifest).encode())
        self.archive.close()


def gatehouse(out, tag, programs):
    with tempfile.TemporaryDirectory() as work:
        files = Path(work) / "files"
        run(ROOT / "deploy/images/collect-files.sh", programs, files, stdout=subprocess.DEVNULL)
        archive, base = Archive(out), layer(files / "base")
        for folder in sorted(files.iterdir()):
            if folder.name != "base":
                environment = ["GATEHOUSE_ADMIN_HOST=0.0.0.0"] + (["SUPERTOKENS_HOST=0.0.0.0"] if folder.name in ("gatehouse", "gatehouse-gateway") else [])
                archive.image("localhost/%s:%s" % (folder.name, tag), [base, layer(folder)], User="1000:1000", Env=environment, Entrypoint=["/usr/bin/gatehouse"], Labels={"version": tag})
        archive.close()


def copy(root, *files):
    """Files, with the libraries that they load, in their own places."""
    wanted = [str(file) for file in files]
    listed = subprocess.run(["ldd", *wanted], capture_output=True, text=True).stdout
    for line in listed.splitlines():
        wanted += [word for word in line.split() if word.startswith("/") and not word.endswith(":")][:1]
    for file in dict.fromkeys(wanted):
        run("install", "-D", "-m", oct(os.stat(file).st_mode & 0o777)[2:], os.path.realpath(file), str(root) + file)


def postgres(root):
    version = sorted(Path("/usr/lib/postgresql").iterdir(), key=lambda path: int(path.name))[-1]
    modules = [path for path in (version / "lib").glob("*.so") if not path.name.startswith("llvmjit")]
    copy(root, *(version / "bin" / name for name in PROGRAMS_OF_POSTGRES), *modules, "/bin/bash", "/bin/cat", "/bin/rm", "/bin/sleep")
    run("cp", "-r", "--parents", "/usr/share/postgresql/" + version.name, "/usr/lib/locale/C.utf8", root)
    (root / "bin/sh").symlink_to("bash")
    for folder in ("usr/local/bin", "etc", "tmp", "var/run", "var/lib/postgresql"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    for name in PROGRAMS_OF_POSTGRES:
        (root / "usr/local/bin" / name).symlink_to(version / "bin" / name)
    (root / "etc/passwd").write_text("root:x:0:0:root:/:/bin/sh\npostgres:x:999:999::/var/lib/postgresql:/bin/sh\n")
    (root / "etc/group").write_text("root:x:0:\npostgres:x:999:\n")
    (root / "etc/nsswitch.conf").write_text("passwd: files\ngroup: files\nhosts: files dns\n")
    copy(root, "/lib/x86_64-linux-gnu/libnss_files.so.2", "/lib/x86_64-linux-gnu/libnss_dns.so.2")
    run("install", "-m", "755", ROOT / "tests/deploy/standins/postgres.sh", root / "usr/local/bin/docker-entrypoint.sh")


def node(out, tools):
    archive = Archive(out)
    with tempfile.TemporaryDirectory() as work:
        work = Path(work)
        (work / "pause.c").write_text(PAUSE)
        for name in ("pause", "coredns", "busybox", "postgres"):
            (work / name).mkdir()
        run("gcc", "-static", "-O2", "-o", work / "pause/pause", work / "pause.c")
        archive.image("localhost/pause:1", [layer(work / "pause")], Entrypoint=["/pause"], User="65535:65535")
        run("install", Path(tools) / "bin/coredns", work / "coredns/coredns")
        archive.image("localhost/coredns:1", [layer(work / "coredns")], Entrypoint=["/coredns"])
        (work / "busybox/bin").mkdir()
        run("install", Path(tools) / "root/bin/busybox", work / "busybox/bin/busybox")
        for name in ("sh", "sleep", "nc", "wget", "nslookup", "true", "false"):
            (work / "busybox/bin" / name).symlink_to("busybox")
        archive.image("localhost/busybox:1", [layer(work / "busybox")], User="1000:1000", Env=["PATH=/bin"])
        postgres(work / "postgres")
        archive.image("localhost/postgres:1", [layer(work / "postgres")], User="999:999", Env=["PATH=/usr/local/bin:/usr/bin:/bin"], Entrypoint=["docker-entrypoint.sh"])
    archive.close()


def main():
    commands = {"gatehouse": (gatehouse, 3), "node": (node, 2)}
    if len(sys.argv) < 2 or sys.argv[1] not in commands or len(sys.argv) - 2 != commands[sys.argv[1]][1]:
        sys.exit(__doc__.strip())
    commands[sys.argv[1]][0](*sys.argv[2:])


if __name__ == "__main__":
    main()

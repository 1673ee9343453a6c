#!/usr/bin/env python3
"""The Debian package in an empty Debian 12: installed, started as its unit starts it, upgraded with data, removed, purged.

Usage, as root: package.py [--build build/release] [--older PROGRAM] [--mirror URL] [ROOT]

Makes gatehouse_<version>.deb by cpack from --build, whose program `gatehouse` must be built, and an older one: the same files under a lower version, with PROGRAM as its program if given (of a release that reports to systemd). ROOT (default:
a temporary one, removed at the end) is made with debootstrap unless it is there. systemd does not run in it: the unit's ExecStart is run as its User, with its directories, its limits on system calls
where python3-seccomp is installed, and its environment, and what it reports to systemd is read here. It takes minutes, and downloads packages: it is started by hand.
"""
import argparse
import atexit
import glob
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
OLDER = "0.0.9"
USER = {"email": "ada@example.com", "password": "analytical engine 1"}
MOUNTS = ("proc", "sys", "dev", "dev/pts", "dev/shm")
DEBIAN = {"DEBIAN_FRONTEND": "noninteractive", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "HOME": "/root"}


def run(*command, **options):
    return subprocess.run(command, check=True, text=True, **options)


def check(condition, what):
    if not condition:
        sys.exit("FAILED: " + what)
    print("ok: " + what, flush=True)


def make_packages(build, older_program, directory):
    """The paths of the older and the newer package."""
    run("cpack", "-G", "DEB", "-B", directory, "--config", os.path.join(build, "CPackConfig.cmake"), cwd=build, stdout=subprocess.DEVNULL)
    newer, = glob.glob(directory + "/gatehouse_*.deb")
    tree = os.path.join(directory, "older")
    run("dpkg-deb", "-R", newer, tree)
    if older_program:
        run("strip", "-o", tree + "/usr/bin/gatehouse", older_program)
    control = os.path.join(tree, "DEBIAN", "control")
    with open(control, encoding="utf-8") as f:
        text = re.sub(r"^Version: .*$", "Version: " + OLDER, f.read(), flags=re.M)
    with open(control, "w", encoding="utf-8") as f:
        f.write(text)
    older = os.path.join(directory, "gatehouse_%s_older.deb" % OLDER)
    run("dpkg-deb", "-b", "--root-owner-group", tree, older, stdout=subprocess.DEVNULL)
    shutil.rmtree(tree)
    return older, newer


class Root:
    def __init__(self, path, mirror):
        self.path = path
        if not os.path.exists(path + "/etc/debian_version"):
            run("debootstrap", "--variant=minbase", "--include=ca-certificates", "bookworm", path, mirror, stdout=subprocess.DEVNULL)
        for mount in MOUNTS:
            os.makedirs(os.path.join(path, mount), exist_ok=True)
            run("mount", "--bind", "/" + mount, os.path.join(path, mount))
            atexit.register(subprocess.run, ["umount", "-l", os.path.join(path, mount)])
        # This machine's access to the packages: proxies, certificates.
        shutil.copy("/etc/resolv.conf", path + "/etc/resolv.conf")
        for name in glob.glob("/etc/apt/apt.conf.d/*[Pp]roxy*"):
            shutil.copy(name, path + "/etc/apt/apt.conf.d")
        for name in glob.glob("/usr/local/share/ca-certificates/*.crt"):
            shutil.copy(name, path + "/usr/local/share/ca-certificates")
        self.inside("update-ca-certificates", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        # No package starts a service here: this is not the machine's own root.
        self.write("/usr/sbin/policy-rc.d", "#!/bin/sh\nexit 101\n", 0o755)
        self.inside("apt-get", "update", "-q", stdout=subprocess.DEVNULL)

    def inside(self, *command, **options):
        return subprocess.run(["chroot", self.path, *command], env=DEBIAN, text=True, check=options.pop("check", True), **options)

    def output(self, *command):
        return self.inside(*command, stdout=subprocess.PIPE).stdout

    def apt(self, *arguments):
        done = self.inside("apt-get", "-q", "-y", *arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if done.returncode != 0:
            sys.exit(done.stdout + "\nFAILED: apt-get " + " ".join(arguments))
        return done.stdout

    def install(self, package):
        shutil.copy(package, self.path + "/root/package.deb")
        text = self.apt("install", "/root/package.deb")
        os.remove(self.path + "/root/package.deb")
        return text

    def write(self, path, text, mode=0o644):
        with open(self.path + path, "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(self.path + path, mode)

    def read(self, path):
        with open(self.path + path, encoding="utf-8") as f:
            return f.read()

    def traces(self):
        """Whatever has our name, or is in a file of /etc that has."""
        named = self.output("find", "/", "-xdev", "(", "-path", "/proc", "-o", "-path", "/sys", "-o", "-path", "/tmp", ")", "-prune", "-o", "-iname", "*gatehouse*", "-print").split()
        inside = self.inside("grep", "-rlI", "gatehouse", "/etc", "/var/lib/dpkg/info", "/var/lib/systemd", check=False, stdout=subprocess.PIPE).stdout.split()
        # Those ending in "-" are backups of the system's, from before its last change.
        return sorted(name for name in set(named + inside) if not re.match(r"/etc/(group|gshadow|passwd|shadow)-$", name))

    def user(self):
        return next((row.split(":") for row in self.read("/etc/passwd").splitlines() if row.startswith("gatehouse:")), None)


class Unit:
    """The service as its unit describes it."""

    def __init__(self, root):
        self.root = root
        rows = [row.split("=", 1) for row in root.read("/lib/systemd/system/gatehouse.service").splitlines() if "=" in row and not row.startswith("#")]
        self.settings = dict(rows)
        self.filters = [value for key, value in rows if key == "SystemCallFilter"]
        user = root.user()
        self.uid, self.gid = int(user[2]), int(user[3])
        for kind, place in (("StateDirectory", "/var/lib/"), ("RuntimeDirectory", "/run/")):
            directory = root.path + place + self.settings[kind]
            os.makedirs(directory, exist_ok=True)
            os.chown(directory, self.uid, self.gid)
            os.chmod(directory, int(self.settings[kind + "Mode"], 8))
        self.notified = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        path = root.path + "/run/notify"
        if os.path.exists(path):
            os.remove(path)
        self.notified.bind(path)
        os.chmod(path, 0o777)
        self.notified.settimeout(120)

    def allowed_calls(self):
        def members(names):
            found = set()
            for name in names:
                if name.startswith("@"):
                    text = subprocess.run(["systemd-analyze", "syscall-filter", name], capture_output=True, text=True, check=True).stdout
                    found |= members(row.strip() for row in text.splitlines()[1:] if row.strip() and not row.strip().startswith("#"))
                else:
                    found.add(name)
            return found
        allowed = set()
        for text in self.filters:
            allowed = allowed - members(text[1:].split()) if text.startswith("~") else allowed | members(text.split())
        return allowed

    def start(self):
        try:
            import seccomp
        except ImportError:
            seccomp = None
        calls = self.allowed_calls() if seccomp and shutil.which("systemd-analyze") else None

        def become():
            os.chroot(self.root.path)
            os.chdir("/")
            os.setgroups([])
            os.setgid(self.gid)
            os.setuid(self.uid)
            os.umask(int(self.settings["UMask"], 8))
            if calls:
                rules = seccomp.SyscallFilter(seccomp.ERRNO(1))
                for call in calls:
                    try:
                        rules.add_rule(seccomp.ALLOW, call)
                    except (RuntimeError, ValueError, OSError):
                        pass  # of another architecture
                rules.load()
        environment = {"PATH": "/usr/bin:/bin", "NOTIFY_SOCKET": "/run/notify", "RUNTIME_DIRECTORY": "/run/gatehouse", "STATE_DIRECTORY": "/var/lib/gatehouse", "HOME": "/var/lib/gatehouse", "USER": "gatehouse"}
        self.log = tempfile.NamedTemporaryFile("w+", suffix=".log")
        self.process = subprocess.Popen(self.settings["ExecStart"].split(), preexec_fn=become, env=environment, stdout=self.log, stderr=self.log)
        try:
            first = self.notified.recv(1000).decode()
        except TimeoutError:
            with open(self.log.name, encoding="utf-8") as f:
                sys.exit(f.read() + "\nFAILED: the service does not become ready")
        check(first.startswith("READY=1"), "the unit's command line as its user%s: READY=1" % (", within its system calls" if calls else ""))
        check(os.stat("/proc/%d" % self.process.pid).st_uid == self.uid, "it is the package's user")

    def reload(self):
        check(self.settings["ExecReload"] == "/bin/kill -HUP $MAINPID", "reload is SIGHUP")
        self.process.send_signal(signal.SIGHUP)
        check("RELOADING=1" in self.notified.recv(1000).decode() and "READY=1" in self.notified.recv(1000).decode(), "RELOADING=1, then READY=1")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        check("STOPPING=1" in self.notified.recv(1000).decode(), "STOPPING=1")
        check(self.process.wait(60) == 0, "exit status 0")


def call(path, body=None, key=None):
    request = urllib.request.Request("http://localhost:3567" + path, json.dumps(body).encode() if body else None, {"Content-Type": "application/json", **({"api-key": key} if key else {})})
    with urllib.request.urlopen(request, timeout=30) as reply:
        return reply.read().decode()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default=os.path.join(TOP, "build", "release"))
    parser.add_argument("--older", help="program of the older package")
    parser.add_argument("--mirror", default="http://deb.debian.org/debian")
    parser.add_argument("root", nargs="?")
    options = parser.parse_args()
    packages = tempfile.mkdtemp(prefix="gatehouse-packages-")
    atexit.register(shutil.rmtree, packages, True)
    older, newer = make_packages(os.path.abspath(options.build), options.older and os.path.abspath(options.older), packages)
    path = options.root or tempfile.mkdtemp(prefix="gatehouse-root-")
    if not options.root:
        os.chmod(path, 0o755)  # other users are at work in it, too
        atexit.register(shutil.rmtree, path, True)  # after the mounts are gone: the last registered is the first to run
    root = Root(os.path.abspath(path), options.mirror)
    print("package: %d KiB; %s" % (os.path.getsize(newer) // 1024, run("dpkg-deb", "-f", newer, "Depends", stdout=subprocess.PIPE).stdout.strip()))

    # Installed and purged without ever running: nothing is left but what it depends on.
    root.install(newer)
    root.apt("purge", "gatehouse")
    check((root.traces(), root.user()) == ([], None), "purged before it ran: no trace, no user")

    root.install(older)
    user = root.user()
    check(user and user[5] == "/var/lib/gatehouse" and user[6].endswith("nologin") and int(user[2]) < 1000, "a system user without a shell")
    config = os.stat(root.path + "/etc/gatehouse/config.yaml")
    check((config.st_mode & 0o777, config.st_uid, config.st_gid) == (0o640, 0, int(user[3])), "the configuration: readable for the service only")
    check(os.path.islink(root.path + "/etc/systemd/system/multi-user.target.wants/gatehouse.service"), "the unit is enabled")
    for name in ("man/man1/gatehouse.1.gz", "bash-completion/completions/gatehouse", "zsh/vendor-completions/_gatehouse", "fish/vendor_completions.d/gatehouse.fish", "doc/gatehouse/running.md"):
        # minbase leaves no manuals and documents out, unlike images for containers.
        check(os.path.getsize(root.path + "/usr/share/" + name) > 0, name)
    check("gatehouse" in root.inside("gatehouse", "help", stdout=subprocess.PIPE).stdout, "gatehouse help")
    unit = Unit(root)
    unit.start()
    check(call("/hello") == "Hello\n" and '"OK"' in call("/recipe/signup", USER), "a sign-up, in its own PostgreSQL")
    listed = root.output("gatehouse", "list")
    check(listed == "%d\thttp://localhost:3567\tgatehouse\n" % unit.process.pid or not listed, "root's list: %r" % listed)
    unit.stop()
    check(os.stat(root.path + "/var/lib/gatehouse/pg").st_uid == unit.uid, "the data is in /var/lib/gatehouse, the service's")

    key = "k" * 20
    root.write("/etc/gatehouse/config.yaml", root.read("/etc/gatehouse/config.yaml") + "access_token_validity: 90\napi_keys: %s\n" % key, 0o640)
    root.install(newer)
    check(root.output("dpkg-query", "-W", "-f", "${Version}", "gatehouse") != OLDER, "upgraded")
    check("access_token_validity: 90" in root.read("/etc/gatehouse/config.yaml"), "the administrator's configuration stays")
    unit = Unit(root)
    unit.start()
    check('"OK"' in call("/recipe/signin", USER, key), "the user of the older one signs in")
    check(root.output("gatehouse", "list") == "%d\thttp://localhost:3567\tgatehouse\n" % unit.process.pid, "root's `gatehouse list` shows the service")
    root.write("/etc/gatehouse/config.yaml", root.read("/etc/gatehouse/config.yaml").replace(key, "l" * 20), 0o640)
    unit.reload()
    check('"OK"' in call("/recipe/signin", USER, "l" * 20), "another API key, without a restart")
    stopped = root.inside("gatehouse", "stop", stdout=subprocess.PIPE).stdout
    check(stopped == "stopped %d\n" % unit.process.pid and unit.process.wait(10) == 0, "root's `gatehouse stop` ends it, exit status 0")

    root.apt("remove", "gatehouse")
    check(not os.path.exists(root.path + "/usr/bin/gatehouse") and os.path.exists(root.path + "/etc/gatehouse/config.yaml") and os.path.exists(root.path + "/var/lib/gatehouse/pg"),
          "removed: configuration and data stay")
    root.install(newer)
    check(key.replace("k", "l") in root.read("/etc/gatehouse/config.yaml") and root.user()[2] == str(unit.uid), "installed again: the same configuration and user")
    check("are left" in root.apt("purge", "gatehouse"), "the purge says what it leaves")
    left = [name for name in root.traces() if not name.startswith("/var/lib/gatehouse")]
    check(left == ["/etc/group", "/etc/gshadow", "/etc/passwd", "/etc/shadow"], "purged: left are the data and its user, nothing else: %s" % left)
    check(os.path.exists(root.path + "/var/lib/gatehouse/pg") and root.user()[2] == str(unit.uid), "the data, and its user")
    root.install(newer)
    unit = Unit(root)
    unit.start()
    check('"OK"' in call("/recipe/signin", USER), "installed after the purge: the data is in use again")
    unit.stop()
    root.apt("purge", "gatehouse")
    print("All of it works in an empty Debian 12.")


if __name__ == "__main__":
    main()

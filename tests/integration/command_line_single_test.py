"""The command line, as people and service managers use it: help, manual, completion, list and stop, what systemd is told, what a terminal shows."""
import json
import os
import pty
import re
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

from integration import harness

GATEHOUSE = os.path.join(harness.BIN, "gatehouse")


def clean_environment():
    return {name: value for name, value in os.environ.items() if not name.startswith(("POSTGRESQL_", "SUPERTOKENS_", "GATEHOUSE_"))}


def run(*arguments, **environment):
    return subprocess.run([GATEHOUSE, *arguments], env={**clean_environment(), **environment}, capture_output=True, text=True, timeout=120)


def commands():
    """The commands, and the options of each, as the help has them."""
    text = run("help").stdout
    block = text[text.index("Commands:\n"):text.index("\nOptions")]
    names = re.findall(r"^  ([a-z-]+)", block, re.M)
    return {name: re.findall(r"^  --([a-z-]+)", run("help", name).stdout, re.M) for name in names}


class Texts(unittest.TestCase):
    def test_help(self):
        known = commands()
        for name in ("start", "stop", "list", "migrate", "health", "config", "version", "completion", "help"):
            self.assertIn(name, known)
        for name, options in known.items():
            self.assertEqual(run(name, "--help").stdout, run("help", name).stdout)
            self.assertIn("help", options)
        self.assertEqual(run("--help").stdout, run("help").stdout)
        self.assertTrue(all(len(line) <= 100 for line in run("help").stdout.splitlines()))
        self.assertIn("port", known["start"])
        self.assertNotIn("port", known["stop"])
        for arguments, text in ((["sart"], "unknown command 'sart'"), (["start", "--prot", "1"], "--prot"), (["list", "--port", "1"], "--port is not for list"),
                                (["stop", "--id", "x"], "--id must be"), (["start", "now"], "unexpected 'now'"), (["help", "sart"], "unknown command"),
                                (["completion", "tcsh"], "bash, zsh or fish"), (["completion"], "bash, zsh or fish")):
            done = run(*arguments)
            self.assertEqual((done.returncode, done.stdout, text in done.stderr), (1, "", True), done)
        # As the original takes it.
        self.assertEqual(run("start", "production", "--foreground", "--with-space", "500", "--check-config").returncode, 0)
        self.assertEqual(run("version").stdout, run("--version").stdout)

    def test_the_manual_has_the_same_commands_and_options(self):
        with open(os.path.join(harness.ROOT, "docs", "gatehouse.1"), encoding="utf-8") as f:
            text = f.read().replace("\\-", "-")
        section = text[text.index(".SH COMMANDS"):text.index(".SH OPTIONS")]
        known = commands()
        self.assertEqual(re.findall(r"^\.TP\n\.BR? ([a-z-]+)", section, re.M), list(known))
        options = text[text.index(".SH OPTIONS"):text.index(".SH SIGNALS")]
        # A line such as `.BR --help ", " --version` has two.
        named = {name for line in re.findall(r"^\.TP\n(\.BR? --.*)", options, re.M) for name in re.findall(r"--([a-z-]+)", line)}
        self.assertEqual(named, {option for each in known.values() for option in each})

    def complete(self, *words):
        script = 'source <("$0" completion bash); COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _gatehouse; printf "%s\\n" "${COMPREPLY[@]}"'
        done = subprocess.run(["bash", "-c", script, GATEHOUSE, "gatehouse", *words], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout.split()

    def test_completion(self):
        known = commands()
        self.assertEqual(sorted(self.complete("")), sorted([*known, "--help", "--version"]))
        self.assertEqual(sorted(self.complete("st")), ["start", "stop"])
        for name, options in known.items():
            self.assertEqual(sorted(self.complete(name, "--")), sorted("--" + option for option in options))
        self.assertEqual(self.complete("stop", "--i"), ["--id"])
        self.assertEqual(self.complete("completion", "z"), ["zsh"])
        self.assertEqual(self.complete("start", "--port", ""), [])
        with tempfile.TemporaryDirectory() as directory:
            open(os.path.join(directory, "config.yaml"), "w").close()
            self.assertEqual(self.complete("start", "--with-config", directory + "/con"), [directory + "/config.yaml"])
        for shell in ("zsh", "fish"):
            script = run("completion", shell).stdout
            for name, options in known.items():
                self.assertRegex(script, r"\b%s\b" % name)
                for option in options:
                    self.assertRegex(script, r"(--|-l )%s\b" % option)
            if shutil.which(shell):
                self.assertEqual(subprocess.run([shell, "-n"], input=script, capture_output=True, text=True).stderr, "")


class Running(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="gatehouse-run-")
        self.addCleanup(shutil.rmtree, self.directory, True)
        self.environment = {"RUNTIME_DIRECTORY": self.directory}

    def start(self, **environment):
        gatehouse = harness.Gatehouse(mode="all-in-one", environment={**self.environment, **environment})
        self.addCleanup(gatehouse.kill)
        return gatehouse.start()

    def list(self):
        return [line.split("\t") for line in run("list", **self.environment).stdout.splitlines()]

    def test_list_and_stop(self):
        self.assertEqual(self.list(), [])
        self.assertEqual(run("stop", **self.environment).returncode, 0)
        first, second = self.start(), self.start()
        pids = [g.processes["gatehouse"].process.pid for g in (first, second)]
        expected = sorted(([str(pid), "http://localhost:%d" % g.port, "gatehouse"] for pid, g in zip(pids, (first, second))), key=lambda row: int(row[0]))
        self.assertEqual(self.list(), expected)
        # A file without the lock of a process, whatever it says, and one of a process that was killed.
        stranger = subprocess.Popen(["sleep", "600"])
        self.addCleanup(stranger.wait)
        self.addCleanup(stranger.kill)
        with open(os.path.join(self.directory, "%d.instance" % stranger.pid), "w") as f:
            json.dump({"program": "gatehouse", "address": "http://localhost:1", "stop_within_ms": 1000}, f)
        self.assertEqual(self.list(), expected)
        away = run("stop", "--id", str(stranger.pid), **self.environment)
        self.assertEqual((away.returncode, stranger.poll()), (1, None), away)
        done = run("stop", "--id", str(pids[1]), **self.environment)
        self.assertEqual((done.returncode, done.stdout), (0, "stopped %d\n" % pids[1]))
        self.assertEqual(second.processes["gatehouse"].process.wait(5), 0)
        self.assertEqual([row[0] for row in self.list()], [str(pids[0])])
        third = self.start()
        third.kill()
        self.assertEqual([row[0] for row in self.list()], [str(pids[0])])
        done = run("stop", **self.environment)
        self.assertEqual((done.returncode, done.stdout), (0, "stopped %d\n" % pids[0]))
        self.assertEqual((first.processes["gatehouse"].process.wait(5), stranger.poll()), (0, None))

    def test_what_systemd_is_told(self):
        address = os.path.join(self.directory, "notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(address)
            manager.settimeout(60)
            # A start that waits is not ready.
            away = harness.Process("gatehouse", ["start"], {"NOTIFY_SOCKET": address, "SUPERTOKENS_PORT": str(harness.free_port()), "GATEHOUSE_ADMIN_PORT": "0",
                                                            "POSTGRESQL_CONNECTION_URI": "postgresql://me@127.0.0.1:%d/x" % harness.free_port()}, "waits").start()
            self.addCleanup(away.kill)
            harness.wait_until(lambda: "waiting" in away.log(), 30, "the start to wait")
            self.assertEqual(select.select([manager], [], [], 0)[0], [])
            away.stop()
            self.assertIn("STOPPING=1", manager.recv(1000).decode())
            gatehouse = harness.Gatehouse(mode="all-in-one", environment={**self.environment, "NOTIFY_SOCKET": address})
            self.addCleanup(gatehouse.kill)
            process = gatehouse.processes["gatehouse"].start()
            self.assertEqual(manager.recv(1000).decode(), "READY=1\nSTATUS=Serving http://localhost:%d" % gatehouse.port)
            self.assertEqual(gatehouse.admin("/readyz").status, 200)
            before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
            process.process.send_signal(signal.SIGHUP)
            reloading = dict(line.split("=") for line in manager.recv(1000).decode().splitlines())
            self.assertEqual(reloading["RELOADING"], "1")
            self.assertGreaterEqual(int(reloading["MONOTONIC_USEC"]), before)
            self.assertIn("READY=1", manager.recv(1000).decode())
            self.assertEqual(process.stop(), 0)
            self.assertIn("STOPPING=1", manager.recv(1000).decode())
            self.assertEqual(select.select([manager], [], [], 0)[0], [])

    def test_an_abstract_socket_of_systemd(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            name = "gatehouse-notify-%d" % os.getpid()
            manager.bind("\0" + name)
            manager.settimeout(60)
            self.start(NOTIFY_SOCKET="@" + name)
            self.assertIn("READY=1", manager.recv(1000).decode())

    def test_on_a_terminal(self):
        gatehouse = harness.Gatehouse(mode="all-in-one", environment=self.environment)
        port, admin_port = str(gatehouse.port), str(gatehouse.admin_port)
        environment = {**clean_environment(), **self.environment, "POSTGRESQL_CONNECTION_URI": gatehouse.postgres.uri(gatehouse.database),
                       "GATEHOUSE_SHUTDOWN_DELAY_MS": "0", "GATEHOUSE_ADMIN_PORT": admin_port}
        pid, terminal = pty.fork()
        if pid == 0:
            os.execve(GATEHOUSE, ["gatehouse", "start", "--port", port], environment)
        text = b""
        while b"Ctrl-C" not in text:
            self.assertTrue(select.select([terminal], [], [], 60)[0], text)
            text += os.read(terminal, 4096)
        lines = text.decode().replace("\r", "").splitlines()
        self.assertTrue(any(re.match(r"[0-9T:.-]+Z info started .*address=http://localhost:%s " % port, line) for line in lines), lines)
        last = lines[-3:]
        self.assertIn("serves http://localhost:%s " % port, last[0])
        self.assertIn("database " + gatehouse.database, last[1])
        self.assertNotIn("{", "".join(lines))
        # A terminal that is closed leaves no server behind that nobody sees.
        os.close(terminal)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0)

    def test_logs_that_nobody_reads_are_json(self):
        gatehouse = self.start()
        for line in gatehouse.processes["gatehouse"].log().splitlines():
            self.assertIn("event", json.loads(line))


if __name__ == "__main__":
    unittest.main()

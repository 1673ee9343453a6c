"""The faults: each is a function of a running suite that does harm, undoes it, and returns the time at which all was well again (time.monotonic)."""
import contextlib
import os
import signal
import subprocess
import time

from chaos.pg_proxy import PgProxy
from integration import harness

HARM_S = 3


class Postgres(harness.Postgres):
    """A server that keeps what it has acknowledged, and can be stopped and started."""

    def __init__(self):
        super().__init__(settings=("synchronous_commit=on",))
        self.command = self.process.args

    def processes(self):
        found = subprocess.run(["pgrep", "-P", str(self.process.pid)], capture_output=True, text=True).stdout.split()
        return [self.process.pid] + [int(pid) for pid in found]

    def signal_all(self, number):
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def end(self, number):
        children = self.processes()[1:]
        self.process.send_signal(number)
        self.process.wait()
        # A killed server's children go by themselves, and a new one waits for them.
        harness.wait_until(lambda: not any(os.path.exists("/proc/%d" % pid) for pid in children), 30, "the server's processes")

    def start_again(self):
        self.process = subprocess.Popen(self.command, cwd=self.dir, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **self.as_user)
        harness.wait_until(lambda: self.sql("SELECT 1", "postgres", check=False) == [["1"]], 30, "PostgreSQL")


class Suite:
    """Gatehouse on a PostgreSQL behind a proxy."""

    def __init__(self, mode):
        self.postgres = Postgres()
        self.proxy = PgProxy(self.postgres.port)
        database = self.postgres.create_database()
        uri = "postgresql://gatehouse:x@127.0.0.1:%d/%s" % (self.proxy.port, database)
        self.gatehouse = harness.Gatehouse(mode=mode, postgres=self.postgres, database=database, environment={"POSTGRESQL_CONNECTION_URI": uri, "LOG_LEVEL": "INFO"}).start()

    def stop(self):
        self.gatehouse.kill()
        self.proxy.stop()
        self.postgres.stop()


def well(_suite):
    return time.monotonic()


def calm(suite):
    time.sleep(HARM_S)
    return well(suite)


def postgres_killed(suite):
    suite.postgres.end(signal.SIGKILL)
    time.sleep(1)
    suite.postgres.start_again()
    return well(suite)


def postgres_restarted(suite):
    suite.postgres.end(signal.SIGINT)
    suite.postgres.start_again()
    return well(suite)


def postgres_frozen(suite):
    suite.postgres.signal_all(signal.SIGSTOP)
    time.sleep(HARM_S)
    suite.postgres.signal_all(signal.SIGCONT)
    return well(suite)


def backends_terminated(suite):
    for _ in range(HARM_S):
        suite.postgres.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '%s' AND pid <> pg_backend_pid()" % suite.gatehouse.database, "postgres")
        time.sleep(1)
    return well(suite)


def network(mode):
    def fault(suite):
        if mode == "refuse":
            suite.proxy.cut()
        suite.proxy.mode = mode
        time.sleep(HARM_S)
        if mode == "mute":
            # What was answered meanwhile is lost for good.
            suite.proxy.cut()
        suite.proxy.mode = "pass"
        return well(suite)
    return fault


def each_process(harm):
    def fault(suite):
        for process in suite.gatehouse.processes.values():
            harm(suite, process)
            time.sleep(0.5)
        return well(suite)
    return fault


def process_killed(suite, process):
    process.kill()
    process.start()
    suite.gatehouse.wait_ready()


def process_frozen(suite, process):
    process.process.send_signal(signal.SIGSTOP)
    time.sleep(1)
    process.process.send_signal(signal.SIGCONT)


def process_terminated(suite, process):
    process.stop(40)
    process.start()
    suite.gatehouse.wait_ready()


FAULTS = {
    "calm": calm,
    "postgres-killed": postgres_killed,
    "postgres-restarted": postgres_restarted,
    "postgres-frozen": postgres_frozen,
    "backends-terminated": backends_terminated,
    "network-cut": network("refuse"),
    "network-stalled": network("stall"),
    "network-delayed": network("delay"),
    "replies-lost": network("mute"),
    "processes-killed": each_process(process_killed),
    "processes-frozen": each_process(process_frozen),
    "processes-terminated": each_process(process_terminated),
}

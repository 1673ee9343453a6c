"""The faults: each is a function of a running suite that causes a fault, undoes it, and returns the time at which service was possible again (time.monotonic)."""
import os
import signal
import time

from chaos import packet_filter
from chaos.postgres_server import Postgres
from integration import harness
from integration.pg_proxy import PgProxy

HARM_S = 3


class Unavailable(Exception):
    """The fault is not possible on this machine or in this mode."""


class Suite:
    """Gatehouse on a PostgreSQL behind a proxy."""

    def __init__(self, mode):
        self.postgres = Postgres()
        self.proxy = PgProxy(self.postgres.port)
        self.gatehouse = None
        self.problems = []  # what processes did that they should not, since the last look
        try:
            self.start(mode)
        except BaseException:
            self.stop()
            raise

    def start(self, mode):
        database = self.postgres.create_database()
        self.gatehouse = harness.Gatehouse(mode=mode, postgres=self.postgres, database=database, environment={"POSTGRESQL_CONNECTION_URI": self.proxy.uri(database), "LOG_LEVEL": "INFO"})
        self.gatehouse.start()

    def look_at(self, name, expected=None):
        """Records a process that has ended by itself, or with another status than expected."""
        process = self.gatehouse.processes[name]
        status = process.process.poll()
        if status != expected:
            self.problems.append("%s: %s: %s" % (name, "runs" if status is None else "ended with %d" % status, process.log()[-500:]))

    def look_at_all(self):
        for name in self.gatehouse.processes:
            self.look_at(name)
        found, self.problems = self.problems, []
        return found

    def stop(self):
        if self.gatehouse:
            self.gatehouse.kill()
        self.proxy.stop()
        self.postgres.stop()


def well():
    return time.monotonic()


def calm(_suite):
    time.sleep(HARM_S)
    return well()


# PostgreSQL.

def postgres_ended(number):
    def fault(suite):
        suite.postgres.end(number)
        time.sleep(1)
        suite.postgres.start_again()
        return well()
    return fault


def postgres_frozen(suite):
    suite.postgres.signal_all(signal.SIGSTOP)
    time.sleep(HARM_S)
    suite.postgres.signal_all(signal.SIGCONT)
    return well()


def backends_terminated(suite):
    for _ in range(HARM_S):
        suite.postgres.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '%s' AND pid <> pg_backend_pid()" % suite.gatehouse.database, "postgres")
        time.sleep(1)
    return well()


def backend_killed(suite):
    """The server then ends all of its sessions and recovers."""
    pid, = suite.postgres.sql("SELECT pid FROM pg_stat_activity WHERE datname = '%s' LIMIT 1" % suite.gatehouse.database, "postgres")[0]
    os.kill(int(pid), signal.SIGKILL)
    harness.wait_until(suite.postgres.accepts, 30, "PostgreSQL")
    return well()


def tables_locked(suite):
    with suite.postgres.session(suite.gatehouse.database) as session:
        session.run("BEGIN; LOCK TABLE app_id_to_user_id, session_info, emailpassword_users IN ACCESS EXCLUSIVE MODE;")
        time.sleep(HARM_S)
        session.run("ROLLBACK;")
        return well()


def disk_full(suite):
    if not suite.postgres.disk:
        raise Unavailable("the disk is an ordinary one")
    with suite.postgres.full_disk():
        time.sleep(2 * HARM_S)
    return well()


def stand_by(suite):
    """Sessions reach a read-only server, and stay with it when new ones no longer do."""
    with suite.postgres.replica() as port:
        suite.proxy.target = port
        suite.proxy.drop_all()
        time.sleep(HARM_S)
        suite.proxy.target = suite.postgres.port
        begun = well()
        # Before it ends; sessions that stayed would notice that.
        time.sleep(2 * HARM_S)
        return begun


def failed_over(suite):
    """The server is killed, and clients find its replica, which is read-only for a while."""
    with suite.postgres.replica() as port:
        time.sleep(1)
        suite.postgres.end(signal.SIGKILL)
        suite.proxy.target = port
        time.sleep(1)
        suite.postgres.promote_replica()
    return well()


def failed_over_from_silence(suite):
    """The server falls silent with all connections to it, and its replica serves new ones."""
    require_filter()
    with suite.postgres.replica() as port:
        time.sleep(1)
        with packet_filter.dropped(suite.proxy.port, suite.proxy.peers()):
            suite.postgres.end(signal.SIGKILL)
            suite.proxy.target = port
            suite.postgres.promote_replica()
            begun = well()
            time.sleep(2 * HARM_S)
    return begun


# The network between Gatehouse and PostgreSQL.

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
        return well()
    return fault


def connections_reset(suite):
    """At any point in a message."""
    end = time.monotonic() + HARM_S
    while time.monotonic() < end:
        suite.proxy.drop_all()
        time.sleep(0.2)
    return well()


def require_filter():
    if not packet_filter.available():
        raise Unavailable("packets can't be dropped here")


def packets_dropped(suite):
    require_filter()
    with packet_filter.dropped(suite.proxy.port):
        time.sleep(HARM_S)
    return well()


def half_open(suite):
    """The connections that are open fall silent and are never closed; new ones work at once."""
    require_filter()
    with packet_filter.dropped(suite.proxy.port, suite.proxy.peers()):
        begun = well()
        time.sleep(2 * HARM_S)
    return begun


# The processes of Gatehouse.

def process_killed(suite, name):
    process = suite.gatehouse.processes[name]
    suite.look_at(name)
    process.kill()
    time.sleep(0.5)
    process.start()
    suite.gatehouse.wait_ready()


def process_frozen(suite, name):
    process = suite.gatehouse.processes[name].process
    process.send_signal(signal.SIGSTOP)
    time.sleep(HARM_S)
    process.send_signal(signal.SIGCONT)


def process_terminated(suite, name):
    process = suite.gatehouse.processes[name]
    suite.look_at(name)
    process.stop(40)
    suite.look_at(name, expected=0)
    process.start()
    suite.gatehouse.wait_ready()


def of_process(harm, name):
    def fault(suite):
        harm(suite, name)
        return well()
    return fault


def faults_of(mode):
    """All faults that are possible in this mode, by name."""
    faults = {
        "calm": calm,
        "postgres-killed": postgres_ended(signal.SIGKILL),
        "postgres-restarted": postgres_ended(signal.SIGINT),
        "postgres-stopped-at-once": postgres_ended(signal.SIGQUIT),
        "postgres-frozen": postgres_frozen,
        "postgres-backend-killed": backend_killed,
        "postgres-sessions-terminated": backends_terminated,
        "postgres-tables-locked": tables_locked,
        "postgres-disk-full": disk_full,
        "postgres-stand-by": stand_by,
        "postgres-failed-over": failed_over,
        "postgres-failed-over-from-silence": failed_over_from_silence,
        "network-cut": network("refuse"),
        "network-stalled": network("stall"),
        "network-delayed": network("delay"),
        "network-resets": connections_reset,
        "network-drops-packets": packets_dropped,
        "network-half-open": half_open,
        "replies-lost": network("mute"),
    }
    for name in ["gatehouse"] if mode == "all-in-one" else harness.SERVICES + ["gateway"]:
        for what, harm in (("killed", process_killed), ("frozen", process_frozen), ("terminated", process_terminated)):
            faults["%s-%s" % (name, what)] = of_process(harm, name)
    return faults

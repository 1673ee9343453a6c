"""A PostgreSQL server with durable commits that can be stopped and started, has a disk that can be filled, and hands over to a replica."""
import contextlib
import os
import shutil
import signal
import subprocess
import tempfile

from integration import harness

QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
DISK_MB = 200


class Postgres(harness.Postgres):
    def __init__(self):
        super().__init__(settings=("synchronous_commit=remote_apply", "wal_level=replica", "hot_standby=on", "log_min_messages=warning"))
        self.command = self.process.args
        self.space = None  # the directory of the database, if it is not among the others
        self.disk = None  # its own file system, likewise
        self.other = None  # (command, port, process, space) of the replica

    # The process.

    def end(self, number):
        children = self.processes()[1:]
        self.process.send_signal(number)
        self.process.wait()
        # A killed server's children end by themselves, and a new one waits for them.
        harness.wait_until(lambda: not any(os.path.exists("/proc/%d" % pid) for pid in children), 30, "the server's processes")

    def launch(self, command):
        return subprocess.Popen(command, cwd=self.dir, **self.as_user, **QUIET)

    def accepts(self):
        return self.sql("SELECT 1", "postgres", check=False) == [["1"]]

    def start_again(self):
        self.process = self.launch(self.command)
        harness.wait_until(self.accepts, 60, "PostgreSQL")

    # The disk: a small file system that holds the database, if the test may mount one.

    def create_database(self):
        if os.getuid() != 0:
            return super().create_database()
        path = os.path.join(self.dir, "disk")
        os.mkdir(path)
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=%dm" % DISK_MB, "chaos", path], check=False, **QUIET).returncode != 0:
            return super().create_database()
        self.disk = self.space = path
        os.chown(path, self.as_user["user"], self.as_user["group"])
        self.sql("CREATE TABLESPACE small LOCATION '%s'" % path, "postgres")
        self.sql("CREATE DATABASE small TABLESPACE small", "postgres")
        return "small"

    @contextlib.contextmanager
    def full_disk(self):
        ballast = os.path.join(self.disk, "ballast")
        try:
            with open(ballast, "wb", buffering=0) as f, contextlib.suppress(OSError):
                while True:
                    f.write(bytes(1 << 16))
            yield
        finally:
            os.remove(ballast)

    # The replica, which confirms every commit.

    @contextlib.contextmanager
    def replica(self):
        """Its port. The replica ends with the block, unless `hand_over` made it the server."""
        directory = tempfile.mkdtemp(prefix="replica-", dir=self.dir)
        data, port = os.path.join(directory, "data"), harness.free_port()
        if self.as_user:
            os.chown(directory, self.as_user["user"], self.as_user["group"])
        copy = [self.bin + "/pg_basebackup", "-h", "127.0.0.1", "-p", str(self.port), "-U", "gatehouse", "-D", data, "-R", "-c", "fast", "-X", "stream", "--no-sync"]
        space = os.path.join(directory, "disk")
        if self.space:
            copy += ["-T", "%s=%s" % (self.space, space)]
        subprocess.run(copy, check=True, cwd=self.dir, **self.as_user, **QUIET)
        command = list(self.command)
        command[command.index("-D") + 1], command[command.index("-p") + 1] = data, str(port)
        self.other = (command, port, self.launch(command), self.space and space)
        try:
            self.sql("ALTER SYSTEM SET synchronous_standby_names = '*'", "postgres")
            self.sql("SELECT pg_reload_conf()", "postgres")
            harness.wait_until(lambda: self.sql("SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'", "postgres") == [["1"]], 30, "the replica")
            yield port
        finally:
            if self.other:
                self.sql("ALTER SYSTEM RESET synchronous_standby_names", "postgres")
                self.sql("SELECT pg_reload_conf()", "postgres")
                process = self.other[2]
                process.send_signal(signal.SIGQUIT)
                process.wait()
                shutil.rmtree(directory, ignore_errors=True)

    def promote_replica(self):
        """Once this returns the replica is the server; the old one must be dead."""
        self.command, self.port, self.process, self.space = self.other
        self.other = None
        self.sql("SELECT pg_promote(true, 30)", "postgres")
        # Its disk is an ordinary directory.
        self.unmount()

    def unmount(self):
        if self.disk:
            subprocess.run(["umount", "-l", self.disk], check=False, **QUIET)
        self.disk = None

    def stop(self):
        self.unmount()
        super().stop()


"""What processes used, from /proc."""
import os
import time

TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def _stat(pid):
    """Fields after the name: 1 is the parent, 11 and 12 ticks in user and system mode, 13 and 14 those of children that have ended. None if there is no such process."""
    try:
        with open("/proc/%d/stat" % pid) as f:
            return f.read().rsplit(")", 1)[1].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def pids_of(gatehouse):
    return [one.process.pid for one in gatehouse.processes.values()]


def cpu_s(pids):
    """Processor time so far."""
    return TICK_S * sum(int(fields[11]) + int(fields[12]) for fields in map(_stat, pids) if fields)


def cpu_s_of_server(pid):
    """The same of a process and its children, those that have ended included, such as a PostgreSQL server and its sessions."""
    children = [int(name) for name in os.listdir("/proc") if name.isdigit() and (_stat(int(name)) or (None, "0"))[1] == str(pid)]
    return cpu_s([pid, *children]) + TICK_S * sum(map(int, _stat(pid)[13:15]))


def memory_mib(pids):
    """Resident memory."""
    total = 0
    for pid in pids:
        with open("/proc/%d/status" % pid) as f:
            total += next(int(row.split()[1]) for row in f if row.startswith("VmRSS")) / 1024
    return total


def wait_until_quiet(pids, most_s=TICK_S):
    """A start has background work, such as generating signing keys in advance, that belongs to no request. Quiet is a second with at most `most_s` of processor time. At most a minute."""
    for _ in range(60):
        before = cpu_s(pids)
        time.sleep(1)
        if cpu_s(pids) - before <= most_s:
            return


class ThreadTimes:
    """Processor time of all threads of some processes at this moment, in nanoseconds: for what takes less than a tick. Threads that end are not counted from then on."""

    def __init__(self, pids):
        self.ns = {}
        for pid in pids:
            try:
                for thread in os.listdir("/proc/%d/task" % pid):
                    with open("/proc/%d/task/%s/schedstat" % (pid, thread)) as f:
                        self.ns[thread] = int(f.read().split()[0])
            except (FileNotFoundError, ProcessLookupError):
                pass

    def since(self, earlier):
        """Seconds from `earlier` to this."""
        return sum(ns - earlier.ns.get(thread, 0) for thread, ns in self.ns.items()) / 1e9

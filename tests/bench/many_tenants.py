"""What thousands of tenants cost: one Gatehouse with few tenants, one with many, and one with many in one app, measured in turns on one machine.

Usage: many_tenants.py BIN_DIRECTORY [TENANTS] [APPS] [ROUNDS] [TENANTS_OF_ONE_APP]
"""
import os
import statistics
import sys
import time

BIN = sys.argv[1] if len(sys.argv) > 1 else "build/release/bin"
TENANTS = int(sys.argv[2]) if len(sys.argv) > 2 else 5000
APPS = int(sys.argv[3]) if len(sys.argv) > 3 else 500
ROUNDS = int(sys.argv[4]) if len(sys.argv) > 4 else 200
TENANTS_OF_ONE_APP = int(sys.argv[5]) if len(sys.argv) > 5 else 10000
os.environ["GATEHOUSE_BIN"] = os.path.abspath(BIN)
from processes import cpu_s, memory_mib, pids_of, wait_until_quiet  # noqa: E402
from subject import Subject, harness  # noqa: E402


def start_time(database):
    begun = time.monotonic()
    gatehouse = harness.Gatehouse(mode="all-in-one", database=database, environment={"LOG_LEVEL": "WARN"}).start()
    took = time.monotonic() - begun
    gatehouse.stop()
    return took


def main():
    subjects = {"few": Subject(10, 5), "many": Subject(TENANTS, APPS), "one app": Subject(2, 1, by_sql=TENANTS_OF_ONE_APP)}
    for subject in subjects.values():
        wait_until_quiet(pids_of(subject.gatehouse))
    print("tenants made one by one over REST: %d in %.1f s" % (TENANTS, subjects["many"].made_in_s))
    print("%-28s %12s %12s %12s" % ("", "10 tenants", "%d tenants" % TENANTS, "%d in one" % TENANTS_OF_ONE_APP))
    for name in Subject.OPERATIONS:
        times = {key: [] for key in subjects}
        cpu = dict.fromkeys(subjects, 0.0)
        for round_number in range(ROUNDS // 10):
            for key, subject in subjects.items():
                before = cpu_s(pids_of(subject.gatehouse))
                for _ in range(10):
                    begun = time.perf_counter()
                    getattr(subject, name)()
                    times[key].append(time.perf_counter() - begun)
                cpu[key] += cpu_s(pids_of(subject.gatehouse)) - before
        print("%-28s %9.2f ms %9.2f ms %9.2f ms   (CPU a request: %.2f, %.2f, %.2f ms)" % (
            name, *(1000 * statistics.median(times[key]) for key in subjects), *(1000 * cpu[key] / len(times[key]) for key in subjects)))
    print("%-28s %8.1f MiB %8.1f MiB %8.1f MiB" % ("memory", *(memory_mib(pids_of(s.gatehouse)) for s in subjects.values())))
    before = {key: cpu_s(pids_of(s.gatehouse)) for key, s in subjects.items()}
    time.sleep(66)  # all tenants are read again every 60 s, for changes by a core that sends no notifications
    print("%-28s %10.2f s %10.2f s %10.2f s" % ("CPU of 66 s without requests", *(cpu_s(pids_of(s.gatehouse)) - before[key] for key, s in subjects.items())))
    databases = [s.gatehouse.database for s in subjects.values()]
    for subject in subjects.values():
        subject.gatehouse.stop()
    starts = [[start_time(database) for database in databases] for _ in range(5)]
    print("%-28s %10.2f s %10.2f s %10.2f s" % ("start", *(statistics.median(column) for column in zip(*starts))))


if __name__ == "__main__":
    main()

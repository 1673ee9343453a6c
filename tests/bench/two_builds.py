"""Processor time a request of two builds, side by side: one process of each, in turns on one machine.

Usage: two_builds.py BIN_DIRECTORY BIN_DIRECTORY [REQUESTS] [TENANTS_IN_THE_APP]
"""
import os
import sys

BINS = [os.path.abspath(path) for path in sys.argv[1:3]]
REQUESTS = int(sys.argv[3]) if len(sys.argv) > 3 else 2000
TENANTS = int(sys.argv[4]) if len(sys.argv) > 4 else 0
os.environ["GATEHOUSE_BIN"] = BINS[0]
from processes import cpu_s, pids_of, wait_until_quiet  # noqa: E402
from subject import Subject, harness  # noqa: E402

BATCH = 50


def subject_of(directory):
    harness.BIN = directory
    return Subject(2, 1, by_sql=TENANTS)


def main():
    subjects = [subject_of(directory) for directory in BINS]
    for subject in subjects:
        wait_until_quiet(pids_of(subject.gatehouse))
    print("%-16s %10s %10s %8s   (%d requests each)" % ("", "first, ms", "second, ms", "ratio", REQUESTS))
    for name in Subject.OPERATIONS:
        used = [0.0, 0.0]
        for _ in range(REQUESTS // BATCH):
            for number, subject in enumerate(subjects):
                before = cpu_s(pids_of(subject.gatehouse))
                for _ in range(BATCH):
                    getattr(subject, name)()
                used[number] += cpu_s(pids_of(subject.gatehouse)) - before
        first, second = (1000 * seconds / REQUESTS for seconds in used)
        print("%-16s %10.3f %10.3f %8.2f" % (name, first, second, second / first if first else float("nan")), flush=True)


if __name__ == "__main__":
    main()

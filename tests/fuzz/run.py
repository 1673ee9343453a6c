#!/usr/bin/env python3
"""Runs fuzzers of the preset `fuzz`: run.py [--bin DIR] [--seconds S] [--keep DIR] [NAME ...]

Each starts from its committed corpus (corpus/NAME), which it does not change. What it finds is left in DIR/NAME (a temporary one unless --keep says where), and the
exit status is 1. With --keep a later run goes on where this one ended. To make the committed corpus smaller or better: run with --keep, then
NAME_fuzz -merge=1 corpus/NAME DIR/NAME.
"""
import argparse
import glob
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))


def run(program, name, seconds, kept):
    os.makedirs(kept, exist_ok=True)
    corpus = os.path.join(HERE, "corpus", name)
    # First what is known, so that an input that once failed fails whatever the time; then what is new.
    for arguments in (["-runs=0", corpus], ["-max_total_time=%d" % seconds, kept, corpus]):
        done = subprocess.run([program, "-timeout=10", "-rss_limit_mb=2048", "-max_len=6144", "-print_final_stats=1", "-verbosity=0",
                               "-artifact_prefix=" + kept + "/found-"] + arguments, stderr=subprocess.PIPE, text=True, errors="replace")
        if done.returncode != 0:
            print(done.stderr[-8000:])
            return False
    stats = dict(line[len("stat::"):].split(":") for line in done.stderr.splitlines() if line.startswith("stat::"))
    print("%-20s %10d inputs in %d s, %d kept" % (name, int(stats["number_of_executed_units"]), seconds, len(os.listdir(kept))), flush=True)
    return True


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", default=os.path.join(ROOT, "build", "fuzz", "bin"))
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--keep")
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_args()
    names = arguments.names or sorted(os.path.basename(path)[:-len("_fuzz.cc")] for path in glob.glob(os.path.join(HERE, "*_fuzz.cc")))
    keep = arguments.keep or tempfile.mkdtemp(prefix="gatehouse-fuzz-")
    failed = [name for name in names if not run(os.path.join(arguments.bin, name + "_fuzz"), name, arguments.seconds, os.path.join(keep, name))]
    if failed:
        print("FOUND something: %s; inputs in %s" % (", ".join(failed), keep))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

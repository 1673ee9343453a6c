"""Instructions and allocations of a running program, counted by valgrind's callgrind: they depend neither on the clock nor on what else the machine does."""
import collections
import contextlib
import os
import re
import shutil
import subprocess
import tempfile

# Calls before those that are counted.
WARM_UP = 12
ALLOCATORS = ("malloc", "calloc", "realloc", "aligned_alloc", "memalign", "posix_memalign")

# instructions: of all but libcrypto, which chooses its code by the processor, and generates keys for later meanwhile; crypto: libcrypto's; allocations: calls of malloc and its like from outside it; functions: {name: instructions of its own}, libcrypto's too
Cost = collections.namedtuple("Cost", "instructions crypto allocations functions")


def read(path):
    """The Cost in a profile. Format: valgrind's manual, "Callgrind Format Specification"."""
    names, function, in_crypto, callee, of_call = {}, None, False, "", False
    own, crypto, allocations = collections.Counter(), collections.Counter(), 0
    with open(path, errors="replace") as f:
        for line in f:
            match = re.match(r"(c?fn|c?ob)=(\(\d+\))(?: (.*))?$", line)
            if match:
                kind, number, name = match.groups()
                key = (kind[-2:], number)
                if name:
                    names[key] = name.strip()
                if kind == "fn":
                    function = names[key]
                elif kind == "cfn":
                    callee = names[key]
                elif kind == "ob":
                    in_crypto = "libcrypto" in names[key]
            elif line.startswith("calls="):
                # The next line's cost is what was spent in the callee: it is counted there.
                of_call = True
                if not in_crypto and callee.split("'")[0] in ALLOCATORS:
                    allocations += int(line[6:].split()[0])
            elif re.match(r"[\d+*-]", line):
                cost = line.split()
                if not of_call and len(cost) > 1:
                    (crypto if in_crypto else own)[function] += int(cost[1])
                of_call = False
    return Cost(sum(own.values()), sum(crypto.values()), allocations, own + crypto)


class Callgrind:
    """Runs a harness.Process under callgrind from its next start on; it counts only while measure() runs."""

    def __init__(self, process):
        self.process = process
        self.directory = tempfile.mkdtemp(prefix="gatehouse-callgrind-")
        self.out = os.path.join(self.directory, "out")
        self.dumps = 0
        process.wrapper = ["valgrind", "--tool=callgrind", "--instr-atstart=no", "--fair-sched=yes", "--callgrind-out-file=" + self.out]

    def close(self):
        shutil.rmtree(self.directory, ignore_errors=True)

    def control(self, call, *arguments):
        """Passes a command to the program, which hears it while it runs code: meanwhile requests are made. How many."""
        # The control program can interrupt a sleeping one by ptrace, but not on every kernel.
        done = subprocess.Popen(["callgrind_control", *arguments, str(self.process.process.pid)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        calls = 0
        while done.poll() is None:
            call()
            calls += 1
        with done.stdout:
            output = done.stdout.read()
        if done.returncode != 0 or "OK" not in output:
            raise AssertionError("callgrind_control %s: %s" % (" ".join(arguments), output))
        return calls

    def measure(self, call, times):
        """The Cost of one call, the mean of at least `times`."""
        def gently():
            # Meanwhile valgrind translates the program, and whatever has a time limit may fail.
            with contextlib.suppress(AssertionError, OSError):
                call()
        self.control(gently, "--instr=on")
        for _ in range(WARM_UP):
            gently()
        self.control(gently, "--zero")
        for _ in range(times):
            call()
        times += self.control(call, "--dump")
        self.control(call, "--instr=off")
        self.dumps += 1
        cost = read("%s.%d" % (self.out, self.dumps))
        return Cost(cost.instructions // times, cost.crypto // times, round(cost.allocations / times), collections.Counter({name: number // times for name, number in cost.functions.items()}))

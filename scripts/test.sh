#!/usr/bin/env bash
# Installs what is needed, builds and runs tests.
# Usage: scripts/test.sh [--preset release|debug|asan|tsan|fuzz] [unit|programs] [arguments of ctest, such as -R session]
#   unit      unit and workflow tests only        programs  tests that drive the built programs only
# The sanitizers' presets run unit, workflow and integration tests, and anything that a sanitizer
# reports is a failure. fuzz runs each fuzzer for some seconds.
set -euo pipefail
cd "$(dirname "$0")/.."
preset=release
if [ "${1:-}" = --preset ]; then
  preset=$2
  shift 2
fi
group=all
case "${1:-}" in unit | programs) group=$1; shift ;; esac

targets=(all)
labels=()
case "$preset-$group" in
  fuzz-*) targets=(fuzzers); labels=(-L '^fuzz$') ;;
  *-unit) targets=(unit_tests); labels=(-L '^(unit|workflow)$') ;;
  asan-programs | tsan-programs) targets=(programs); labels=(-L '^integration$') ;;
  *-programs) targets=(programs); labels=(-LE '^(unit|workflow)$') ;;
  asan-* | tsan-*) labels=(-L '^(unit|workflow|integration)$') ;;
esac

compiler=build
case "$preset" in asan | fuzz) compiler=clang ;; esac
scripts/install-deps.sh "$compiler"
# What only the tests need comes from the network while the processors build.
extras=$(mktemp)
data=
trap 'wait; rm -rf "$extras" ${data:+"$data"}' EXIT
installing=
if [ "$preset" != fuzz ]; then
  scripts/install-deps.sh test >"$extras" 2>&1 &
  installing=$!
fi
# Where nothing is cached yet, as in CI, this spares ccache a run of the preprocessor for each file.
export CCACHE_DEPEND=1
scripts/build.sh "$preset" "${targets[@]}"
[ -z "$installing" ] || wait "$installing" || { cat "$extras" >&2; exit 1; }

# Programs that a test kills report to files, which nobody else would read.
reports="$PWD/build/$preset/reports"
rm -rf "$reports"
mkdir -p "$reports"
if [ "$preset" = asan ] || [ "$preset" = tsan ]; then
  suppressions="$PWD/tests/sanitizers"
  export ASAN_OPTIONS="log_path=$reports/asan:detect_stack_use_after_return=1${ASAN_OPTIONS:+:$ASAN_OPTIONS}"
  export UBSAN_OPTIONS="log_path=$reports/ubsan:print_stacktrace=1${UBSAN_OPTIONS:+:$UBSAN_OPTIONS}"
  # Some tests fork a server from a process with threads.
  export TSAN_OPTIONS="die_after_fork=0:log_path=$reports/tsan:suppressions=$suppressions/thread.supp${TSAN_OPTIONS:+:$TSAN_OPTIONS}"
  [ ! -f "$suppressions/leak.supp" ] || export LSAN_OPTIONS="suppressions=$suppressions/leak.supp:print_suppressions=0${LSAN_OPTIONS:+:$LSAN_OPTIONS}"
fi

# Half of what most tests cost is the file system's work for their PostgreSQL servers, which keep
# nothing: in memory, if there is plenty of it, they cost a tenth of that.
gib_free() { # the least of what the file system, the machine and this container's limit have, in GiB
  local limit
  limit=$(cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null | head -1)
  {
    df --output=avail -k /dev/shm | tail -1
    awk '/^MemAvailable/ {print $2}' /proc/meminfo
    case "$limit" in *[!0-9]* | '') ;; *) echo "${limit%???}" ;; esac
  } 2>/dev/null | sort -n | awk 'NR == 1 {print int($1 / 1048576)}'
}
if [ -w /dev/shm ] && [ "$(gib_free)" -ge 8 ]; then
  data=$(mktemp -d /dev/shm/gatehouse-tests-XXXXXX)
  chmod 755 "$data" # PostgreSQL runs as another user
  export GATEHOUSE_TEST_DATA=$data
fi

status=0
ctest --test-dir "build/$preset" --output-on-failure --no-tests=error --parallel "$(nproc)" "${labels[@]}" "$@" || status=$?
# A test that can't run for want of something says so in a line between asterisks.
left_out=$(grep -oh '\*\*\* NOT CHECKED: .* \*\*\*' "build/$preset/Testing/Temporary/LastTest.log" | sort -u || true)
if [ -n "$left_out" ]; then
  printf 'Left out, since this machine lacks something:\n%s\n' "$left_out"
fi
if [ -n "$(ls -A "$reports")" ]; then
  cat "$reports"/*
  echo "The sanitizers reported: $(ls "$reports" | wc -l) files in $reports" >&2
  status=1
fi
exit "$status"

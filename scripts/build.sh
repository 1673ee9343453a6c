#!/usr/bin/env bash
# Builds everything: scripts/build.sh [release|debug|asan|tsan|fuzz] [target...]. The programs are left in build/<preset>/bin.
set -euo pipefail
cd "$(dirname "$0")/.."
preset=${1:-release}
[ $# -gt 0 ] && shift
[ -f "build/$preset/build.ninja" ] || cmake --preset "$preset" >&2
exec cmake --build --preset "$preset" ${@:+--target "$@"}

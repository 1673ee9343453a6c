#!/usr/bin/env bash
# Installs what is needed, builds everything and runs every test. Arguments go to ctest, such as -R session.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/install-deps.sh test
scripts/build.sh release
exec ctest --test-dir build/release --output-on-failure --no-tests=error "$@"

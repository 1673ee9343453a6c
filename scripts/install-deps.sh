#!/usr/bin/env bash
# Installs what building, running and testing Gatehouse need, from Debian 12's packages. Does nothing when all is there.
# Usage: scripts/install-deps.sh [build|test]   (default: build; test adds what only the tests need)
set -euo pipefail

packages=(
  g++ cmake ninja-build ccache mold pkg-config ca-certificates
  protobuf-compiler libprotobuf-dev libprotoc-dev libgrpc++-dev libabsl-dev
  libpqxx-dev libssl-dev libargon2-dev libcrypt-dev libyaml-cpp-dev libre2-dev
  libboost1.81-dev libboost-program-options1.81-dev
  prometheus-cpp-dev libcurl4-openssl-dev zlib1g-dev libgtest-dev libgmock-dev
  postgresql postgresql-contrib python3
)
if [ "${1:-build}" = test ]; then
  # A newer toolchain from elsewhere serves as well as Debian's.
  command -v curl >/dev/null || packages+=(curl)
  command -v git >/dev/null || packages+=(git)
  python3 -c 'import venv, ensurepip' 2>/dev/null || packages+=(python3 python3-venv)
  packages+=(faketime)
  { command -v node && command -v npm; } >/dev/null || packages+=(nodejs npm)
  command -v go >/dev/null || packages+=(golang-go)
  packages+=(pgbouncer)
fi

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

as_root=()
if [ "$(id -u)" != 0 ]; then
  command -v sudo >/dev/null || { echo "install these packages as root: ${missing[*]}" >&2; exit 1; }
  as_root=(sudo)
fi
echo "Installing: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -q
"${as_root[@]}" apt-get install -y -q --no-install-recommends "${missing[@]}"

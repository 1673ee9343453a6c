#!/usr/bin/env bash
# Installs what building, running and testing Gatehouse need, from Debian 12's packages. Does
# nothing if everything is installed. Usage: scripts/install-deps.sh [build|test|clang|bench ...|headers]
# (default: build; test adds what only the tests need, clang the compiler of the presets asan
# and fuzz, bench what tests/bench needs; headers: only the last step)
set -euo pipefail

as_root=()
[ "$(id -u)" = 0 ] || as_root=(sudo)

# libphonenumber's headers, into build/phonenumber: Debian's development package of it can't be
# installed together with Boost 1.81, which the library itself does not need
# (cmake/GatehousePhoneNumber.cmake).
unpack_phonenumber_headers() {
  local target work
  target="$(cd "$(dirname "$0")/.." && pwd)/build/phonenumber"
  [ -f "$target/usr/include/phonenumbers/phonenumberutil.h" ] && return
  work=$(mktemp -d)
  # As root, apt downloads as its own user, which must be able to write here.
  chmod 777 "$work"
  fetch() { (cd "$work" && apt-get download -q libphonenumber-dev); }
  fetch || { "${as_root[@]}" apt-get update -q && fetch; }
  dpkg-deb -x "$work"/libphonenumber-dev_*.deb "$work/unpacked"
  rm -rf "$target"
  mkdir -p "$(dirname "$target")"
  mv "$work/unpacked" "$target"
  rm -rf "$work"
}
if [ "${1:-build}" = headers ]; then
  unpack_phonenumber_headers
  exit
fi

packages=(
  g++ cmake ninja-build ccache mold pkg-config ca-certificates
  protobuf-compiler libprotobuf-dev libprotoc-dev libgrpc++-dev libabsl-dev
  libpqxx-dev libssl-dev libargon2-dev libcrypt-dev libyaml-cpp-dev libre2-dev
  libboost1.81-dev libboost-program-options1.81-dev
  libicu-dev libphonenumber8 prometheus-cpp-dev libcurl4-openssl-dev zlib1g-dev libxml2-dev libxmlsec1-dev libgtest-dev libgmock-dev
  postgresql postgresql-contrib python3
)
wanted() { [[ " $arguments " == *" $1 "* ]]; }
arguments=${*:-build}
if wanted test; then
  # A newer toolchain from elsewhere works as well as Debian's.
  command -v curl >/dev/null || packages+=(curl)
  command -v git >/dev/null || packages+=(git)
  python3 -c 'import venv, ensurepip' 2>/dev/null || packages+=(python3 python3-venv)
  packages+=(faketime oathtool valgrind)
  { command -v node && command -v npm; } >/dev/null || packages+=(nodejs npm)
  command -v go >/dev/null || packages+=(golang-go)
  packages+=(pgbouncer)
  [ -x "${CHROMIUM:-/usr/bin/chromium}" ] || packages+=(chromium fonts-liberation)
  python3 -c 'import yaml, jsonschema' 2>/dev/null || packages+=(python3-yaml python3-jsonschema)
fi

# What no package is installed for: helm and promtool, for the checks of the Helm chart.
get_tools() {
  ! wanted test || "$(dirname "$0")/../tests/deploy/get-tools.sh"
}

! wanted bench || packages+=(libbenchmark-dev valgrind wrk)
# llvm has the symbolizer, without which reports have no names.
! wanted clang || packages+=(clang libclang-rt-14-dev llvm)

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then
  unpack_phonenumber_headers
  get_tools
  exit 0
fi

if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
  echo "install these packages as root: ${missing[*]}" >&2
  exit 1
fi
echo "Installing: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -q
"${as_root[@]}" apt-get install -y -q --no-install-recommends "${missing[@]}"
unpack_phonenumber_headers
get_tools

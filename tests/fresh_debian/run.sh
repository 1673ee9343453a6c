#!/usr/bin/env bash
# The README's two commands on an empty Debian 12 with only git: as root in /root (mode 700), and as an ordinary user.
# Usage, as root: tests/fresh_debian/run.sh [--with-tests] [--mirror URL] [DIRECTORY]
#
# Makes the root with debootstrap in DIRECTORY (default: a temporary one), with this machine's way to Debian's packages, and clones this repository's HEAD into it. Takes as long as a
# build or two: it is started by hand. The ordinary user finds what root installed, as on a shared machine, and builds and starts a clone of its own.
set -euo pipefail
here=$(cd "$(dirname "$0")/../.." && pwd)
with_tests=
mirror=$(sed -nE 's/^(URIs:|deb) +(\[[^]]*\] +)?(http[^ ]*debian)( .*)?$/\3/p' /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null | head -n 1)
while [ $# -gt 0 ]; do
  case $1 in
    --with-tests) with_tests=yes ;;
    --mirror) mirror=$2; shift ;;
    *) root=$1 ;;
  esac
  shift
done
root=${root:-$(mktemp -d)}
command -v debootstrap >/dev/null || apt-get install -y -q --no-install-recommends debootstrap

mounts=(proc sys dev dev/pts dev/shm)
clean_up() {
  [ -z "${server:-}" ] || kill "$server" 2>/dev/null || true
  for ((i = ${#mounts[@]} - 1; i >= 0; --i)); do umount -l "$root/${mounts[$i]}" 2>/dev/null || true; done
}
trap clean_up EXIT

[ -e "$root/etc/debian_version" ] || debootstrap --variant=minbase --include=git,ca-certificates bookworm "$root" "$mirror"
for mount in "${mounts[@]}"; do mkdir -p "$root/$mount"; mount --bind "/$mount" "$root/$mount"; done
# How this machine reaches the packages: proxies, certificates.
cp /etc/resolv.conf "$root/etc/" 2>/dev/null || true
cp /etc/apt/apt.conf.d/*[Pp]roxy* "$root/etc/apt/apt.conf.d/" 2>/dev/null || true
chmod 700 "$root/root"
rm -rf "$root/srv/gatehouse.git"
git clone -q --bare "$here" "$root/srv/gatehouse.git"

inside() { # inside USER COMMAND...
  local user=$1
  shift
  chroot "$root" su - "$user" -c "$*"
}

try() { # try USER: clone, run.sh until it says Hello, a sign-up; then SIGTERM
  local user=$1 home began
  home=$(inside "$user" pwd)
  rm -rf "$root$home/gatehouse"
  inside "$user" "git config --global --add safe.directory '*'; git clone -q /srv/gatehouse.git gatehouse"
  began=$(date +%s)
  inside "$user" "cd gatehouse && exec scripts/run.sh" >"$root/tmp/run-$user.log" 2>&1 &
  server=$!
  until curl -fsS localhost:3567/hello 2>/dev/null | grep -q Hello; do
    kill -0 "$server" 2>/dev/null || { tail -n 30 "$root/tmp/run-$user.log"; echo "FAILED: run.sh as $user"; exit 1; }
    sleep 1
  done
  echo "run.sh as $user in $home: Hello after $(($(date +%s) - began)) s"
  curl -fsS localhost:3567/recipe/signup -H 'Content-Type: application/json' -d '{"email":"ada@example.com","password":"analytical engine 1"}' | grep -q '"OK"'
  inside "$user" "pkill -TERM -u $user -f '^build/release/bin/gatehouse'" || pkill -TERM -f '^build/release/bin/gatehouse start'
  wait "$server" || { tail -n 30 "$root/tmp/run-$user.log"; echo "FAILED: the end of run.sh as $user"; exit 1; }
  server=
  if grep -n 'warning:' "$root/tmp/run-$user.log"; then echo "FAILED: the build warns"; exit 1; fi
  # A data directory that can't work is refused before anything is built.
  rm -rf "$root$home/gatehouse/build"
  if inside "$user" "cd gatehouse && exec scripts/run.sh --data-dir /proc/nothing" >"$root/tmp/refused.log" 2>&1; then echo "FAILED: --data-dir /proc/nothing was taken"; exit 1; fi
  grep -q 'data directory' "$root/tmp/refused.log"
  [ ! -e "$root$home/gatehouse/build" ] || { echo "FAILED: built before the data directory was looked at"; exit 1; }
}

try root
chroot "$root" id ada >/dev/null 2>&1 || chroot "$root" useradd -m -s /bin/bash ada
try ada
if [ -n "$with_tests" ]; then
  inside root "cd gatehouse && exec scripts/test.sh"
fi
echo "All of it works in an empty Debian 12."

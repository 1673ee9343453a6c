#!/usr/bin/env bash
# The README's two commands on an empty Debian 12 with only git: as root in /root (mode 700), and as an ordinary user.
# Usage, as root: tests/fresh_debian/run.sh [--with-tests] [--ccache DIRECTORY] [--mirror URL] [DIRECTORY]
#
# Makes the root with debootstrap in DIRECTORY (default: a temporary one), with this machine's
# package sources, and clones this repository's HEAD into it. Takes as long as two builds: it is
# started by hand. The ordinary user finds what root installed, as on a shared machine, and builds
# and starts a clone of its own. --ccache gives both builds one compiler cache, so that the second
# is short (a cache repeats the compiler's warnings).
set -euo pipefail
here=$(cd "$(dirname "$0")/../.." && pwd)
with_tests=
ccache=
mirror=$(sed -nE 's/^(URIs:|deb) +(\[[^]]*\] +)?(http[^ ]*debian)( .*)?$/\3/p' /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null | head -n 1 || true)
while [ $# -gt 0 ]; do
  case $1 in
    --with-tests) with_tests=yes ;;
    --ccache) ccache=$2; shift ;;
    --mirror) mirror=$2; shift ;;
    *) root=$1 ;;
  esac
  shift
done
root=${root:-$(mktemp -d)}
command -v debootstrap >/dev/null || apt-get install -y -q --no-install-recommends debootstrap

mounts=(proc sys dev dev/pts dev/shm)
clean_up() {
  [ -z "${server:-}" ] || kill "$(cat "$root/tmp/$user.pid")" 2>/dev/null || true
  umount -l "$root/var/cache/ccache" 2>/dev/null || true
  for ((i = ${#mounts[@]} - 1; i >= 0; --i)); do umount -l "$root/${mounts[$i]}" 2>/dev/null || true; done
}
trap clean_up EXIT

[ -e "$root/etc/debian_version" ] || debootstrap --variant=minbase --include=git,ca-certificates bookworm "$root" "${mirror:-http://deb.debian.org/debian}"
for mount in "${mounts[@]}"; do mkdir -p "$root/$mount"; mount --bind "/$mount" "$root/$mount"; done
if [ -n "$ccache" ]; then
  mkdir -p "$ccache" "$root/var/cache/ccache"
  chmod 1777 "$ccache"
  mount --bind "$ccache" "$root/var/cache/ccache"
fi
# This machine's access to the packages: proxies, certificates.
cp /etc/resolv.conf "$root/etc/" 2>/dev/null || true
cp /etc/apt/apt.conf.d/*[Pp]roxy* "$root/etc/apt/apt.conf.d/" 2>/dev/null || true
cp /usr/local/share/ca-certificates/*.crt "$root/usr/local/share/ca-certificates/" 2>/dev/null || true
chroot "$root" update-ca-certificates >/dev/null 2>&1
# No package starts a service here: this is not the machine's own root.
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
chmod 700 "$root/root"
rm -rf "$root/srv/gatehouse.git"
git clone -q --bare "$here" "$root/srv/gatehouse.git"

inside() { # inside USER COMMAND...
  local user=$1
  shift
  chroot "$root" su - "$user" -c "${ccache:+export CCACHE_DIR=/var/cache/ccache CCACHE_UMASK=000 CCACHE_NOHASHDIR=1 CCACHE_BASEDIR=\$HOME; }$*"
}

try() { # try USER: clone, run.sh until it says Hello, a sign-up; then SIGTERM
  local home began
  user=$1
  home=$(inside "$user" pwd)
  # What an earlier run in this directory left: a clone, and the data of its users.
  rm -rf "$root$home/gatehouse" "$root$home/.local/share/gatehouse" "$root/var/lib/gatehouse"
  inside "$user" "git config --global --add safe.directory '*'; git clone -q /srv/gatehouse.git gatehouse"
  began=$(date +%s)
  inside "$user" "echo \$\$ >/tmp/$user.pid; cd gatehouse && exec scripts/run.sh" >"$root/tmp/run-$user.log" 2>&1 &
  server=$!
  until curl -fsS localhost:3567/hello 2>/dev/null | grep -q Hello; do
    kill -0 "$server" 2>/dev/null || { tail -n 30 "$root/tmp/run-$user.log"; echo "FAILED: run.sh as $user"; exit 1; }
    sleep 1
  done
  echo "run.sh as $user in $home: Hello after $(($(date +%s) - began)) s"
  curl -fsS localhost:3567/recipe/signup -H 'Content-Type: application/json' -d '{"email":"ada@example.com","password":"analytical engine 1"}' | grep -q '"OK"'
  kill -TERM "$(cat "$root/tmp/$user.pid")"  # the shell has become run.sh, and that Gatehouse
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

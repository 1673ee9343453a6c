#!/usr/bin/env bash
# Lays out the images' file systems: collect-files.sh BIN_DIR OUT. OUT/base is in all of them, OUT/<program> is added to it. Runs where the programs were built.
# With each file of a Debian package comes that package's copyright, and its entry in dpkg's list, by which scanners know what is in the image.
set -euo pipefail
bin=$(realpath "$1")
out=$2
postgres=$(printf '%s\n' /usr/lib/postgresql/*/bin | sort -V | tail -1)
postgres_share=/usr/share/postgresql/$(basename "$(dirname "$postgres")")

# Notes the package of a file in an image.
add_package() { # ROOT FILE
  local package
  package=$(dpkg -S "$2" "$(realpath "$2")" "${2#/usr}" 2>/dev/null | head -1 | sed 's/: .*//; s/,.*//' || true)
  [ -n "$package" ] || { echo "no package has $2" >&2; exit 1; }
  local name=${package%%:*}
  [ -e "$out/base/var/lib/dpkg/status.d/$name" ] && return
  install -d "$1/var/lib/dpkg/status.d" "$1/usr/share/doc/$name"
  dpkg-query --status "$package" | sed '/^Conffiles:/,/^[^ ]/{/^Conffiles:/d;/^ /d}' >"$1/var/lib/dpkg/status.d/$name"
  cp -L "/usr/share/doc/$name/copyright" "$1/usr/share/doc/$name/copyright"
}

add_files() { # ROOT FILE...
  local root=$1 file
  shift
  for file in "$@"; do
    [ -e "$out/base$file" ] && continue
    install -D -m "$(stat -L -c %a "$file")" "$file" "$root$file"
    add_package "$root" "$file"
  done
}

# The libraries that programs load, a line for each program and library.
libraries() { # FILE...
  ldd "$@" 2>/dev/null | awk '$2 == "=>" && $3 ~ /^\// { print $3 } $1 ~ /^\// && $1 !~ /:$/ { print $1 }' | sort
}

# Those libraries, each in its own place.
add_libraries() { # ROOT FILE...
  local root=$1 found
  shift
  mapfile -t found < <(libraries "$@" | uniq)
  add_files "$root" "${found[@]}"
}

add_program() { # ROOT NAME
  add_libraries "$1" "$bin/$2"
  install -D -m 755 "$bin/$2" "$1/usr/bin/$2"
  strip --strip-unneeded "$1/usr/bin/$2"
}

services=()
for program in "$bin"/gatehouse-*; do services+=("$(basename "$program")"); done

base=$out/base
mkdir -p "$base"
# What only some load is theirs.
mapfile -t common < <(libraries "${services[@]/#/$bin/}" | uniq -c | awk -v all="${#services[@]}" '$1 == all { print $2 }')
add_files "$base" "${common[@]}"
add_package "$base" /etc/debian_version  # base-files: which Debian this is
install -D -m 644 /usr/lib/os-release "$base/usr/lib/os-release"
install -d -m 755 "$base/etc"
ln -s ../usr/lib/os-release "$base/etc/os-release"
install -D -m 644 /etc/ssl/certs/ca-certificates.crt "$base/etc/ssl/certs/ca-certificates.crt"
echo 'hosts: files dns' >"$base/etc/nsswitch.conf"
printf '%s\n' root:x:0:0:root:/:/sbin/nologin nobody:x:65534:65534::/nonexistent:/sbin/nologin \
  supertokens:x:1000:1000::/var/lib/gatehouse:/sbin/nologin >"$base/etc/passwd"
printf '%s\n' root:x:0: nogroup:x:65534: supertokens:x:1000: >"$base/etc/group"
install -d -m 1777 "$base/tmp"
install -d -m 700 -o 1000 -g 1000 "$base/run/gatehouse"

for program in "${services[@]}"; do
  add_program "$out/$program" "$program"
  ln -s "$program" "$out/$program/usr/bin/gatehouse"
done

# All-in-one: under the names by which the original's image is run, too.
all=$out/gatehouse
add_program "$all" gatehouse
ln -s gatehouse "$all/usr/bin/supertokens"
install -d "$all/usr/local/bin" "$all/usr/lib/supertokens"
ln -s /usr/bin/gatehouse "$all/usr/local/bin/docker-entrypoint.sh"
ln -s usr/local/bin/docker-entrypoint.sh "$all/entrypoint.sh"
install -d -m 1777 "$all/lib/supertokens/temp"
install -d -m 755 -o 1000 -g 1000 "$all/var/lib/gatehouse"
# A PostgreSQL, without the just-in-time compiler, which is not used here and larger than all of the rest.
mapfile -t modules < <(find "${postgres%/bin}/lib" -maxdepth 1 -name '*.so' ! -name 'llvmjit*' | sort)
add_files "$all" "$postgres/postgres" "$postgres/initdb" "${modules[@]}"
add_libraries "$all" "$postgres/postgres" "$postgres/initdb" "${modules[@]}"
install -d "$all$postgres_share" "$all/usr/share/zoneinfo" "$all/usr/lib/locale"
cp -r "$postgres_share"/. "$all$postgres_share/"
rm -rf "$all$postgres_share/man"
cp -r /usr/lib/locale/C.utf8 "$all/usr/lib/locale/"
cp -L /usr/share/zoneinfo/UTC "$all/usr/share/zoneinfo/"
# initdb starts the server with a shell; and the health checks in the original's documentation are made of these three.
add_files "$all" /bin/bash /bin/cat /bin/grep
add_libraries "$all" /bin/bash /bin/cat /bin/grep
ln -s bash "$all/bin/sh"

# The same input gives the same bytes.
find "$out" -exec touch -h -d @0 {} +

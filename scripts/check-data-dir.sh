#!/usr/bin/env bash
# Checks whether the embedded PostgreSQL could use its data directory, before a build takes minutes.
# Takes the arguments of `gatehouse start`; the program itself checks again, and more.
set -euo pipefail

data_dir=${GATEHOUSE_DATA_DIR:-}
config=
[ "${GATEHOUSE_EPHEMERAL:-false}" = true ] && exit 0
[ -n "${POSTGRESQL_CONNECTION_URI:-}${POSTGRESQL_CONNECTION_URI_FILE:-}${POSTGRESQL_USER:-}${POSTGRESQL_PASSWORD:-}${POSTGRESQL_PASSWORD_FILE:-}" ] && exit 0
while [ $# -gt 0 ]; do
  case $1 in
    --ephemeral | --help | --version | --check-config) exit 0 ;;
    --data-dir) data_dir=${2:-}; shift ;;
    --data-dir=*) data_dir=${1#*=} ;;
    --with-config) config=${2:-}; shift ;;
    --with-config=*) config=${1#*=} ;;
  esac
  shift
done
if [ -n "$config" ]; then
  [ -r "$config" ] || { echo "cannot read the configuration $config" >&2; exit 1; }
  grep -qE '^(postgresql_(connection_uri|user|password)|gatehouse_ephemeral)' "$config" && exit 0
  [ -n "$data_dir" ] || data_dir=$(sed -nE 's/^gatehouse_data_dir: *"?([^"#]*[^"# ]).*/\1/p' "$config" | head -n 1)
fi
if [ -z "$data_dir" ]; then
  if [ "$(id -u)" = 0 ]; then data_dir=/var/lib/gatehouse
  else data_dir=${XDG_DATA_HOME:-${HOME:?has to be set, or give --data-dir}/.local/share}/gatehouse
  fi
fi

# The user that PostgreSQL runs as: it refuses root.
as_server=()
server=$(id -un)
if [ "$(id -u)" = 0 ]; then
  server=postgres
  id "$server" >/dev/null 2>&1 || server=nobody
  as_server=(runuser -u "$server" --)
fi

way=$(realpath -m -- "$data_dir")
while :; do
  if [ -e "$way" ]; then
    [ -d "$way" ] || { echo "The data directory can't be $data_dir: $way is not a directory." >&2; exit 1; }
    if ! (cd / && "${as_server[@]}" test -x "$way"); then
      echo "The data directory can't be $data_dir: PostgreSQL runs as $server, who may not enter $way. Choose another with --data-dir, such as /var/lib/gatehouse." >&2
      exit 1
    fi
    if [ -z "${nearest:-}" ]; then
      nearest=$way
      [ -w "$way" ] || { echo "The data directory can't be $data_dir: $(id -un) may not write to $way. Choose another with --data-dir." >&2; exit 1; }
    fi
  fi
  [ "$way" != / ] || break
  way=$(dirname -- "$way")
done

# Root must not work in a directory where somebody else can replace files.
directory=$(realpath -m -- "$data_dir")
if [ "$(id -u)" = 0 ] && [ -d "$directory" ]; then
  owner=$(stat -c %U -- "$directory")
  [ "$owner" = root ] || [ "$owner" = "$server" ] || {
    echo "The data directory can't be $data_dir: it belongs to $owner, and not to root or $server. Choose another with --data-dir." >&2
    exit 1
  }
  (( (0$(stat -c %a -- "$directory") & 022) == 0 )) || {
    echo "The data directory can't be $data_dir: it may be written to by other users. Choose another with --data-dir." >&2
    exit 1
  }
fi

# A mode that allows it does not make a file system writable: /proc, for instance.
if ! probe=$(mktemp -d -- "$nearest/.gatehouse.XXXXXX" 2>&1); then
  echo "The data directory can't be $data_dir: nothing can be made in $nearest (${probe##*: }). Choose another with --data-dir." >&2
  exit 1
fi
rmdir -- "$probe"

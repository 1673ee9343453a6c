#!/bin/sh
# What docker-compose.yml and the chart use of the postgres image: POSTGRES_USER, POSTGRES_DB, POSTGRES_PASSWORD or POSTGRES_PASSWORD_FILE; the data in PGDATA.
set -eu
export PGDATA="${PGDATA:-/var/lib/postgresql/data}"
[ -s "${POSTGRES_PASSWORD_FILE:-}" ] && POSTGRES_PASSWORD=$(cat "$POSTGRES_PASSWORD_FILE")
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  printf '%s' "$POSTGRES_PASSWORD" >/tmp/password
  initdb --username="$POSTGRES_USER" --pwfile=/tmp/password --encoding=UTF8 --locale=C.UTF-8 --auth-local=trust --auth-host=scram-sha-256 >/dev/null
  rm /tmp/password
  echo "host all all all scram-sha-256" >>"$PGDATA/pg_hba.conf"
  pg_ctl -w start -o "-c listen_addresses= -c unix_socket_directories=/tmp" >/dev/null
  psql -h /tmp -U "$POSTGRES_USER" -d postgres -q -v name="$POSTGRES_DB" <<'SQL'
CREATE DATABASE :"name";
SQL
  pg_ctl -w stop >/dev/null
fi
exec postgres -c listen_addresses='*' -c unix_socket_directories=/tmp

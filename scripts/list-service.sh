#!/usr/bin/env bash
# Lists a service's files, each with the first comment in it: scripts/list-service.sh roles
set -euo pipefail
cd "$(dirname "$0")/.."
[ -d "services/${1:?name a service: $(ls -d services/*/ | xargs -n1 basename | tr '\n' ' ')}" ] || { echo "no service '$1'" >&2; exit 1; }
find "services/$1" "migrations/$1" "protos/gatehouse/$1" -type f | sort | while read -r file; do
  printf '%-70s %s\n' "$file" "$(grep -m1 -E '^ *(//|#|--) *[A-Z]' "$file" | sed -E 's,^ *(//|#|--) *,,' | cut -c1-90)"
done

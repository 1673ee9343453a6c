#!/usr/bin/env bash
# Builds the images: all-in-one, one for each service, the gateway.
# Usage: scripts/images.sh [--with docker|buildah] [--twice] [--sbom DIR] [--sign KEY] [image…]
#   --with     what builds them; docker unless there is only buildah, which stamps everything with the time 0. FORMAT=oci makes buildah's images OCI's, which have no health check
#   --twice    build all again without any cache, and compare digests: of OCI's images, or of the layers of Docker's, where the rest has the build's time or container in it
#   --sbom     write a list of what is in each image, DIR/<image>.spdx.json (needs syft)
#   --sign     sign each image with this private key of cosign (needs cosign, and the images in a registry: REGISTRY=host/name, where they are pushed to); with --sbom
#              the list is signed too, as an attestation of the image
# BASE_IMAGE and PROGRAMS are those of the Dockerfile; TAG is "latest" unless set.
set -euo pipefail
cd "$(dirname "$0")/.."

with=$(command -v docker >/dev/null && echo docker || echo buildah)
twice='' sbom='' key='' images=()
while [ $# -gt 0 ]; do
  case $1 in
    --with) with=$2; shift ;;
    --twice) twice=yes ;;
    --sbom) sbom=$2; shift ;;
    --sign) key=$2; shift ;;
    -*) sed -n '2,10s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
    *) images+=("$1") ;;
  esac
  shift
done
[ ${#images[@]} -gt 0 ] || mapfile -t images < <(sed -n 's/^FROM base AS \(gatehouse.*\)/\1/p' Dockerfile)
tag=${TAG:-latest}

arguments=(--build-arg "REVISION=$(git rev-parse HEAD 2>/dev/null || echo unknown)")
for name in BASE_IMAGE PROGRAMS VERSION; do
  [ -z "${!name:-}" ] || arguments+=(--build-arg "$name=${!name}")
done

build() { # IMAGE TAG OPTION…
  if [ "$with" = buildah ]; then
    # shellcheck disable=SC2086
    buildah ${BUILDAH_OPTIONS:-} build --format "${FORMAT:-docker}" --layers --timestamp 0 "${@:3}" "${arguments[@]}" --target "$1" -t "$1:$2" . >/dev/null
  else
    DOCKER_BUILDKIT=1 docker build -q "${@:3}" "${arguments[@]}" --target "$1" -t "$1:$2" . >/dev/null
  fi
}

digest() { # IMAGE TAG
  if [ "$with" = buildah ]; then
    # shellcheck disable=SC2086
    if [ "${FORMAT:-docker}" = oci ]; then
      # shellcheck disable=SC2086
      buildah ${BUILDAH_OPTIONS:-} inspect --type image -f '{{.FromImageDigest}}' "localhost/$1:$2"
    else
      # shellcheck disable=SC2086
      buildah ${BUILDAH_OPTIONS:-} inspect --type image -f '{{.Docker.RootFS.DiffIDs}}' "localhost/$1:$2" | sha256sum | sed 's/ .*/ (layers)/'
    fi
  else
    docker inspect -f '{{json .RootFS.Layers}}' "$1:$2" | sha256sum | sed 's/ .*/ (layers)/'
  fi
}

for image in "${images[@]}"; do
  build "$image" "$tag"
  echo "$image:$tag $(digest "$image" "$tag")"
done

if [ -n "$twice" ]; then
  failed=
  for image in "${images[@]}"; do
    build "$image" again --no-cache
    [ "$(digest "$image" "$tag")" = "$(digest "$image" again)" ] || { echo "$image: two builds, two digests" >&2; failed=yes; }
  done
  [ -z "$failed" ] || exit 1
  echo "Built twice: the same digests."
fi

need() { command -v "$1" >/dev/null || { echo "$1 is not here: $2. See $3" >&2; exit 1; }; }

if [ -n "$sbom" ]; then
  need syft "no SBOM is written" https://github.com/anchore/syft
  mkdir -p "$sbom"
  for image in "${images[@]}"; do
    archive=$(mktemp --suffix .tar)
    # shellcheck disable=SC2086
    if [ "$with" = buildah ]; then rm "$archive"; buildah ${BUILDAH_OPTIONS:-} push -q "localhost/$image:$tag" "docker-archive:$archive:$image:$tag"; else docker save "$image:$tag" -o "$archive"; fi
    syft scan -q "docker-archive:$archive" --source-name "$image" -o spdx-json="$sbom/$image.spdx.json"
    rm -f "$archive"
    echo "$sbom/$image.spdx.json"
  done
fi

if [ -n "$key" ]; then
  need cosign "nothing is signed" https://github.com/sigstore/cosign
  : "${REGISTRY:?signatures are kept beside the images: set REGISTRY to where these are pushed}"
  for image in "${images[@]}"; do
    # shellcheck disable=SC2086
    if [ "$with" = buildah ]; then
      buildah ${BUILDAH_OPTIONS:-} push -q --digestfile /tmp/digest.$$ "localhost/$image:$tag" "docker://$REGISTRY/$image:$tag"
      pushed=$(cat /tmp/digest.$$); rm -f /tmp/digest.$$
    else
      docker tag "$image:$tag" "$REGISTRY/$image:$tag"
      docker push -q "$REGISTRY/$image:$tag" >/dev/null
      pushed=$(docker inspect -f '{{range .RepoDigests}}{{println .}}{{end}}' "$REGISTRY/$image:$tag" | sed -n "s#^$REGISTRY/$image@##p" | head -1)
    fi
    # By digest: a tag may be moved after it was signed.
    cosign sign --yes --key "$key" ${COSIGN_OPTIONS:-} "$REGISTRY/$image@$pushed"
    # shellcheck disable=SC2086
    [ -z "$sbom" ] || cosign attest --yes --key "$key" --type spdxjson --predicate "$sbom/$image.spdx.json" ${COSIGN_OPTIONS:-} "$REGISTRY/$image@$pushed"
  done
fi

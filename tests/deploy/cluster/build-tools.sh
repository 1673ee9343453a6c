#!/usr/bin/env bash
# Builds what scripts/cluster.sh runs: Kubernetes 1.34, KWOK, CoreDNS and kube-router from their Go modules, and unpacks etcd and ipset from Debian's packages.
#   build-tools.sh DIR
# What is there already is left alone. From nothing it takes half an hour on two cores, 1 GB of modules and 4 GB of build cache.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
tools=$(mkdir -p "$1" && cd "$1" && pwd)
bin=$tools/bin
mkdir -p "$bin"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# 1.34 is the newest whose kubelet takes containerd 1.6 and the old control groups without being asked.
kubernetes=v1.34.4
# Without its version an API server says v0.0.0, and Helm refuses charts that want a newer one.
version_flags="-X k8s.io/component-base/version.gitVersion=$kubernetes -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=34"
version_flags+=" -X k8s.io/component-base/version.gitTreeState=clean -X k8s.io/client-go/pkg/version.gitVersion=$kubernetes"

build() { # NAME MODULE_DIR PACKAGE LDFLAGS
  [ -x "$bin/$1" ] && return
  echo "Building $1"
  rm -rf "$work/module"
  cp -r "$here/$2" "$work/module"
  (cd "$work/module" && CGO_ENABLED=0 GOFLAGS=-mod=mod nice go build -trimpath -ldflags "-s -w $4" -o "$bin/$1" "$3")
}
for program in kube-apiserver kube-controller-manager kube-scheduler kubelet kube-proxy kubectl; do
  build "$program" tools "k8s.io/kubernetes/cmd/$program" "$version_flags"
done
build coredns dns . ""
install() { # NAME PACKAGE@VERSION
  [ -x "$bin/$1" ] && return
  echo "Building $1"
  GOBIN=$bin CGO_ENABLED=0 GOFLAGS='' nice go install -trimpath -ldflags '-s -w' "$2"
}
# Its network policies only, in a network of the test's: kube-network-policies needs a kernel with nf_tables queues.
install kube-router github.com/cloudnativelabs/kube-router/v2/cmd/kube-router@v2.1.0
install kwok sigs.k8s.io/kwok/cmd/kwok@v0.8.0

# Unpacked and not installed: etcd's package would start a server.
unpack() { # PACKAGE FILE
  [ -e "$tools/root/$2" ] && return
  echo "Unpacking $1"
  chmod 777 "$work"
  (cd "$work" && { apt-get download -q "$1" || { apt-get update -q && apt-get download -q "$1"; }; } >/dev/null)
  dpkg-deb -x "$work/$1"_*.deb "$tools/root"
}
unpack etcd-server usr/bin/etcd
unpack ipset usr/sbin/ipset
unpack libipset13 usr/lib/x86_64-linux-gnu/libipset.so.13
unpack busybox-static bin/busybox
